"""Removes stored data from logged exceptions.

Errors of databases, caches and stores quote rows, keys and URLs in their messages. PostgreSQL, for
example, names the values of the row that violates a constraint. The log gets only their type and
details without contents: SQLSTATE, constraint, error name.
"""

import logging
import re
import sys
from typing import Any

from structlog.typing import EventDict

DRIVERS = frozenset(
    {"aiosqlite", "alembic", "obstore", "psycopg", "redis", "sqlalchemy", "sqlite3"}
)
"""Top-level packages of the exceptions whose messages are replaced."""


def redact_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor. Place it before the one that formats `exc_info`."""
    error = event.get("exc_info")
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException) and _mentions_driver(error, set()):
        copy = _redacted(error, {})
        event["exc_info"] = (type(copy), copy, copy.__traceback__)
    return event


def redact_arguments(record: logging.LogRecord) -> bool:
    """A filter for libraries that format exceptions into their messages."""
    if isinstance(record.args, tuple):
        record.args = tuple(map(_redacted_argument, record.args))
    return True


def _redacted_argument(value: Any) -> Any:
    if isinstance(value, BaseException) and _mentions_driver(value, set()):
        return _redacted(value, {})
    return value


def _linked(error: BaseException) -> list[BaseException]:
    links = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        links += error.exceptions
    return [linked for linked in links if linked is not None]


def _mentions_driver(error: BaseException, seen: set[int]) -> bool:
    if id(error) in seen:
        return False
    seen.add(id(error))
    return _is_of_driver(error) or any(_mentions_driver(linked, seen) for linked in _linked(error))


def _is_of_driver(error: BaseException) -> bool:
    return _package(error) in DRIVERS


def _redacted(error: BaseException, copies: dict[int, BaseException]) -> BaseException:
    """A copy of the exception with its type's name, traceback and chain."""
    if id(error) in copies:
        return copies[id(error)]
    kind = type(error)
    copy: BaseException
    if isinstance(error, BaseExceptionGroup):
        members = [_redacted(each, copies) for each in error.exceptions]
        copy = BaseExceptionGroup(error.message, members)
    else:
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        copy = type(kind.__name__, (Exception,), names)(_message(error))
    copies[id(error)] = copy
    copy.__traceback__ = error.__traceback__
    if error.__cause__ is not None:
        copy.__cause__ = _redacted(error.__cause__, copies)
    if error.__context__ is not None:
        copy.__context__ = _redacted(error.__context__, copies)
    copy.__suppress_context__ = error.__suppress_context__
    return copy


def _message(error: BaseException) -> str:
    """The message of an exception without contents of a store."""
    if not _is_of_driver(error):
        # Our own exceptions may contain a driver's message.
        links = [str(linked) for linked in _linked(error) if _is_of_driver(linked)]
        return type(error).__name__ if str(error) in links and str(error) else str(error)
    origin = getattr(error, "orig", None) or error
    diagnosis = getattr(origin, "diag", None)
    code = re.match(r"[A-Z]{2,}\b", str(origin)) if _package(origin) == "redis" else None
    facts = {
        "sqlstate": getattr(origin, "sqlstate", None),
        "constraint": getattr(diagnosis, "constraint_name", None),
        "table": getattr(diagnosis, "table_name", None),
        "error": getattr(origin, "sqlite_errorname", None) or (code and code[0]),
    }
    known = [f"{name}={value}" for name, value in facts.items() if value]
    return " ".join(["(message omitted)", *known])


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]
