"""Tickets for sockets, kept where all processes find them."""

import json
from uuid import UUID

from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.rooms.ticket_service import TicketClaims


class RedisSocketTickets:
    """See `sidepro.domain.rooms.ticket_service.SocketTickets`.

    While Redis is away there are none.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def save(self, ticket_hash: bytes, admission: TicketClaims, seconds: int) -> None:
        caller = admission.caller
        facts = {
            "user": str(caller.id),
            "session": str(caller.session_id),
            "admin": caller.is_admin,
            "room": str(admission.room_id),
        }
        value = json.dumps(facts)
        await self._redis.execute(lambda redis: redis.set(_key(ticket_hash), value, ex=seconds))

    async def take(self, ticket_hash: bytes) -> TicketClaims | None:
        value = await self._redis.execute(lambda redis: redis.getdel(_key(ticket_hash)))
        if value is None:
            return None
        facts = json.loads(value)
        caller = Caller(
            UserId(UUID(facts["user"])), SessionId(UUID(facts["session"])), facts["admin"]
        )
        return TicketClaims(caller, RoomId(UUID(facts["room"])))


def _key(ticket_hash: bytes) -> str:
    return f"socket-ticket:{ticket_hash.hex()}"
