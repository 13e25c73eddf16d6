"""The health checks of a process: each tries what the component is for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

import structlog

from sidepro.adapters import system
from sidepro.adapters.factory import SharedState, Storage
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.errors import has_no_connection_left
from sidepro.adapters.sql.schema.migrate import inspect_schema
from sidepro.domain.errors import Unavailable
from sidepro.http.monitoring.health import Degraded, Down, HealthCheck, HealthChecks

log = structlog.get_logger(__name__)

CLOCK_INTERVAL = 30.0
"""Seconds between two comparisons of the clocks."""

MIN_CLOCK_DIFFERENCE = 0.02
"""Seconds below which clocks count as equal."""

MAX_CLOCK_DIFFERENCE = 1.0
"""Seconds between the clock of this process and those of database and Redis."""


def health_checks(storage: Storage, shared: SharedState) -> HealthChecks:
    """Only the database is required: the application serves without the other components."""
    optional: dict[str, HealthCheck] = {"images": storage.images.check}
    if shared.redis:
        optional["redis"] = partial(_check_redis, shared.redis)
    if shared.redis or not storage.database.is_sqlite:
        optional["clock"] = partial(_check_clocks, storage.database, shared.redis)
    return HealthChecks({"database": partial(_check_database, storage.database)}, optional)


async def _check_database(database: Database) -> None:
    try:
        schema = await inspect_schema(database)
    except Unavailable as error:
        if has_no_connection_left(error):
            raise Down("no_connection") from error
        raise
    if not schema.is_served:
        found = f"the schema is {schema.state}, at revision {schema.revision or 'none'}"
        raise Down("wrong_schema") from Unavailable(found)
    try:
        await database.ping_write()
    except Unavailable as error:
        raise Degraded("not_writable") from error


async def _check_redis(redis: RedisClient) -> None:
    if refusal := await redis.check():
        raise Degraded("not_writable") from Unavailable(refusal)


async def _check_clocks(database: Database, redis: RedisClient | None) -> None:
    """Compare the clocks. A component that is away is reported by its own check."""
    found: dict[str, float] = {}
    before = system.clock.of_this_machine()
    try:
        if (there := await database.clock()) is not None:
            found["database"] = _difference(before, there, system.clock.of_this_machine())
        if redis:
            before = system.clock.of_this_machine()
            there = await redis.clock()
            found["redis"] = _difference(before, there, system.clock.of_this_machine())
    except Unavailable:
        pass
    wrong = {name: ahead for name, ahead in found.items() if abs(ahead) > MAX_CLOCK_DIFFERENCE}
    if wrong:
        raise Degraded("wrong_clock", wrong)


async def set_clock(database: Database) -> None:
    """Take the time of the database, if it has a clock of its own and answers. Logs when the
    machine's clock becomes wrong, and when it is right again.
    """
    before = system.clock.of_this_machine()
    try:
        there = await database.clock()
    except Unavailable:
        return
    if there is None:
        return
    difference = _difference(before, there, system.clock.of_this_machine())
    was_wrong = abs(system.clock.compared.total_seconds()) > MAX_CLOCK_DIFFERENCE
    is_wrong = abs(difference) > MAX_CLOCK_DIFFERENCE
    if is_wrong and not was_wrong:
        log.warning("clock_wrong", seconds_ahead=round(-difference, 1), follows="database")
    elif was_wrong and not is_wrong:
        log.info("clock_right")
    is_small = abs(difference) < MIN_CLOCK_DIFFERENCE
    system.clock.follow(timedelta(seconds=0 if is_small else difference))


@asynccontextmanager
async def following_clock(database: Database) -> AsyncIterator[None]:
    """Follow the database's clock during the block."""
    await set_clock(database)
    task = asyncio.create_task(_keep_clock(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _keep_clock(database: Database) -> None:
    while True:
        await asyncio.sleep(CLOCK_INTERVAL)
        await set_clock(database)


def _difference(before: datetime, there: datetime, after: datetime) -> float:
    """How far the other clock is ahead, as far as it is certain."""
    if before <= there <= after:
        return 0.0
    nearest = after if there > after else before
    return (there - nearest).total_seconds()
