"""Running the jobs: in a serving process, as a worker, as a scheduler."""

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

from sidepro.jobs.broker import is_shared
from sidepro.jobs.scheduler import run_scheduler
from sidepro.jobs.tasks import JobRunner

log = structlog.get_logger(__name__)

FINISHED_WITHIN = 5.0
"""Seconds that jobs under way get when their process ends."""

AT_ONCE = 10
"""Jobs of a worker at the same time; most of them wait, for others to join or for their turn."""

TRIED_AGAIN_AFTER = 1.0
"""Seconds, so that a Redis that is away costs next to nothing."""

CANCELLED_EVERY = 0.5
"""Seconds."""

TOLD_EVERY = 60.0
"""Seconds between two warnings that it is away still."""


Work = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def running(jobs: JobRunner) -> AsyncIterator[None]:
    """Keep the schedule and do the work, inside of this block."""
    async with working(jobs), scheduling(jobs):
        yield


@asynccontextmanager
async def scheduling(jobs: JobRunner) -> AsyncIterator[None]:
    """Keep the schedule inside of this block."""
    jobs.register()
    async with _meanwhile(lambda: run_scheduler(jobs), jobs.broker):
        yield


@asynccontextmanager
async def working(jobs: JobRunner) -> AsyncIterator[None]:
    """Run what is sent, inside of this block. On leaving, what is under way is finished if that
    takes no longer than `FINISHED_WITHIN`, and else broken off.
    """
    jobs.register()
    try:
        if is_shared(jobs.broker):
            async with _meanwhile(lambda: _receive(jobs), jobs.broker):
                yield
        else:
            yield  # the broker itself runs it
    finally:
        await jobs.end(FINISHED_WITHIN)


async def _receive(jobs: JobRunner) -> None:
    """Run what comes on the stream, until cancelled or until Redis goes away.

    A message is acknowledged when it comes: a job that its worker's end breaks off is not for
    another worker, since the next one is due before anybody could know.
    """
    jobs.broker.is_worker_process = True
    # Also where Redis came back without the stream and the group of its readers.
    await jobs.broker.startup()
    receiver = Receiver(
        jobs.broker,
        max_async_tasks=AT_ONCE,
        run_startup=False,
        ack_type=AcknowledgeType.WHEN_RECEIVED,
    )
    await receiver.listen(asyncio.Event())


@asynccontextmanager
async def _meanwhile(work: Work, broker: AsyncBroker) -> AsyncIterator[None]:
    """Have the work go on inside of this block, whatever it meets."""
    task = asyncio.create_task(_for_ever(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CANCELLED_EVERY)
        # redis-py loses a cancellation that comes while it connects, and reads on.
        while not task.done():
            task.cancel()
            await broker.shutdown()
            await asyncio.wait([task], timeout=CANCELLED_EVERY)


async def _for_ever(work: Work) -> None:
    told_at = -inf
    while True:
        try:
            await work()
        except Exception as error:
            now = time.monotonic()
            if now - told_at > TOLD_EVERY:
                log.warning("jobs_interrupted", reason=_reason(error))
                told_at = now
        await asyncio.sleep(TRIED_AGAIN_AFTER)


def _reason(error: BaseException) -> str:
    """What it was, out of the groups that the receiver makes of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
