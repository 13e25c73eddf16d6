"""Socket tickets shared by all processes."""

import json
from uuid import UUID

from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.channels import ROOM, Channel
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.rooms.ticket_service import TicketClaims


class RedisSocketTickets:
    """See `sidepro.domain.rooms.ticket_service.SocketTickets`. Fails while Redis is down."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def save(self, digest: bytes, claims: TicketClaims, seconds: int) -> None:
        caller = claims.caller
        members = {
            "user": str(caller.id),
            "session": str(caller.session_id),
            "admin": caller.is_admin,
            "moderator": caller.is_moderator,
            "kind": claims.channel.kind,
            "room": str(claims.channel.id),
        }
        value = json.dumps(members)
        await self._redis.execute(lambda redis: redis.set(self._key(digest), value, ex=seconds))

    async def take(self, digest: bytes) -> TicketClaims | None:
        value = await self._redis.execute(lambda redis: redis.getdel(self._key(digest)))
        if value is None:
            return None
        members = json.loads(value)
        caller = Caller(
            UserId(UUID(members["user"])),
            SessionId(UUID(members["session"])),
            members["admin"],
            members.get("moderator", False),
        )
        # A version without other channels wrote no kind.
        kind = members.get("kind", ROOM)
        return TicketClaims(caller, Channel(kind, UUID(members["room"])))

    def _key(self, digest: bytes) -> str:
        return self._redis.key(f"socket-ticket:{digest.hex()}")
