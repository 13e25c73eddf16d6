"""Who has which room open, in the sockets of all processes.

Each process has a lease on what it says, and renews it every second. What a lease says that was
not renewed counts no more, and whichever process notices first takes it away and tells the rooms.

    presence:leases       token of a lease → when it ends, in milliseconds of Redis' clock
    presence:room:<room>  "user token connection" of each open socket
    presence:of:<token>   "room user token connection": what goes with the lease

Whenever it is not certain that Redis holds what this process says (it was away, was restarted with
older data, or the lease ran out while this process stood still), the process says all of it anew
under another token and lets the old one end.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import StatusChanged
from sidepro.domain.rooms.ports import RoomEvents

log = structlog.get_logger(__name__)

LEASE = 10.0
"""Seconds until what a process said counts no more, unless it renews its lease. Somebody notices
within a second of that: presence is right well within 15 s of a crash.
"""

RENEW_INTERVAL = 1.0
"""Seconds between two renewals of a lease of this length; a shorter one is renewed sooner."""

LEASES = "presence:leases"

_BEGINNING = """
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function is_live(token)
    local ends = redis.call("ZSCORE", "presence:leases", token)
    return ends and tonumber(ends) > now
end
local function is_there(room, user)
    for _, member in ipairs(redis.call("SMEMBERS", "presence:room:" .. room)) do
        local who, token = string.match(member, "^(%S+) (%S+)")
        if who == user and is_live(token) then return true end
    end
    return false
end
local function run_id()
    return string.match(redis.call("INFO", "server"), "run_id:(%x+)")
