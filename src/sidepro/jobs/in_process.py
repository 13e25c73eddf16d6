"""The jobs of a platform that is one process: broker and scheduler inside the web server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from taskiq import InMemoryBroker, TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq.schedule_sources import LabelScheduleSource

from sidepro.domain.images.service import ImageService
from sidepro.domain.recommendations.service import RecommendationService
from sidepro.jobs.tasks import register, register_image_removal


@asynccontextmanager
async def running(
    recommendations: RecommendationService, images: ImageService
) -> AsyncIterator[None]:
    """Run the jobs on their schedule, and each of them once at the start.

    On leaving, what is under way is finished first.
    """
    broker = InMemoryBroker()
    tick = register(broker, recommendations)
    image_removal = register_image_removal(broker, images)
    scheduler = TaskiqScheduler(broker, [LabelScheduleSource(broker)])
    await broker.startup()
    schedule = asyncio.create_task(run_scheduler_task(scheduler))
    await tick.kiq()
    await image_removal.kiq()
    try:
        yield
    finally:
        schedule.cancel()
        with suppress(asyncio.CancelledError):
            await schedule
        await broker.wait_all()
        await broker.shutdown()
