"""Requests a run of a job before its schedule."""

import asyncio
from typing import Any

import structlog
from taskiq import AsyncBroker
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker

from sidepro.domain.errors import Unavailable
from sidepro.jobs.broker import is_shared
from sidepro.jobs.claims import JobClaims
from sidepro.jobs.tasks import EXPIRES_AFTER, RequestedJob

log = structlog.get_logger(__name__)


class BrokerTrigger:
    """See `sidepro.domain.accounts.ports.SimilarityTrigger` and
    `sidepro.domain.mail.ports.MailTrigger`.

    The first request acquires a claim and sends the task. The task releases the claim before it
    reads, so requests before that need no separate task. Sending does not delay the caller.
    """

    def __init__(self, broker: AsyncBroker, claims: JobClaims, job: RequestedJob) -> None:
        self._broker = broker
        self._claims = claims
        self._job = job
        self._is_requested = False
        self._sending: asyncio.Task[None] | None = None

    async def request(self) -> None:
        self._is_requested = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Wait until pending requests are sent."""
        if self._sending:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        while self._is_requested:
            self._is_requested = False
            if not self._can_run():
                continue
            try:
                # If the worker dies, the claim expires together with its task.
                if await self._claims.claim(self._job.claim, int(EXPIRES_AFTER)):
                    await self._task().kiq(await self._claims.now())
            except (Unavailable, SendTaskError):
                log.warning("job_not_requested", job=self._job.task, reason="Redis unavailable")

    def _task(self) -> AsyncKicker[[float], Any]:
        return AsyncKicker(self._job.task, self._broker, {})

    def _can_run(self) -> bool:
        """Whether any process runs the task. With an in-process broker this process must run jobs,
        which `--no-jobs` turns off.
        """
        is_registered = self._broker.find_task(self._job.task) is not None
        return is_registered or is_shared(self._broker)
