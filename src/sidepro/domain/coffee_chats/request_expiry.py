"""Storing that requests have expired."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.ports import ConsentUnitOfWork
from sidepro.domain.coffee_chats.request_events import publish_requests
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.unit_of_work import UnitOfWorkFactory

BATCH_SIZE = 500
"""Requests, or notifications, that one transaction changes."""


@dataclass(frozen=True, slots=True)
class RequestExpiryService:
    """Stores the expiry of requests, which every read knows already, and publishes it: the state,
    and the badges of the recipient. Safe to repeat, to run concurrently and to stop at any time.
    """

    unit_of_work: UnitOfWorkFactory[ConsentUnitOfWork]
    notifier: Notifier
    clock: Clock

    async def expire(self) -> int:
        """Settle all requests that have expired, and mark their notifications as read: nobody can
        answer any more. Returns the number of requests.
        """
        requests = await self._settle()
        await self._mark_read()
        return requests

    async def _settle(self) -> int:
        total = 0
        while True:
            async with self.unit_of_work() as work:
                expired = await work.chat_requests.expire(self.clock(), BATCH_SIZE)
                await work.commit()
            await publish_requests(self.notifier.events, expired)
            total += len(expired)
            if len(expired) < BATCH_SIZE:
                return total

    async def _mark_read(self) -> None:
        """In transactions of their own: other use cases lock notifications before requests."""
        while True:
            async with self.unit_of_work() as work:
                entries = await work.notifications.mark_expired_requests_read(
                    self.clock(), BATCH_SIZE
                )
                await work.commit()
            await self.notifier.publish(entries)
            if len(entries) < BATCH_SIZE:
                return
