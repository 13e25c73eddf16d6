"""Traces of requests, jobs and messages, if OpenTelemetry's variables ask for them."""

from typing import TYPE_CHECKING

import structlog

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.sql.engine.database import Database
from sidepro.bootstrap.monitoring import CountedMessageWriter
from sidepro.jobs.tasks import JobRunner
from sidepro.settings import telemetry

if TYPE_CHECKING:
    from sidepro.adapters.tracing import Tracing

log = structlog.get_logger(__name__)


def build_tracing(
    command: str,
    database: Database,
    redis: RedisClient | None,
    message_writer: CountedMessageWriter,
    job_runner: JobRunner,
) -> "Tracing | None":
    """Traces of these parts; `None` if they are off or the extra `otel` is not installed."""
    if not telemetry.exports_traces():
        return None
    try:
        # Takes time and memory that only traces need.
        from sidepro.adapters.tracing import Tracing  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        log.warning("traces_off", reason="needs the extra: pip install 'sidepro[otel]'")
        return None
    tracing = Tracing(
        command,
        "sqlite" if database.is_sqlite else "postgresql",
        None if telemetry.names_traced_service() else "sidepro",
    )
    database.trace(tracing.start_statement)
    if redis:
        redis.trace(tracing.start_redis)
    message_writer.observe = tracing.message
    message_writer.current_cause = tracing.current
    message_writer.observe_batch = tracing.message_batch
    job_runner.observe = tracing.job
    return tracing
