"""A line of the log stays one line, whatever is in it."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from sidepro.adapters import logs


@pytest.fixture
def stream(log_format: str) -> Iterator[StringIO]:
    """What is logged in a format."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    logs.set_up(log_format)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = StringIO()
    handler.setStream(stream)
    yield stream
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_a_client_sends_cannot_begin_a_line_of_its_own(stream: StringIO) -> None:
    structlog.get_logger().info("request", path="/x\n2026-11-24 [info] request path=/y", status=1)
    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize("log_format", ["console"])
def test_a_line_for_people_names_its_members(stream: StringIO) -> None:
    structlog.get_logger().warning("unavailable", reason="no route", tries=3, path="/한국어")
    _, line = stream.getvalue().rstrip().split(" ", 1)
    assert line == f"[warning ] {'unavailable':<30} reason='no route' tries=3 path=/한국어"


@pytest.mark.parametrize("log_format", ["json"])
def test_a_line_for_machines_is_an_object(stream: StringIO) -> None:
    structlog.get_logger().warning("unavailable", reason="a \ud800 b", tries=3, cause=OSError("x"))
    found = json.loads(stream.getvalue())
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "unavailable",
        "level": "warning",
        "reason": "a \ud800 b",
        "tries": 3,
        "cause": "OSError('x')",
    }


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_libraries_and_tracebacks_go_the_same_way(stream: StringIO) -> None:
    what = "broken on purpose"
    try:
        raise RuntimeError(what)
    except RuntimeError as error:
        structlog.get_logger().error("unhandled", exc_info=error)
        logging.getLogger("some.library").warning("hm %s", "this", exc_info=error)
    assert stream.getvalue().count(what) == 2
    assert "hm this" in stream.getvalue()
