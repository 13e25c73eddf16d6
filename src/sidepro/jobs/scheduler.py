"""Sends scheduled jobs. Several schedulers together send each job once."""

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
"""Lifetime of the claim on a job and its minute, in seconds. The clocks of two schedulers may
differ by a minute.
"""

CLOCK_CHECK_INTERVAL = 5.0
"""Seconds between two checks that the clock has not gone back."""

EARLY_WAKE_UP = 0.5
"""Seconds by which a sleep may end too early."""


async def run_scheduler(jobs: JobRunner) -> None:
    """Send each scheduled job once now, and then at its times, until cancelled.

    Raises:
        ExceptionGroup: the clock went back, or the loop failed. Call again to go on.
    """
    source = _Source(jobs)
    scheduler = _Scheduler(jobs.broker, [source])
    await source.startup()
    for task in await source.get_schedules():
        await scheduler.on_ready(source, task)
    async with asyncio.TaskGroup() as group:
        group.create_task(run_scheduler_task(scheduler))
        group.create_task(_watch_clock())


class ClockWentBack(Exception):
    """The system clock went back by more than a minute."""


async def _watch_clock() -> None:
    """Raise `ClockWentBack` after such a change. Taskiq's loop would send nothing until the clock
    has caught up.
    """
    offset = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(CLOCK_CHECK_INTERVAL)
        new_offset = time.time() - time.monotonic()
        if new_offset < offset - MINUTE:
            raise ClockWentBack
        offset = max(offset, new_offset)


class _Source(LabelScheduleSource):
    """The schedules of the tasks. The first scheduler of a period sends the task."""

    def __init__(self, jobs: JobRunner) -> None:
        super().__init__(jobs.broker)
        self._claims: JobClaims = jobs.claims

    async def pre_send(self, task: ScheduledTask) -> None:
        """Claim the task for its period, and set its time.

        Raises:
            ScheduledTaskCancelledError: another scheduler has claimed it, or the claims are
                unavailable.
        """
        try:
            # By the scheduler's own clock, which made the task due.
            period = int((time.time() + EARLY_WAKE_UP) // _period_of(task))
            is_first = await self._claims.claim(f"sent:{task.task_name}:{period}", CLAIM_TTL)
            task.kwargs["sent_at"] = await self._claims.now()
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
    """Seconds in which a task is sent at most once."""
    if isinstance(task.interval, timedelta):
        return task.interval.total_seconds()
    return task.interval or MINUTE
