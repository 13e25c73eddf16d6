"""Logs: one line an event on standard error, for people (`console`) or for machines (`json`)."""

import logging
import sys
from contextlib import suppress
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from sidepro.domain.accounts.audit_log import AuthenticationEvent
from sidepro.domain.ids import SessionId, UserId

log = structlog.get_logger(__name__)

QUIET = ("uvicorn", "aiosqlite", "taskiq", "sqlalchemy", "alembic", "asyncio", "markdown_it")
"""Libraries whose routine is no news. uvicorn would also log socket addresses as they are."""


def _is_news(record: logging.LogRecord) -> bool:
    """Uvicorn takes an upgrade that was answered with 403 for an application that gave up."""
    return "without completing handshake" not in record.getMessage()


def set_up(log_format: str, level: int = logging.INFO) -> None:
    """Send the logs of the platform and of its libraries the same way."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = _rendering(log_format)
    handler = logging.StreamHandler()
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda *_: _Lines(handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
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
    facts = {"user": user_id, "session": session_id, "reason": reason}
    told = {name: str(fact) for name, fact in facts.items() if fact is not None}
    log.info(event.value, **told)


class _Lines:
    """Where structlog's lines go: to the handler's stream, past the records of `logging`, which
    would cost more than all the rest of a line.
    """

    def __init__(self, handler: logging.StreamHandler[Any]) -> None:
        self._handler = handler

    def msg(self, line: str) -> None:
        self._handler.acquire()
        try:
            # The disk may be full, or a pipe closed: no request fails for that.
            with suppress(OSError, ValueError):
                self._handler.stream.write(line + "\n")
                self._handler.flush()
        finally:
            self._handler.release()

    debug = info = warning = error = critical = msg


def _rendering(log_format: str) -> list[Processor]:
    # Tracebacks go without local variables: passwords and tokens are among them.
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
    """What structlog's own renderer gives without colours, at a third of its price."""
    when, level, what = event.pop("timestamp"), event.pop("level"), event.pop("event")
    trace = event.pop("exception", None)
    members = " ".join([f"{name}={_shown(value)}" for name, value in event.items()])
    line = f"{when} [{level:<8}] {what:<30} {members}"
    return f"{line}\n{trace}" if trace else line


def _shown(value: object) -> str:
    """The value in one piece: what has spaces or line breaks in it is quoted."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)
