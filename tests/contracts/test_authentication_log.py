"""`AuthenticationLog`: log lines, and the fake of the domain's tests."""

import io
import logging
from collections.abc import Iterator
from typing import NoReturn

import msgspec
import pytest
import structlog

from sidepro.adapters import logs
from sidepro.adapters.logs import audit_log, operator_log
from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.operator_log import OperatorAction
from tests.domain.doubles import RecordedAuthenticationLog
from tests.factories import new_id


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _text: str) -> NoReturn:
        raise OSError(28, "No space left on device")


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.StreamHandler[io.StringIO]]:
    """Where the platform's lines go, as JSON."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    logs.set_up("json")
    # The logger of the module would remember this test's set-up for ever.
    monkeypatch.setattr(logs, "log", structlog.get_logger("tests"))
    (found,) = root.handlers
    assert isinstance(found, logging.StreamHandler)
    found.setStream(io.StringIO())
    yield found
    structlog.configure(**before)
    root.handlers, root.level = handlers, level


@pytest.fixture(params=["lines", "list"])
def log_event(
    request: pytest.FixtureRequest, handler: logging.StreamHandler[io.StringIO]
) -> AuthenticationLog:
    return audit_log if request.param == "lines" else RecordedAuthenticationLog()


@pytest.mark.parametrize("event", AuthenticationEvent)
def test_every_event_can_be_noted_with_all_that_is_known_or_nothing(
    log_event: AuthenticationLog, event: AuthenticationEvent
) -> None:
    log_event(event)
    log_event(event, UserId(new_id()))
    log_event(event, None, session_id=SessionId(new_id()), reason="why\n\ud800")


# ------------------------------------------------------------------------------------ lines alone


def test_a_line_names_the_event_and_the_user(
    handler: logging.StreamHandler[io.StringIO],
) -> None:
    user_id, session_id = UserId(new_id()), SessionId(new_id())
    audit_log(AuthenticationEvent.LOG_IN_REFUSED, user_id, session_id=session_id, reason="why")
    audit_log(AuthenticationEvent.LOGGED_IN)
    refused, logged_in = map(msgspec.json.decode, handler.stream.getvalue().splitlines())
    del refused["timestamp"], logged_in["timestamp"]
    assert refused == {
        "event": "log_in_refused",
        "level": "info",
        "user": str(user_id),
        "session": str(session_id),
        "reason": "why",
    }
    assert logged_in == {"event": "logged_in", "level": "info"}


def test_a_failed_write_raises_no_error(
    handler: logging.StreamHandler[io.StringIO],
) -> None:
    for stream in (Full(), closed()):
        handler.setStream(stream)
        audit_log(AuthenticationEvent.LOGGED_IN, UserId(new_id()))
        handler.setStream(io.StringIO())


def closed() -> io.StringIO:
    """A file that somebody has closed."""
    stream = io.StringIO()
    stream.close()
    return stream


def test_an_action_of_an_administrator_is_a_line_with_who_what_and_why(
    handler: logging.StreamHandler[io.StringIO],
) -> None:
    operator, target = UserId(new_id()), new_id()
    operator_log(OperatorAction.DEACTIVATED, operator, target=target, reason="광고\nx")
    operator_log(OperatorAction.REPAIRED_COUNTERS, operator)
    first, second = map(msgspec.json.decode, handler.stream.getvalue().splitlines())
    assert first["event"] == "operator_deactivated_account"
    assert (first["operator"], first["target"]) == (str(operator), str(target))
    assert first["reason"] == "광고\nx"
    assert second.keys() == {"event", "operator", "level", "timestamp"}
