"""What runs by itself, and when."""

import time
from collections.abc import Coroutine
from typing import Any

import structlog
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask

from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.service import RecommendationService

log = structlog.get_logger(__name__)

EVERY_MINUTE = [{"cron": "* * * * *"}]


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
