"""What runs by itself, and when."""

import time
from collections.abc import Coroutine
from typing import Any

import structlog
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask

from sidepro.domain.errors import Unavailable
from sidepro.domain.images.service import ImageService
from sidepro.domain.recommendations.service import RecommendationService

log = structlog.get_logger(__name__)

EVERY_MINUTE = [{"cron": "* * * * *"}]
EVERY_TEN_MINUTES = [{"cron": "*/10 * * * *"}]


def register(
    broker: AsyncBroker, recommendations: RecommendationService
) -> AsyncTaskiqDecoratedTask[[], Coroutine[Any, Any, None]]:
    """Make the broker know the tasks; the similarity tick is returned."""

    async def similarity_tick() -> None:
        started = time.perf_counter()
        try:
            run = await recommendations.run()
        except Unavailable:
            # The old result stays, and the next tick is a minute away.
            log.warning("similarity_skipped", reason="database unavailable")
            return
        log.info(
            "similarity_computed",
            people=run.people,
            with_neighbours=run.with_neighbours,
            kept=run.kept,
            ms=round((time.perf_counter() - started) * 1000),
        )

    return broker.register_task(
        similarity_tick, task_name="similarity_tick", schedule=EVERY_MINUTE
    )


def register_image_removal(
    broker: AsyncBroker, images: ImageService
) -> AsyncTaskiqDecoratedTask[[], Coroutine[Any, Any, None]]:
    """Make the broker know the removal of unused images, which is returned."""

    async def image_removal() -> None:
        try:
            removed = await images.remove_unused()
        except Unavailable:
            # What is left is found by the next run.
            log.warning("image_removal_skipped", reason="database or image store unavailable")
            return
        if removed:
            log.info("images_removed", images=removed)

    return broker.register_task(
        image_removal, task_name="image_removal", schedule=EVERY_TEN_MINUTES
    )
