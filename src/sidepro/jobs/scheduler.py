"""Sending what is due, at its time, also when several processes keep the schedule."""

import asyncio
import time
from datetime import timedelta

import structlog
from taskiq import ScheduledTask, ScheduleSource, TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq.exceptions import ScheduledTaskCancelledError, SendTaskError
from taskiq.schedule_sources import LabelScheduleSource

from sidepro.domain.errors import Unavailable
from sidepro.jobs.claims import JobClaims
from sidepro.jobs.tasks import JobRunner

log = structlog.get_logger(__name__)

MINUTE = 60

CLAIM_TTL = 2 * MINUTE
"""Seconds for which it is known that a task was sent for its minute: the clocks of two schedulers
may differ by a minute.
"""

CLOCK_SEEN_EVERY = 5.0
"""Seconds."""

EARLY = 0.5
"""Seconds: a sleep may end a moment before the second that it was to end at."""


async def run_scheduler(jobs: JobRunner) -> None:
    """Send each task once now, and then at its times, until cancelled.

    Raises:
        ExceptionGroup: the clock went back, or whatever broke the loop. To be begun anew.
    """
    source = _Source(jobs)
    scheduler = _Scheduler(jobs.broker, [source])
    await source.startup()
    for task in await source.get_schedules():
        await scheduler.on_ready(source, task)
    async with asyncio.TaskGroup() as together:
        together.create_task(run_scheduler_task(scheduler))
        together.create_task(_watch_clock())


class ClockWentBack(Exception):
    """By more than a minute."""


async def _watch_clock() -> None:
    """Raise `ClockWentBack` when it does: Taskiq's loop would send nothing until it is as late
    again as it was.
    """
    ahead = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(CLOCK_SEEN_EVERY)
        now_ahead = time.time() - time.monotonic()
        if now_ahead < ahead - MINUTE:
            raise ClockWentBack
        ahead = max(ahead, now_ahead)


class _Source(LabelScheduleSource):
    """The schedules of the tasks; each is sent once a minute, by whoever comes first."""

    def __init__(self, jobs: JobRunner) -> None:
        super().__init__(jobs.broker)
        self._notes: JobClaims = jobs.notes

    async def pre_send(self, task: ScheduledTask) -> None:
        """Whether to send it, and when that was.

        Raises:
            ScheduledTaskCancelledError: somebody else has, or nobody can tell.
        """
        try:
            # The minute is the scheduler's own: that is what it was sent by.
            minute = int((time.time() + EARLY) // _period_of(task))
            is_first = await self._notes.claim(f"sent:{task.task_name}:{minute}", CLAIM_TTL)
            task.kwargs["sent_at"] = await self._notes.now()
        except Unavailable as error:
            log.warning("job_not_sent", job=task.task_name, reason="Redis unavailable")
            raise ScheduledTaskCancelledError from error
        if not is_first:
            raise ScheduledTaskCancelledError


class _Scheduler(TaskiqScheduler):
    async def on_ready(self, source: ScheduleSource, task: ScheduledTask) -> None:
        try:
            await super().on_ready(source, task)
        except SendTaskError:
            log.warning("job_not_sent", job=task.task_name, reason="Redis unavailable")


def _period_of(task: ScheduledTask) -> float:
    """Seconds in which it is sent once at the most."""
    if isinstance(task.interval, timedelta):
        return task.interval.total_seconds()
    return task.interval or MINUTE