end
"""

# Both give -1 where the lease has ended: what they would say then, nobody would believe.
_ENTER = """
local room, user, token, connection = unpack(ARGV)
if not is_live(token) then return -1 end
local is_first = not is_there(room, user)
local member = user .. " " .. token .. " " .. connection
redis.call("SADD", "presence:room:" .. room, member)
redis.call("SADD", "presence:of:" .. token, room .. " " .. member)
return is_first and 1 or 0
"""

_LEAVE = """
local room, user, token, connection = unpack(ARGV)
if not is_live(token) then return -1 end
local member = user .. " " .. token .. " " .. connection
redis.call("SREM", "presence:room:" .. room, member)
redis.call("SREM", "presence:of:" .. token, room .. " " .. member)
return is_there(room, user) and 0 or 1
"""

_ONLINE = """
local found, live = {}, {}
for place, room in ipairs(ARGV) do
    local users = {}
    for _, member in ipairs(redis.call("SMEMBERS", "presence:room:" .. room)) do
        local user, token = string.match(member, "^(%S+) (%S+)")
        if live[token] == nil then live[token] = is_live(token) or false end
        if live[token] then users[#users + 1] = user end
    end
    found[place] = users
end
return found
"""

# A lease, with all that it says from its beginning; the one before it ends.
_REGISTER = """
local token, old, milliseconds = ARGV[1], ARGV[2], ARGV[3]
redis.call("ZADD", "presence:leases", "XX", 0, old)
redis.call("ZADD", "presence:leases", now + milliseconds, token)
for place = 4, #ARGV, 2 do
    local room, member = ARGV[place], ARGV[place + 1]
    redis.call("SADD", "presence:room:" .. room, member)
    redis.call("SADD", "presence:of:" .. token, room .. " " .. member)
end
return run_id()
"""

# Whether the lease was live and is renewed, which server says so, and the leases that have ended.
_RENEW = """
local token, milliseconds = unpack(ARGV)
local was_live = is_live(token)
if was_live then redis.call("ZADD", "presence:leases", now + milliseconds, token) end
local ended = redis.call("ZRANGEBYSCORE", "presence:leases", "-inf", now)
return {was_live and 1 or 0, run_id(), ended}
"""


class RedisPresence:
    """See `sidepro.domain.rooms.ports.Presence`. While Redis is away, a process shows what it
    sees itself.
    """

    def __init__(self, link: RedisClient, feed: RoomEvents, lease: float = LEASE) -> None:
        """`lease` is in seconds; `feed` tells the rooms where somebody is no longer there."""
        self._link = link
        self._feed = feed
        self._milliseconds = round(lease * 1000)
        self._pause = min(RENEW_INTERVAL, lease / 5)
        self._own = InProcessPresence()
        self._here: set[tuple[RoomId, UserId, str]] = set()
        self._token = self._old_token = secrets.token_hex(8)
        self._server: bytes | None = None
        self._is_registered = False
        self._registering = asyncio.Lock()
        self._tending: asyncio.Task[None] | None = None
        register = link.redis.register_script
        self._enter, self._leave, self._online, self._register_script, self._renew = (
            register(_BEGINNING + text) for text in (_ENTER, _LEAVE, _ONLINE, _REGISTER, _RENEW)
        )

    async def connect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        if self._tending is None:
            self._tending = asyncio.create_task(self._renew_loop())
        with suppress(Unavailable):
            await self._register()
        self._here.add((room_id, user_id, connection))
        was_away = await self._own.connect(room_id, user_id, connection)
        return await self._run_script(self._enter, room_id, user_id, connection, was_away)

    async def disconnect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        if (room_id, user_id, connection) not in self._here:
            return False
        self._here.remove((room_id, user_id, connection))
        was_last = await self._own.disconnect(room_id, user_id, connection)
        async with self._registering:
            pass  # if all is just being said anew, this socket is in it: to be taken out after
        return await self._run_script(self._leave, room_id, user_id, connection, was_last)

    async def online(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, tuple[UserId, ...]]:
        own = await self._own.online(room_ids)
        if not room_ids:
            return own
        names = [str(room_id) for room_id in room_ids]
        try:
            found = await self._link.execute(lambda redis: self._online([], names, client=redis))
        except Unavailable:
            return own
        everybody = {
            room_id: {*own.get(room_id, ()), *(UserId(UUID(user.decode())) for user in users)}
            for room_id, users in zip(room_ids, found, strict=True)
        }
        return {room_id: tuple(sorted(users)) for room_id, users in everybody.items() if users}

    async def close(self) -> None:
        """Take away what this process has said, and tell the rooms."""
        if self._tending is None:
            return
        self._tending.cancel()
        await asyncio.gather(self._tending, return_exceptions=True)
        if self._is_registered:
            with suppress(Unavailable):
                await self._link.execute(
                    lambda redis: redis.zadd(LEASES, {self._token: 0}, xx=True)
                )
                await self._remove_lease(self._token)

    async def _run_script(
        self, script: Any, room_id: RoomId, user_id: UserId, connection: str, alone: bool
    ) -> bool:
        """What Redis answers; `alone`, what this process would, when it does not."""
        if not self._is_registered:
            return alone
        arguments = [str(room_id), str(user_id), self._token, connection]
        try:
            answer = await self._link.execute(lambda redis: script([], arguments, client=redis))
        except Unavailable:
            answer = -1
        if answer < 0:
            self._is_registered = False
            return alone
        return bool(answer)

    # ------------------------------------------------------------------------------- the lease

    async def _renew_loop(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            try:
                await self._renew_lease()
            except Unavailable:
                self._is_registered = False
            except Exception:
                # Whatever it is, leases must go on being kept and ended.
                log.exception("presence_failed")

    async def _renew_lease(self) -> None:
        arguments: list[str | int] = [self._token, self._milliseconds]
        is_live, server, ended = await self._link.execute(
            lambda redis: self._renew([], arguments, client=redis)
        )
        if not is_live or server != self._server:
            self._is_registered = False
        await self._register()
        for token in ended:
            await self._remove_lease(token.decode())

    async def _register(self) -> None:
        """Say all that is to be said from here, unless it is certain that Redis knows it.

        Raises:
            Unavailable: Redis is away.
        """
        async with self._registering:
            if self._is_registered:
                return
            # From here on, who enters does so under the new token; who is here is in the list.
            self._old_token, self._token = self._token, secrets.token_hex(8)
            here = tuple(self._here)
            arguments: list[str | int] = [self._token, self._old_token, self._milliseconds]
            for room_id, user_id, connection in here:
                arguments += [str(room_id), f"{user_id} {self._token} {connection}"]
            self._server = await self._link.execute(
                lambda redis: self._register_script([], arguments, client=redis)
            )
            self._is_registered = True
        await self._publish_status({room_id for room_id, _, _ in here})

    async def _remove_lease(self, token: str) -> None:
        """Remove what a lease has said, and then the lease. Safe to repeat and to do twice."""
        of_lease = f"presence:of:{token}"
        entries = await self._link.execute(lambda redis: _members(redis, of_lease))
        spoken = [entry.split(" ", 1) for entry in entries]

        async def remove(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                # a pipeline's commands are queued, not awaited
                for room, member in spoken:
                    _ = pipeline.srem(f"presence:room:{room}", member)
                _ = pipeline.delete(of_lease)
                _ = pipeline.zrem(LEASES, token)
                await pipeline.execute()

        # Told first: who ends in between leaves the rest to the next one.
        await self._publish_status({RoomId(UUID(room)) for room, _ in spoken})
        await self._link.execute(remove)

    async def _publish_status(self, room_ids: Iterable[RoomId]) -> None:
        for room_id in room_ids:
            await self._feed.publish(StatusChanged(room_id))


async def _members(redis: Redis, key: str) -> list[str]:
    found = await redis.smembers(key)
    return [one.decode() if isinstance(one, bytes) else one for one in found]
