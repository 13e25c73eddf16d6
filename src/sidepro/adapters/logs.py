"""Logs: one line an event on standard error, for people (`console`) or for machines (`json`)."""

import logging
import sys

import structlog

from sidepro.domain.accounts.events import AuthenticationEvent
from sidepro.domain.shared import SessionId, UserId

log = structlog.get_logger(__name__)

QUIET = ("uvicorn", "aiosqlite", "taskiq", "sqlalchemy", "alembic", "asyncio", "markdown_it")
"""Libraries whose routine is no news. uvicorn would also log socket addresses as they are."""


def _is_news(record: logging.LogRecord) -> bool:
    """Uvicorn takes an upgrade that was answered with 403 for an application that gave up."""
    return "without completing handshake" not in record.getMessage()


def set_up(log_format: str, level: int = logging.INFO) -> None:
    """Send the logs of the platform and of its libraries the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without local variables: passwords and tokens are among them.
    is_json = log_format == "json"
    # Tracebacks go without local variables: passwords and tokens are among them.
    rendering: list[structlog.typing.Processor] = (
        [
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ]
        if is_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
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


def note_authentication(
    event: AuthenticationEvent,
    user_id: UserId | None = None,
    *,
    session_id: SessionId | None = None,
    reason: str | None = None,
) -> None:
    """See `sidepro.domain.accounts.events.AuthenticationLog`."""
    facts = {"user": user_id, "session": session_id, "reason": reason}
    told = {name: str(fact) for name, fact in facts.items() if fact is not None}
    log.info(event.value, **told)
