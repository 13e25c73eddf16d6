"""Socket tickets of one process."""

import time
from collections.abc import Callable

from sidepro.domain.rooms.ticket_service import TicketClaims


class InProcessSocketTickets:
    """See `sidepro.domain.rooms.ticket_service.SocketTickets`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tickets: dict[bytes, tuple[TicketClaims, float]] = {}

    async def save(self, digest: bytes, claims: TicketClaims, seconds: int) -> None:
        now = self._now()
        # All tickets have the same lifetime: the first ones expire first.
        for old, (_, expiry) in tuple(self._tickets.items()):
            if now < expiry:
                break
            del self._tickets[old]
        self._tickets[digest] = claims, now + seconds

    async def take(self, digest: bytes) -> TicketClaims | None:
        claims, expiry = self._tickets.pop(digest, (None, 0.0))
        return claims if self._now() < expiry else None
