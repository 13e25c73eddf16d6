"""Logging: one line per event on standard error, for people (`console`) or machines (`json`)."""

import logging
import sys
from contextlib import suppress
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from sidepro.adapters.log_redaction import redact_arguments, redact_exception
from sidepro.domain.accounts.audit_log import AuthenticationEvent
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.operator_log import OperatorAction

log = structlog.get_logger(__name__)

QUIET = ("uvicorn", "aiosqlite", "taskiq", "sqlalchemy", "alembic", "asyncio")
"""Libraries that log from WARNING on. uvicorn would also log socket URLs with their tickets."""


_LOGGED_ELSEWHERE = ("without completing handshake", "Invalid HTTP request received")


def _is_relevant(record: logging.LogRecord) -> bool:
    """Uvicorn's errors about refused upgrades and malformed requests, which are logged with the
    address of the client elsewhere.
    """
    message = record.getMessage()
    return not any(text in message for text in _LOGGED_ELSEWHERE)


def set_up(log_format: str, level: int = logging.INFO) -> None:
    """Configure logging, for the events of SidePro and of its libraries alike."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact_exception,
    ]
    renderers = _renderers(log_format)
    handler = logging.StreamHandler()
    handler.addFilter(redact_arguments)
    structlog.configure(
        processors=[*shared, *renderers],
        logger_factory=lambda *_: _LineWriter(handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("uvicorn.error").addFilter(_is_relevant)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def audit_log(
    event: AuthenticationEvent,
    user_id: UserId | None = None,
    *,
    session_id: SessionId | None = None,
    reason: str | None = None,
) -> None:
    """See `sidepro.domain.accounts.audit_log.AuthenticationLog`."""
    values = {"user": user_id, "session": session_id, "reason": reason}
    known = {name: str(value) for name, value in values.items() if value is not None}
    log.info(event.value, **known)


def operator_log(
    action: OperatorAction,
    operator: UserId,
    *,
    target: object | None = None,
    reason: str | None = None,
) -> None:
    """See `sidepro.domain.operator_log.OperatorLog`."""
    values = {"operator": operator, "target": target, "reason": reason}
    log.info(
        action.value, **{name: str(value) for name, value in values.items() if value is not None}
    )


class _LineWriter:
    """Writes structlog's lines to the handler's stream.

    A `logging.LogRecord` would cost more than the rest of the line.
    """

    def __init__(self, handler: logging.StreamHandler[Any]) -> None:
        self._handler = handler

    def msg(self, line: str) -> None:
        self._handler.acquire()
        try:
            # A full disk or a closed pipe must not fail the request.
            with suppress(OSError, ValueError):
                self._handler.stream.write(line + "\n")
                self._handler.flush()
        finally:
            self._handler.release()

    debug = info = warning = error = critical = msg


def _renderers(log_format: str) -> list[Processor]:
    # Tracebacks omit local variables, which may hold passwords and tokens.
    if log_format == "json":
        transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(transformer),
            structlog.processors.JSONRenderer(),
        ]
    if sys.stderr.isatty():
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, _plain]


def _plain(_logger: object, _method: str, event: EventDict) -> str:
    """The output of structlog's ConsoleRenderer without colours, at a third of its cost."""
    timestamp, level, name = event.pop("timestamp"), event.pop("level"), event.pop("event")
    traceback = event.pop("exception", None)
    values = " ".join([f"{key}={_quoted(str(value))}" for key, value in event.items()])
    line = f"{timestamp} [{level:<8}] {name:<30} {values}"
    return f"{line}\n{traceback}" if traceback else line


def _quoted(text: str) -> str:
    """The text; in quotes if it contains spaces or line breaks."""
    return text if text.isprintable() and " " not in text else repr(text)
