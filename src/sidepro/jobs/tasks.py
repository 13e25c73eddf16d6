"""What runs by itself, and when."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from taskiq import AsyncBroker

from sidepro.domain.errors import Unavailable
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.recommendations.ports import NeighbourStore
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.jobs.claims import JobClaims

log = structlog.get_logger(__name__)

EVERY_MINUTE = [{"cron": "* * * * *"}]
EVERY_TEN_MINUTES = [{"cron": "*/10 * * * *"}]

SIMILARITY_TICK = "similarity_tick"
ASKED_SIMILARITY_TICK = "asked_similarity_tick"
IMAGE_REMOVAL = "image_removal"

ASKED = "similarity-asked"
"""The note that says: somebody has asked for a tick, and it has not begun."""

LATE_AFTER = 60.0
"""Seconds after which what was sent is not run any more: the next one is due, or was."""

PAUSE_SHORTEST = 2.0
PAUSE_LONGEST = 30.0
"""Seconds in which others may join who asks for a tick. Within these bounds it is what the last
run took, so that many edits keep a processor busy for half of the time at the most.
"""

END_WITHIN = 2.0
"""Seconds that what is broken off gets to end."""


Work = Callable[[], Awaitable[None]]


class Cancelled(Exception):
    """The process ends: what is computed has no use any more."""


class JobRunner:
    """The jobs, known to a broker, and those of them under way in this process.

    Each may be run twice, at once, or be broken off: the next one puts things right.
    """

    def __init__(
        self,
        broker: AsyncBroker,
        notes: JobClaims,
        similarity: SimilarityJob,
        results: NeighbourStore,
        images: ImageService,
    ) -> None:
        self.broker = broker
        self.notes = notes
        self._similarity = similarity
        self._results = results
        self._images = images
        self._under_way: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._computes_in_vain = threading.Event()

    def register(self) -> None:
        """Make the broker know the tasks. From now on this process can run them.

        Each is told when it was sent, in seconds since 1970 by the clock of the notes.
        """

        async def similarity_tick(sent_at: float) -> None:
            await self._run(SIMILARITY_TICK, sent_at, self._find_neighbours)

        async def asked_similarity_tick(sent_at: float) -> None:
            await self._run(ASKED_SIMILARITY_TICK, sent_at, self._find_neighbours_soon)

        async def image_removal(sent_at: float) -> None:
            await self._run(IMAGE_REMOVAL, sent_at, self._remove_images)

        register = self.broker.register_task
        register(similarity_tick, task_name=SIMILARITY_TICK, schedule=EVERY_MINUTE)
        register(asked_similarity_tick, task_name=ASKED_SIMILARITY_TICK)
        register(image_removal, task_name=IMAGE_REMOVAL, schedule=EVERY_TEN_MINUTES)

    async def end(self, within: float) -> None:
        """Begin nothing any more. What is under way may end within so many seconds; then it is
        broken off.
        """
        self._ending.set()
        await self._wait(within)
        self._computes_in_vain.set()
        for task in self._under_way:
            task.cancel()
        await self._wait(END_WITHIN)

    async def _wait(self, seconds: float) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def _run(self, job: str, sent_at: float, work: Work) -> None:
        """Do the work, so that it can be broken off, unless it is too late for it."""
        task = asyncio.create_task(self._unless_late(job, sent_at, work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():
            log.warning("job_broken_off", job=job)
        else:
            task.result()

    async def _unless_late(self, job: str, sent_at: float, work: Work) -> None:
        age = 0.0
        with suppress(Unavailable):
            age = await self.notes.now() - sent_at
        if age > LATE_AFTER:
            log.warning("job_too_late", job=job, seconds=round(age))
        elif not self._ending.is_set():
            await work()

    async def _find_neighbours_soon(self) -> None:
        """As somebody asked; what is asked from the beginning on is for the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._pause()):
                await self._ending.wait()
            return
        # If the note cannot be removed it is over by itself before long.
        with suppress(Unavailable):
            await self.notes.release(ASKED)
        await self._find_neighbours(wait=True)

    async def _pause(self) -> float:
        last = None
        with suppress(Unavailable):
            last = await self._results.last_run()
        return min(max(PAUSE_SHORTEST, last.seconds if last else 0.0), PAUSE_LONGEST)

    async def _find_neighbours(self, *, wait: bool = False) -> None:
        try:
            run = await self._similarity.run(wait=wait, progress=self._go_on)
        except Unavailable:
            # The old result stays, and the next tick is a minute away.
            log.warning("similarity_skipped", reason="database or Redis unavailable")
            return
        if run is None:
            log.info("similarity_skipped", reason="another run is under way, or was later")
            return
        log.info(
            "similarity_computed",
            people=run.people,
            changed=run.changed,
            ms=round(run.seconds * 1000),
            asked=wait,
        )

    def _go_on(self, _done: int, _of: int) -> None:
        """Called from the thread that computes: raises there when nobody wants the result."""
        if self._computes_in_vain.is_set():
            raise Cancelled

    async def _remove_images(self) -> None:
        try:
            removed = await self._images.remove_unused()
        except Unavailable:
            # What is left is found by the next run.
            log.warning("image_removal_skipped", reason="database or image store unavailable")
            return
        if removed:
            log.info("images_removed", images=removed)
