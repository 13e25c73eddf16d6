"""Publish and subscribe between processes, by Redis.

A process subscribes on one connection of its own. It publishes through the pool, in pipelines. Its
own subscribers get an event at once, without Redis. The copy that Redis sends back starts with the
origin of this process and is dropped.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from sidepro.adapters.redis import codec
from sidepro.adapters.redis.client import (
    CONNECTION_ERRORS,
    RESPONSE_TIMEOUT,
    RedisClient,
    stop,
    text_of,
)
from sidepro.domain.channels import Channel, Event, Listener, ResyncRequired
from sidepro.domain.errors import Unavailable

log = structlog.get_logger(__name__)

IDLE_TIMEOUT = 2.0
"""Seconds without data before Redis is pinged. The answer may take as long."""

MIN_BACKOFF, MAX_BACKOFF = 0.1, 1.0
"""Seconds between two attempts to connect, doubled after each."""

RETRY_DELAY = 0.5
"""Seconds between a failed pipeline and the next one."""

PUBLISH_BATCH = 500
"""Maximum number of events in one pipeline."""

CLOSE_TIMEOUT = 2.0
"""Seconds for publishing the last events."""

MAX_PENDING = 10_000
"""Maximum number of events that wait to be published. Further ones become one `ResyncRequired` per
channel.
"""


@dataclass(eq=False, slots=True)
class _Subscription:
    """`settled` is set once Redis has confirmed the subscription or could not be reached."""

    listeners: list[Listener] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class RedisPubSub:
    """See `sidepro.domain.channels.PubSub`."""

    def __init__(self, redis: RedisClient) -> None:
        """Connects on first use."""
        self._redis = redis
        self._origin = secrets.token_bytes(8)
        self._subscriptions: dict[Channel, _Subscription] = {}
        self._channels: dict[bytes, Channel] = {}
        self._connection: AbstractConnection | None = None
        self._is_down = False
        self._pending: list[Event] = []
        self._to_resync: set[Channel] = set()
        self._has_pending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._has_warned = False
        self._is_closing = False

    async def publish(self, event: Event) -> None:
        self._deliver(event)
        if len(self._pending) < MAX_PENDING:
            self._pending.append(event)
        elif not event.is_transient:
            self._to_resync.add(event.channel)
        self._has_pending.set()
        self._start()

    async def subscribe(self, channel: Channel, listener: Listener) -> None:
        self._start()
        subscription = self._subscriptions.get(channel)
        if subscription is None:
            subscription = self._subscriptions[channel] = _Subscription()
            self._channels[self._name(channel)] = channel
            if self._is_down:
                subscription.settled.set()
            await self._command("SUBSCRIBE", [channel])
        subscription.listeners.append(listener)
        await subscription.settled.wait()

    async def unsubscribe(self, channel: Channel, listener: Listener) -> None:
        subscription = self._subscriptions.get(channel)
        if subscription is None or listener not in subscription.listeners:
            return
        subscription.listeners.remove(listener)
        # A later subscription must not take the confirmation of this one for its own.
        await subscription.settled.wait()
        if not subscription.listeners and self._subscriptions.get(channel) is subscription:
            del self._subscriptions[channel], self._channels[self._name(channel)]
            await self._command("UNSUBSCRIBE", [channel])

    async def close(self) -> None:
        """Publish the pending events, if Redis can be reached, and close the connection."""
        self._is_closing = True
        self._has_pending.set()
        if self._tasks:
            receiving, publishing = self._tasks
            await asyncio.wait([publishing], timeout=CLOSE_TIMEOUT)
            await stop(receiving, publishing)

    def _start(self) -> None:
        if not self._tasks and not self._is_closing:
            self._tasks = [
                asyncio.create_task(self._receive_loop()),
                asyncio.create_task(self._publish_loop()),
            ]

    def _deliver(self, event: Event) -> None:
        subscription = self._subscriptions.get(event.channel)
        for listener in tuple(subscription.listeners) if subscription else ():
            listener(event)

    def _name(self, channel: Channel) -> bytes:
        # Redis channels belong to the whole server, not to a numbered database.
        return self._redis.channel(str(channel)).encode()

    async def _command(self, command: str, channels: Iterable[Channel]) -> None:
        """Send a command. Does nothing without a connection: the next one subscribes to all
        channels.
        """
        connection, names = self._connection, [self._name(channel) for channel in channels]
        if names and connection is not None and connection.is_connected:
            try:
                await _send(connection, command, *names)
            except CONNECTION_ERRORS:
                return  # `_receive_loop` gets the same error and reconnects

    # ------------------------------------------------------------------------------ receiving

    async def _receive_loop(self) -> None:
        backoff = MIN_BACKOFF
        while True:
            connection = self._redis.connection()
            try:
                async with asyncio.timeout(RESPONSE_TIMEOUT):
                    await connection.connect()  # type: ignore[no-untyped-call]  # redis-py's gap
                self._connection = connection
                await self._command("SUBSCRIBE", self._subscriptions)
                if self._is_down:
                    log.info("pubsub_restored", channels=len(self._subscriptions))
                    self._is_down = False
                backoff = MIN_BACKOFF
                await self._receive(connection)
            except CONNECTION_ERRORS as error:
                if not self._is_down:
                    log.warning("pubsub_down", reason=text_of(error))
            except Exception:  # a defect, as in a listener; without this loop no events arrive
                log.exception("pubsub_failed")
            finally:
                self._connection = None
                await connection.disconnect(nowait=True)
            self._is_down = True
            for subscription in self._subscriptions.values():
                subscription.settled.set()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF)

    async def _receive(self, connection: AbstractConnection) -> None:
        """Handle messages from Redis until the connection breaks."""
        is_pinged = False
        failovers = self._redis.failovers
        while True:
            try:
                reply = await connection.read_response(timeout=IDLE_TIMEOUT)
            except ResponseError as error:
                # A Redis that refuses writes refuses PING too, and delivers events. An event may
                # come before this answer.
                if "MISCONF" not in str(error):
                    raise
                is_pinged = False
                continue
            if self._redis.failovers != failovers:
                raise ConnectionError("another Redis became the primary")
            if reply is None:
                if is_pinged:
                    raise TimeoutError
                await _send(connection, "PING")
                is_pinged = True
                continue
            is_pinged = False
            kind, name, *rest = reply
            channel = self._channels.get(name)
            if channel is None:
                continue  # a cancelled subscription, or the answer to PING
            if kind == b"message":
                self._handle_payload(channel, rest[0])
            elif kind == b"subscribe":
                self._confirm(channel)

    def _handle_payload(self, channel: Channel, payload: bytes) -> None:
        if payload.startswith(self._origin):
            return
        try:
            event = codec.decode(channel, payload[len(self._origin) :])
        except msgspec.DecodeError as error:
            if not self._has_warned:
                self._has_warned = True
                log.warning("pubsub_payload_unknown", reason=str(error))
            return
        self._deliver(event)

    def _confirm(self, channel: Channel) -> None:
        subscription = self._subscriptions[channel]
        if subscription.settled.is_set():
            # A subscription made again after an outage, in which events were lost.
            self._deliver(ResyncRequired(channel))
        subscription.settled.set()

    # ----------------------------------------------------------------------------- publishing

    async def _publish_loop(self) -> None:
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            while self._pending or self._to_resync:
                batch = self._pending[:PUBLISH_BATCH]
                del self._pending[:PUBLISH_BATCH]
                to_resync, self._to_resync = self._to_resync, set()
                try:
                    await self._publish([*batch, *map(ResyncRequired, to_resync)])
                    continue
                except Unavailable:
                    pass
                except Exception:  # a defect, as an event without payload; later ones must go out
                    log.exception("pubsub_failed")
                self._to_resync |= to_resync
                self._to_resync |= {event.channel for event in batch if not event.is_transient}
                if self._is_closing:
                    return
                await asyncio.sleep(RETRY_DELAY)
            if self._is_closing:
                return

    async def _publish(self, events: list[Event]) -> None:
        payloads = [
            (self._name(event.channel), self._origin + codec.encode(event)) for event in events
        ]

        async def publish(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for name, payload in payloads:
                    _ = pipeline.publish(name, payload)  # queued, not awaited
                await pipeline.execute()

        await self._redis.execute(publish)


async def _send(connection: AbstractConnection, command: str, *arguments: bytes) -> None:
    """Send a command on a connection that another task may close meanwhile.

    Raises:
        RedisError, OSError, RuntimeError: the connection is broken or closed.
    """
    try:
        await connection.send_command(command, *arguments)
    except AttributeError as error:  # redis-py's, of a connection that was closed while it waited
        raise ConnectionError("the connection was closed") from error
