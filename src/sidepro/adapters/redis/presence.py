"""Presence shared by all processes.

Each process holds a lease and renews it every second. The connections under an expired lease do
not count. The process that notices the expiry removes them and publishes `StatusChanged`.

    presence:leases       sorted set: lease token → expiry, in milliseconds of Redis' clock
    presence:room:<id>    set of "user token connection", one for each open connection
    presence:of:<token>   set of "room user token connection": the connections under the lease

When Redis may have lost the connections of a process (after an outage, a restart with older data,
or a lease that expired while the process was suspended), the process registers all of them again
under a new token and lets the old one expire.
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
from sidepro.adapters.redis.client import RedisClient, stop
from sidepro.domain.channels import ROOM, Channel, PubSub, StatusChanged
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId

log = structlog.get_logger(__name__)

LEASE_TTL = 10.0
"""Seconds until a lease that is not renewed expires. Another process notices within a second, so
presence is right within 15 s of a crash.
"""

RENEW_INTERVAL = 1.0
"""Seconds between two renewals; a fifth of the lease if that is less."""

LEASES = "presence:leases"

_FUNCTIONS = """
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function is_live(token)
    local expiry = redis.call("ZSCORE", "presence:leases", token)
    return expiry and tonumber(expiry) > now
end
local function key(channel)
    return "presence:" .. (string.find(channel, ":") and channel or "room:" .. channel)
end
local function is_online(channel, user)
    for _, member in ipairs(redis.call("SMEMBERS", key(channel))) do
        local id, token = string.match(member, "^(%S+) (%S+)")
        if id == user and is_live(token) then return true end
    end
    return false
end
local function run_id()
    return string.match(redis.call("INFO", "server"), "run_id:(%x+)")
