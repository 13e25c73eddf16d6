"""Tickets: what a page opens a chat socket with, as browsers send no access token with one.

A ticket goes through an address, which proxies may write down: so it is good once, for half a
minute, for one person in one room, and no longer than the session that asked for it.
"""

from dataclasses import dataclass
from typing import Protocol

from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import NewSecret, RoomId
from sidepro.domain.rooms.room_service import RoomService

TICKET_TTL = 30
"""Seconds from its issue in which a ticket is good."""


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """What a ticket stands for: a caller at the door of one room."""

    caller: Caller
    room_id: RoomId


class SocketTickets(Protocol):
    """Keeps tickets for all processes, and of each its hash alone."""

    async def save(self, ticket_hash: bytes, admission: TicketClaims, seconds: int) -> None:
        """Keep a ticket for so many seconds; it MUST NOT be given out later.

        Raises:
            Unavailable: tickets cannot be kept right now.
        """
        ...

    async def take(self, ticket_hash: bytes) -> TicketClaims | None:
        """What the ticket stands for, or `None` when there is no such ticket. Of any number who
        ask for it, at once and in all processes, MUST one get it and no other ever.

        Raises:
            Unavailable: the tickets cannot be looked at right now.
        """
        ...


@dataclass(frozen=True, slots=True)
class TicketService:
    """Giving tickets out and taking them at the door."""

    rooms: RoomService
    tickets: SocketTickets
    new_secret: NewSecret

    async def issue(self, caller: Caller, room_id: RoomId) -> str:
        """A ticket for one socket of the caller to this room.

        Raises:
            NotFound: the room is not there for the caller.
            Unavailable: tickets cannot be kept right now.
        """
        await self.rooms.authorize(caller, room_id)
        ticket = self.new_secret()
        await self.tickets.save(token_digest(ticket), TicketClaims(caller, room_id), TICKET_TTL)
        return ticket

    async def redeem(self, ticket: str, room_id: RoomId) -> Caller:
        """Who asked for the ticket. Shown at another room's door it is lost as well.

        Whether their session is still live is for `SessionRegistry` to say.

        Raises:
            NotAuthenticated: it is no ticket for this room, or one no longer.
            Unavailable: tickets cannot be looked at right now.
        """
        admission = await self.tickets.take(token_digest(ticket))
        if admission is None or admission.room_id != room_id:
            raise NotAuthenticated
        return admission.caller
