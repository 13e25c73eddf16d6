"""Runs jobs: in a serving process, as a worker, or as a scheduler."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import structlog
from taskiq import AsyncBroker
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from sidepro.domain.errors import reason_of
from sidepro.jobs.broker import is_shared
from sidepro.jobs.scheduler import run_scheduler
from sidepro.jobs.tasks import JobRunner

log = structlog.get_logger(__name__)

SHUTDOWN_TIMEOUT = 5.0
"""Seconds for running jobs to finish when their process stops."""

CONCURRENCY = 10
"""Jobs that a worker runs at once. Most of them wait for a lock or for further requests."""

RETRY_DELAY = 1.0
"""Seconds between two attempts to reach Redis."""

CANCEL_INTERVAL = 0.5
"""Seconds between two attempts to cancel a loop."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings about one outage."""


Loop = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def embedded(jobs: JobRunner) -> AsyncIterator[None]:
    """Run a worker and a scheduler during the block."""
    async with worker(jobs), scheduler(jobs):
        yield


@asynccontextmanager
async def scheduler(jobs: JobRunner) -> AsyncIterator[None]:
    """Send scheduled jobs during the block."""
    jobs.register()
    async with _background(lambda: run_scheduler(jobs), jobs.broker):
        yield


@asynccontextmanager
async def worker(jobs: JobRunner) -> AsyncIterator[None]:
    """Run sent jobs during the block. On exit, running jobs have `SHUTDOWN_TIMEOUT` seconds to
    finish. Then they are cancelled.
    """
    jobs.register()
    try:
        if is_shared(jobs.broker):
            async with _background(lambda: _receive(jobs), jobs.broker):
                yield
        else:
            yield  # the in-process broker runs them
    finally:
        await jobs.shut_down(SHUTDOWN_TIMEOUT)


async def _receive(jobs: JobRunner) -> None:
    """Run the jobs of the stream, until cancelled or until Redis goes down.

    A message is acknowledged on receipt. If a worker dies, its job is not redelivered: the next
    scheduled job runs soon enough.
    """
    jobs.broker.is_worker_process = True
    # Creates the stream and its consumer group, which a restart of Redis may have lost.
    await jobs.broker.startup()
    receiver = Receiver(
        jobs.broker,
        max_async_tasks=CONCURRENCY,
        run_startup=False,
        ack_type=AcknowledgeType.WHEN_RECEIVED,
    )
    await receiver.listen(asyncio.Event())


@asynccontextmanager
async def _background(loop: Loop, broker: AsyncBroker) -> AsyncIterator[None]:
    """Run a loop until the block ends. Restart it after any exception."""
    task = asyncio.create_task(_restart_forever(loop))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_INTERVAL)
        # redis-py swallows a cancellation that arrives while it connects.
        while not task.done():
            task.cancel()
            await broker.shutdown()
            await asyncio.wait([task], timeout=CANCEL_INTERVAL)


async def _restart_forever(loop: Loop) -> None:
    warned_at = -inf
    while True:
        try:
            await loop()
        except Exception as error:  # drivers' errors have no common base; some come in groups
            now = time.monotonic()
            if now - warned_at > WARNING_INTERVAL:
                log.warning("jobs_interrupted", reason=_reason(error))
                warned_at = now
        await asyncio.sleep(RETRY_DELAY)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    kind, reason = type(error).__name__, reason_of(error)
    return kind if reason == kind else f"{kind}: {reason}"
