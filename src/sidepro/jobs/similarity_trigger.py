"""Asking for a tick before its time."""

import asyncio
from typing import Any

import structlog
from taskiq import AsyncBroker
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker

from sidepro.domain.errors import Unavailable
from sidepro.jobs.broker import is_shared
from sidepro.jobs.claims import JobClaims
from sidepro.jobs.tasks import ASKED, ASKED_SIMILARITY_TICK, LATE_AFTER

log = structlog.get_logger(__name__)


class BrokerSimilarityTrigger:
    """See `sidepro.domain.accounts.ports.SimilarityTrigger`.

    Who asks first leaves a note and sends the task, which removes the note before it reads
    anything; who finds the note there has asked in time. Whoever asks does not wait for that.
    """

    def __init__(self, broker: AsyncBroker, notes: JobClaims) -> None:
        self._broker = broker
        self._notes = notes
        self._is_asked = False
        self._sending: asyncio.Task[None] | None = None

    async def request(self) -> None:
        self._is_asked = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Wait until what was asked is sent."""
        if self._sending:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        while self._is_asked:
            self._is_asked = False
            if not self._somebody_may_run_it():
                continue
            try:
                # A note that nobody removes, since the worker died, is over when it is too late.
                if await self._notes.claim(ASKED, int(LATE_AFTER)):
                    await self._tick().kiq(await self._notes.now())
            except (Unavailable, SendTaskError):
                log.warning("similarity_not_asked", reason="Redis unavailable")

    def _tick(self) -> AsyncKicker[[float], Any]:
        return AsyncKicker(ASKED_SIMILARITY_TICK, self._broker, {})

    def _somebody_may_run_it(self) -> bool:
        """Without Redis only this process may, and does not when its jobs are off."""
        is_known = self._broker.find_task(ASKED_SIMILARITY_TICK) is not None
        return is_known or is_shared(self._broker)
