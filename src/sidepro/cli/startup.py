"""Waiting for PostgreSQL and Redis at the start, in whatever order they start."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import structlog
from redis.exceptions import RedisError

from sidepro.adapters.redis.client import UnusableRedis, text_of
from sidepro.bootstrap import Container
from sidepro.cli.runtime import CommandError, database_name
from sidepro.domain.errors import Unavailable, reason_of
from sidepro.settings import Settings, variable

log = structlog.get_logger(__name__)

ATTEMPT_INTERVAL = 0.5
"""Seconds between two attempts."""

LINE_INTERVAL = 5.0
"""Seconds between two lines in the log."""

_INVALID_OPTION = re.compile(
    "unsupported startup parameter|unrecognized configuration parameter|definition of service"
    "|invalid (.+ value|value for parameter|command-line argument)"
)
"""What PostgreSQL and its driver say of an option of the URL, for which waiting is no help."""


async def wait_for_redis(settings: Settings, container: Container) -> None:
    """Wait for Redis for up to `SIDEPRO_START_TIMEOUT`.

    Raises:
        CommandError: it is not there in time, or this program cannot work with it.
    """
    if container.redis:
        try:
            await _wait("Redis", settings, container.redis.ensure_access)
        except UnusableRedis as error:
            raise CommandError(str(error)) from error
        except (RedisError, OSError, TimeoutError) as error:
            raise CommandError(f"cannot use Redis: {text_of(error)}") from error


async def ensure_redis_access(container: Container) -> None:
    """Check what Redis allows. If it is away, the process starts without it, as it serves.

    Raises:
        CommandError: this program cannot work with it.
    """
    if container.redis:
        try:
            await container.redis.ensure_access()
        except UnusableRedis as error:
            raise CommandError(str(error)) from error
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis_down", reason=text_of(error))


async def wait_for_database(settings: Settings, container: Container) -> None:
    """Wait for PostgreSQL for up to `SIDEPRO_START_TIMEOUT`.

    Raises:
        CommandError: it is not there in time, or a pooler before it drops what sessions need.
    """
    if settings.is_embedded:
        return
    try:
        await _wait("the database", settings, container.database.ping)
    except Unavailable as error:
        reason = error.reason
        if "unsupported startup parameter" in reason:
            raise CommandError(_pooler(settings)) from error
        raise CommandError(
            f"cannot use the database {database_name(settings)}: {reason}"
        ) from error
    if not await container.database.keeps_session_settings():
        raise CommandError(_pooler(settings))


def _pooler(settings: Settings) -> str:
    return (
        f"a pooler before {database_name(settings)}, such as PgBouncer, drops the settings of "
        "sessions, on which statements and locks rely: connect to PostgreSQL itself, with at most "
        f"{2 * settings.database_pool + 4} connections a process ({variable('database_pool')})"
    )


async def _wait(name: str, settings: Settings, attempt: Callable[[], Awaitable[object]]) -> None:
    """Repeat the attempt until it succeeds. Raises its last error after the time-out."""
    started = line_at = time.monotonic()
    while True:
        try:
            await attempt()
            return
        except (Unavailable, RedisError, OSError, TimeoutError) as error:
            reason = error.reason if isinstance(error, Unavailable) else reason_of(error)
            now = time.monotonic()
            if now - started >= settings.start_timeout or _INVALID_OPTION.search(reason):
                raise
            if now >= line_at:
                line_at = now + LINE_INTERVAL
                seconds = round(now - started)
                log.warning("waiting", store=name, seconds=seconds, reason=reason)
        await asyncio.sleep(ATTEMPT_INTERVAL)
