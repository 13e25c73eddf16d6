"""Logs contain no passwords and no tokens, in either format."""

import logging
from collections.abc import Iterator
from functools import partial
from io import StringIO
from typing import Any, NoReturn
from uuid import uuid4

import pytest
import structlog

from sidepro.adapters import logs
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.repositories.accounts.users import SqlUsers
from sidepro.domain.accounts.account_service import AccountService
from tests.api.client import Api
from tests.api.schemas import ACCOUNT, TOKENS

pytestmark = pytest.mark.anyio

PASSWORD = "Tr0ubadour-비밀-word"
WRONG = "another-틀린-word-9"


@pytest.fixture(params=["console", "json"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """The log of the test, in either format."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    # httpx is the client of the tests and logs its requests.
    levels = {name: logging.getLogger(name).level for name in (*logs.QUIET, "httpx")}
    # Cached loggers would keep this test's configuration.
    monkeypatch.setattr(structlog, "configure", partial(_configure, structlog.configure))
    logs.set_up(request.param)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = StringIO()
    handler.setStream(stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    yield stream
    monkeypatch.undo()
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)


def _configure(configure: Any, **options: Any) -> None:
    configure(**{**options, "cache_logger_on_first_use": False})


async def exercise_an_account(api: Api) -> list[str]:
    """Sign up, log in, fail to log in, call with valid and invalid tokens; returns all secrets."""
    name = f"logged-{uuid4().hex[:8]}"
    email = f"{name}@example.com"
    account = {"email": email, "username": name, "password": PASSWORD}
    await api.ok(ACCOUNT, "POST", "/users", account, status=201)
    await api.send("POST", "/users", account)
    await api.send("POST", "/users", {**account, "password": WRONG[:5], "x": 1})
    log_in = {"email": email, "password": PASSWORD}
    tokens = await api.ok(TOKENS, "POST", "/sessions", log_in, status=201)
    await api.send("POST", "/sessions", {**log_in, "password": WRONG})
    await api.send("POST", "/sessions", {**log_in, "email": "x@example.com", "password": WRONG})
    token, refresh = tokens["access_token"], tokens["refresh_token"]
    for sent in (token, f"{token}x", refresh, "nonsense-token"):
        await api.send("GET", "/me", headers={"Authorization": f"Bearer {sent}"})
    await api.send("GET", f"/projects?access_token={token}&ticket={refresh}")
    return [PASSWORD, WRONG, token, token.rpartition(".")[2], refresh, "nonsense-token", "argon2"]


async def test_normal_logs_contain_no_secret(api: Api, written: StringIO) -> None:
    secrets = await exercise_an_account(api)

    assert "/api/v1/sessions" in written.getvalue()
    for event in ("signed_up", "logged_in", "log_in_refused"):
        assert event in written.getvalue()
    for secret in secrets:
        assert secret not in written.getvalue()


async def fails(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize(
    ("broken", "method", "path"),
    [
        (SqlUsers.add, "POST", "/users"),
        (SqlAccountReader.log_in_candidate, "POST", "/sessions"),
        (SqlAccountReader.account, "GET", "/me"),
        (AccountService.account, "GET", "/me"),
    ],
    ids=["sign-up", "log-in", "a read", "a use case"],
)
async def test_the_log_of_an_internal_error_contains_no_secret(
    api: Api,
    written: StringIO,
    monkeypatch: pytest.MonkeyPatch,
    broken: Any,
    method: str,
    path: str,
) -> None:
    person = await api.sign_up()
    owner = {cls.__name__: cls for cls in (SqlUsers, SqlAccountReader, AccountService)}
    monkeypatch.setattr(owner[broken.__qualname__.partition(".")[0]], broken.__name__, fails)
    body: dict[str, str] | None = {"email": "leaky@example.com", "password": PASSWORD}
    if path == "/users":
        body = {**(body or {}), "username": "leaky"}
    elif path == "/me":
        body = None

    response = await api.send(method, path, body, by=person)

    assert response.status_code == 500
    assert "broken on purpose" in written.getvalue()
    for secret in (PASSWORD, "Tr0ubadour", person.token, person.token[:60], "argon2id"):
        assert secret not in written.getvalue()
