"""Socket tickets: a browser page cannot send an access token when it opens a socket.

A ticket travels in a URL, which proxies may log. So it is valid once, for 30 seconds, for one
user and one channel (a room, or the user's own), and no longer than the session that requested it.
"""

from dataclasses import dataclass
from typing import Protocol

from sidepro.domain.channels import Channel
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import NewSecret, RoomId
from sidepro.domain.rooms.room_service import RoomService

TICKET_TTL = 30
"""Seconds for which a ticket is valid."""


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """The claims of a ticket: one socket of a caller to one channel."""

    caller: Caller
    channel: Channel


class SocketTickets(Protocol):
    """Stores tickets for all processes, by their digest only."""

    async def save(self, digest: bytes, claims: TicketClaims, seconds: int) -> None:
        """Store a ticket. It MUST expire after this number of seconds.

        Raises:
            Unavailable: the store is down.
        """
        ...

    async def take(self, digest: bytes) -> TicketClaims | None:
        """Remove a ticket and return its claims, or `None` if there is none. Exactly one of
        concurrent calls in all processes MUST get the claims.

        Raises:
            Unavailable: the store is down.
        """
        ...


@dataclass(frozen=True, slots=True)
class TicketService:
    """Issuing and redeeming socket tickets."""

    rooms: RoomService
    tickets: SocketTickets
    new_secret: NewSecret

    async def issue_for_room(self, caller: Caller, room_id: RoomId) -> str:
        """A ticket for one socket of the caller to this room.

        Raises:
            NotFound: the caller has no such room.
            Unavailable: the ticket store is down.
        """
        await self.rooms.authorize(caller, room_id)
        return await self._issue(caller, Channel.room(room_id))

    async def issue_for_person(self, caller: Caller) -> str:
        """A ticket for one socket of the caller to their own channel.

        Raises:
            Unavailable: the ticket store is down.
        """
        return await self._issue(caller, Channel.person(caller.id))

    async def redeem_for_room(self, ticket: str, room_id: RoomId) -> Caller:
        """The caller who requested this ticket for the room. A ticket for another channel is used
        up as well.

        Does not check that the session is still active: use `SessionRegistry`.

        Raises:
            NotAuthenticated: the ticket is unknown, used, expired or for another channel.
            Unavailable: the ticket store is down.
        """
        claims = await self._redeem(ticket)
        if claims.channel != Channel.room(room_id):
            raise NotAuthenticated
        return claims.caller

    async def redeem_for_person(self, ticket: str) -> Caller:
        """As `redeem_for_room`, for the caller's own channel."""
        claims = await self._redeem(ticket)
        if claims.channel != Channel.person(claims.caller.id):
            raise NotAuthenticated
        return claims.caller

    async def _issue(self, caller: Caller, channel: Channel) -> str:
        ticket = self.new_secret()
        await self.tickets.save(token_digest(ticket), TicketClaims(caller, channel), TICKET_TTL)
        return ticket

    async def _redeem(self, ticket: str) -> TicketClaims:
        claims = await self.tickets.take(token_digest(ticket))
        if claims is None:
            raise NotAuthenticated
        return claims