end
"""

# Returns -1 if the lease has expired: the connection would not count.
_CONNECT = """
local channel, user, token, connection = unpack(ARGV)
if not is_live(token) then return -1 end
local is_first = not is_online(channel, user)
local member = user .. " " .. token .. " " .. connection
redis.call("SADD", key(channel), member)
redis.call("SADD", "presence:of:" .. token, channel .. " " .. member)
return is_first and 1 or 0
"""

_DISCONNECT = """
local channel, user, token, connection = unpack(ARGV)
if not is_live(token) then return -1 end
local member = user .. " " .. token .. " " .. connection
redis.call("SREM", key(channel), member)
redis.call("SREM", "presence:of:" .. token, channel .. " " .. member)
return is_online(channel, user) and 0 or 1
"""

_ONLINE = """
local online, live = {}, {}
for index, channel in ipairs(ARGV) do
    local users = {}
    for _, member in ipairs(redis.call("SMEMBERS", key(channel))) do
        local user, token = string.match(member, "^(%S+) (%S+)")
        if live[token] == nil then live[token] = is_live(token) or false end
        if live[token] then users[#users + 1] = user end
    end
    online[index] = users
end
return online
"""

# Starts a lease with all its connections, and ends the one before it.
_REGISTER = """
local token, old, milliseconds = ARGV[1], ARGV[2], ARGV[3]
redis.call("ZADD", "presence:leases", "XX", 0, old)
redis.call("ZADD", "presence:leases", now + milliseconds, token)
for index = 4, #ARGV, 2 do
    local channel, member = ARGV[index], ARGV[index + 1]
    redis.call("SADD", key(channel), member)
    redis.call("SADD", "presence:of:" .. token, channel .. " " .. member)
end
return run_id()
"""

# Returns whether the lease was live and is renewed, the server's run id, and expired leases.
_RENEW = """
local token, milliseconds = unpack(ARGV)
local was_live = is_live(token)
if was_live then redis.call("ZADD", "presence:leases", now + milliseconds, token) end
local expired = redis.call("ZRANGEBYSCORE", "presence:leases", "-inf", now)
return {was_live and 1 or 0, run_id(), expired}
"""


class RedisPresence:
    """See `sidepro.domain.channels.Presence`. While Redis is down, each process knows its own
    connections only.
    """

    def __init__(self, redis: RedisClient, events: PubSub, lease_ttl: float = LEASE_TTL) -> None:
        """`lease_ttl` is in seconds; `events` gets `StatusChanged` for expired connections."""
        self._redis = redis
        self._events = events
        self._lease_milliseconds = round(lease_ttl * 1000)
        self._interval = min(RENEW_INTERVAL, lease_ttl / 5)
        self._local = InProcessPresence()
        self._connections: set[tuple[Channel, UserId, str]] = set()
        self._token = self._old_token = secrets.token_hex(8)
        self._server: bytes | None = None
        self._is_registered = False
        self._registering = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None
        script = redis.script
        self._connect, self._disconnect, self._online, self._register_script, self._renew = (
            script(_FUNCTIONS + body)
            for body in (_CONNECT, _DISCONNECT, _ONLINE, _REGISTER, _RENEW)
        )

    async def connect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_loop())
        with suppress(Unavailable):
            await self._register()
        self._connections.add((channel, user_id, connection))
        is_first_here = await self._local.connect(channel, user_id, connection)
        return await self._run_script(self._connect, channel, user_id, connection, is_first_here)

    async def disconnect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        if (channel, user_id, connection) not in self._connections:
            return False
        self._connections.remove((channel, user_id, connection))
        was_last_here = await self._local.disconnect(channel, user_id, connection)
        async with self._registering:
            pass  # a registration under way includes this connection: remove it afterwards
        return await self._run_script(
            self._disconnect, channel, user_id, connection, was_last_here
        )

    async def online(self, channels: Sequence[Channel]) -> Mapping[Channel, tuple[UserId, ...]]:
        local = await self._local.online(channels)
        if not channels:
            return local
        texts = [_text(channel) for channel in channels]
        try:
            replies = await self._redis.execute(
                lambda redis: self._online([], texts, client=redis)
            )
        except Unavailable:
            return local
        online = {
            channel: {*local.get(channel, ()), *(UserId(UUID(user.decode())) for user in users)}
            for channel, users in zip(channels, replies, strict=True)
        }
        return {channel: tuple(sorted(users)) for channel, users in online.items() if users}

    async def close(self) -> None:
        """Remove the connections of this process and publish `StatusChanged`."""
        if self._renewing is None:
            return
        await stop(self._renewing)
        if self._is_registered:
            with suppress(Unavailable):
                await self._redis.execute(
                    lambda redis: redis.zadd(self._redis.key(LEASES), {self._token: 0}, xx=True)
                )
                await self._remove_lease(self._token)

    async def _run_script(
        self, script: Any, channel: Channel, user_id: UserId, connection: str, local_answer: bool
    ) -> bool:
        """The answer of Redis, or `local_answer` while Redis does not know this process."""
        if not self._is_registered:
            return local_answer
        arguments = [_text(channel), str(user_id), self._token, connection]
        try:
            reply = await self._redis.execute(lambda redis: script([], arguments, client=redis))
        except Unavailable:
            reply = -1
        if reply < 0:
            self._is_registered = False
            return local_answer
        return bool(reply)

    # ------------------------------------------------------------------------------- the lease

    async def _renew_loop(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self._renew_lease()
            except Unavailable:
                self._is_registered = False
            except Exception:  # a defect or a malformed entry; without this loop the lease expires
                log.exception("presence_renewal_failed")

    async def _renew_lease(self) -> None:
        arguments: list[str | int] = [self._token, self._lease_milliseconds]
        was_live, server, expired = await self._redis.execute(
            lambda redis: self._renew([], arguments, client=redis)
        )
        if self._server is not None and server != self._server:
            # Some connections may lead to the one before, which need not refuse what they do.
            await self._redis.replace_connections("another server answers")
        if not was_live or server != self._server:
            self._is_registered = False
        await self._register()
        for token in expired:
            await self._remove_lease(token.decode())

    async def _register(self) -> None:
        """Register all connections of this process, unless Redis certainly has them.

        Raises:
            Unavailable: Redis is down.
        """
        async with self._registering:
            if self._is_registered:
                return
            # A later `connect` uses the new token. Earlier connections are in the snapshot.
            self._old_token, self._token = self._token, secrets.token_hex(8)
            connections = tuple(self._connections)
            arguments: list[str | int] = [self._token, self._old_token, self._lease_milliseconds]
            for channel, user_id, connection in connections:
                arguments += [_text(channel), f"{user_id} {self._token} {connection}"]
            self._server = await self._redis.execute(
                lambda redis: self._register_script([], arguments, client=redis)
            )
            self._is_registered = True
        await self._publish_status({channel for channel, _, _ in connections})

    async def _remove_lease(self, token: str) -> None:
        """Remove the connections under a lease, and then the lease. Safe to repeat, also by
        several processes at once.
        """
        lease_key = self._redis.key(f"presence:of:{token}")
        entries = await self._redis.execute(lambda redis: _members(redis, lease_key))
        connections = [(_channel(text), member) for text, member in entries]

        async def remove(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                # a pipeline's commands are queued, not awaited
                for channel, member in connections:
                    _ = pipeline.srem(self._redis.key(f"presence:{channel}"), member)
                _ = pipeline.delete(lease_key)
                _ = pipeline.zrem(self._redis.key(LEASES), token)
                await pipeline.execute()

        # Publish first: if this process dies in between, the next one finds the lease again.
        await self._publish_status({channel for channel, _ in connections})
        await self._redis.execute(remove)

    async def _publish_status(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            await self._events.publish(StatusChanged(channel))


def _text(channel: Channel) -> str:
    """A channel in a lease and in scripts; a room without its kind."""
    return str(channel.id) if channel.kind == ROOM else str(channel)


def _channel(text: str) -> Channel:
    kind, _, channel_id = text.rpartition(":")
    return Channel(kind or ROOM, UUID(channel_id))


async def _members(redis: Redis, key: str) -> list[list[str]]:
    found = await redis.smembers(key)
    texts = [entry.decode() if isinstance(entry, bytes) else entry for entry in found]
    return [text.split(" ", 1) for text in texts]
