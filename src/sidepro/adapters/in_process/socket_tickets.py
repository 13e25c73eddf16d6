"""Tickets for sockets, in a platform that is one process."""

import time
from collections.abc import Callable

from sidepro.domain.rooms.ticket_service import TicketClaims


class InProcessSocketTickets:
    """See `sidepro.domain.rooms.ticket_service.SocketTickets`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # The admission, and until when. Those that nobody came with go when the next is kept.
        self._kept: dict[bytes, tuple[TicketClaims, float]] = {}

    async def save(self, ticket_hash: bytes, admission: TicketClaims, seconds: int) -> None:
        now = self._now()
        # They were kept one after the other, for equally long: the first are over first.
        for old, (_, until) in tuple(self._kept.items()):
            if now < until:
                break
            del self._kept[old]
        self._kept[ticket_hash] = admission, now + seconds

    async def take(self, ticket_hash: bytes) -> TicketClaims | None:
        admission, until = self._kept.pop(ticket_hash, (None, 0.0))
        return admission if self._now() < until else None
