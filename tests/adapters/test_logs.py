"""A line of the log stays one line, whatever is in it."""

import json
import logging
from io import StringIO

import pytest
import structlog


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_a_client_sends_cannot_begin_a_line_of_its_own(log_text: StringIO) -> None:
    structlog.get_logger().info("request", path="/x\n2026-11-24 [info] request path=/y", status=1)
    assert len(log_text.getvalue().splitlines()) == 1
    assert log_text.getvalue().endswith("\n")


@pytest.mark.parametrize("log_format", ["console"])
def test_a_line_for_people_names_its_members(log_text: StringIO) -> None:
    structlog.get_logger().warning("unavailable", reason="no route", tries=3, path="/한국어")
    _, line = log_text.getvalue().rstrip().split(" ", 1)
    assert line == f"[warning ] {'unavailable':<30} reason='no route' tries=3 path=/한국어"


@pytest.mark.parametrize("log_format", ["json"])
def test_a_line_for_machines_is_an_object(log_text: StringIO) -> None:
    structlog.get_logger().warning("unavailable", reason="a \ud800 b", tries=3, cause=OSError("x"))
    found = json.loads(log_text.getvalue())
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "unavailable",
        "level": "warning",
        "reason": "a \ud800 b",
        "tries": 3,
        "cause": "OSError('x')",
    }


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_libraries_and_tracebacks_go_the_same_way(log_text: StringIO) -> None:
    what = "broken on purpose"
    try:
        raise RuntimeError(what)
    except RuntimeError as error:
        structlog.get_logger().error("unhandled", exc_info=error)
        logging.getLogger("some.library").warning("hm %s", "this", exc_info=error)
    assert log_text.getvalue().count(what) == 2
    assert "hm this" in log_text.getvalue()
