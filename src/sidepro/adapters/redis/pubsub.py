"""What happens in rooms, told to all processes by Redis' publish and subscribe.

A process has one connection on which it hears, subscribed to the rooms that it has open. What it
says goes through the pool of its link, gathered in pipelines. Its own listeners hear at once and
without Redis; what comes back to them is known by its origin, and dropped.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from sidepro.adapters.redis import codec as wire
from sidepro.adapters.redis.client import (
    BROKEN,
    RESPONSE_TIMEOUT,
    RedisClient,
)
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.events import ResyncRequired, RoomEvent, Typing
from sidepro.domain.rooms.ports import Listener

log = structlog.get_logger(__name__)

SILENCE = 2.0
"""Seconds without a word from Redis after which it is asked whether it is there, and then given
as long again to answer.
"""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two attempts to connect: twice as long each time."""

RETRY_DELAY = 0.5
"""Seconds until what could not be said is said again."""

PUBLISH_BATCH = 500
"""Events in one pipeline, at the most."""

CLOSE_TIMEOUT = 2.0
"""Seconds that the last words may take."""

MAX_PENDING = 10_000
"""Events that wait to be said, at the most. Of rooms with more of them it is said once that some
were missed.
"""


@dataclass(eq=False, slots=True)
class _Subscription:
    """A room that is listened to. `settled` once Redis has confirmed it, or was found away."""

    listeners: list[Listener] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class RedisRoomEvents:
    """See `sidepro.domain.rooms.ports.RoomEvents`."""

    def __init__(self, link: RedisClient) -> None:
        """Nothing is connected before it is used."""
        self._link = link
        self._origin = secrets.token_bytes(8)
        self._heard: dict[RoomId, _Subscription] = {}
        self._channels: dict[bytes, RoomId] = {}
        self._connection: AbstractConnection | None = None
        self._is_away = False
        self._to_say: list[RoomEvent] = []
        self._unsaid: set[RoomId] = set()
        self._something_to_say = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._complained = False
        self._is_closing = False

    async def publish(self, event: RoomEvent) -> None:
        self._deliver(event)
        if len(self._to_say) < MAX_PENDING:
            self._to_say.append(event)
        elif not isinstance(event, Typing):
            self._unsaid.add(event.room_id)
        self._something_to_say.set()
        self._begin()

    async def subscribe(self, room_id: RoomId, listener: Listener) -> None:
        self._begin()
        heard = self._heard.get(room_id)
        if heard is None:
            heard = self._heard[room_id] = _Subscription()
            self._channels[self._channel(room_id)] = room_id
            if self._is_away:
                heard.settled.set()
            await self._command("SUBSCRIBE", [room_id])
        heard.listeners.append(listener)
        await heard.settled.wait()

    async def unsubscribe(self, room_id: RoomId, listener: Listener) -> None:
        heard = self._heard.get(room_id)
        if heard is None or listener not in heard.listeners:
            return
        heard.listeners.remove(listener)
        # Else the confirmation of this listening would pass for that of the next one.
        await heard.settled.wait()
        if not heard.listeners and self._heard.get(room_id) is heard:
            del self._heard[room_id], self._channels[self._channel(room_id)]
            await self._command("UNSUBSCRIBE", [room_id])

    async def close(self) -> None:
        """Say what waits to be said, if Redis takes it, and end the connection."""
        self._is_closing = True
        self._something_to_say.set()
        if self._tasks:
            hearing, saying = self._tasks
            await asyncio.wait([saying], timeout=CLOSE_TIMEOUT)
            for task in (hearing, saying):
                task.cancel()
            await asyncio.gather(hearing, saying, return_exceptions=True)

    # -------------------------------------------------------------------------------- hearing

    def _begin(self) -> None:
        if not self._tasks and not self._is_closing:
            self._tasks = [
                asyncio.create_task(self._receive_loop()),
                asyncio.create_task(self._publish_loop()),
            ]

    async def _receive_loop(self) -> None:
        pause = FIRST_PAUSE
        while True:
            connection = self._link.connection()
            try:
                async with asyncio.timeout(RESPONSE_TIMEOUT):
                    await connection.connect()  # type: ignore[no-untyped-call]  # its own gap
                self._connection = connection
                await self._command("SUBSCRIBE", self._heard)
                if self._is_away:
                    log.info("chat_feed_back", rooms=len(self._heard))
                    self._is_away = False
                pause = FIRST_PAUSE
                await self._receive(connection)
            except BROKEN as error:
                if not self._is_away:
                    log.warning("chat_feed_away", reason=type(error).__name__)
            except Exception:
                # Whatever it is, the process must not stay deaf for good.
                log.exception("chat_feed_failed")
            finally:
                self._connection = None
                await connection.disconnect(nowait=True)
            self._is_away = True
            for heard in self._heard.values():
                heard.settled.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _receive(self, connection: AbstractConnection) -> None:
        """Take in what comes, until the connection breaks."""
        is_asked = False
        while True:
            reply = await connection.read_response(timeout=SILENCE)
            if reply is None:
                if is_asked:
                    raise TimeoutError
                await connection.send_command("PING")
                is_asked = True
                continue
            is_asked = False
            kind, channel, *rest = reply
            room_id = self._channels.get(channel)
            if room_id is None:
                continue  # a room that was ignored meanwhile, or the answer to PING
            if kind == b"message":
                self._handle_payload(room_id, rest[0])
            elif kind == b"subscribe":
                self._confirm(room_id)

    def _handle_payload(self, room_id: RoomId, payload: bytes) -> None:
        if payload.startswith(self._origin):
            return
        try:
            event = wire.decode(room_id, payload[len(self._origin) :])
        except msgspec.DecodeError as error:
            if not self._complained:
                self._complained = True
                log.warning("chat_feed_not_understood", reason=str(error))
            return
        self._deliver(event)

    def _confirm(self, room_id: RoomId) -> None:
        heard = self._heard[room_id]
        if heard.settled.is_set():
            # It was listened to before; nobody knows what happened since.
            self._deliver(ResyncRequired(room_id))
        heard.settled.set()

    def _deliver(self, event: RoomEvent) -> None:
        heard = self._heard.get(event.room_id)
        for listener in tuple(heard.listeners) if heard else ():
            listener(event)

    async def _command(self, name: str, room_ids: Iterable[RoomId]) -> None:
        """Send a command, unless the connection is away: it will subscribe to all rooms anew."""
        connection, channels = self._connection, [self._channel(one) for one in room_ids]
        if channels and connection is not None and connection.is_connected:
            try:
                await connection.send_command(name, *channels)
            except BROKEN:
                return  # whoever hears on this connection finds out, and connects again

    def _channel(self, room_id: RoomId) -> bytes:
        # Channels are those of the whole server, whatever the number of the database.
        return f"{self._link.number}:room:{room_id}".encode()

    # --------------------------------------------------------------------------------- saying

    async def _publish_loop(self) -> None:
        while True:
            await self._something_to_say.wait()
            self._something_to_say.clear()
            while self._to_say or self._unsaid:
                said, self._to_say = self._to_say[:PUBLISH_BATCH], self._to_say[PUBLISH_BATCH:]
                missed, self._unsaid = self._unsaid, set()
                try:
                    await self._publish([*said, *map(ResyncRequired, missed)])
                    continue
                except Unavailable:
                    pass
                except Exception:
                    # Whatever it is, others hear that they may have missed something.
                    log.exception("chat_feed_failed")
                self._unsaid |= missed
                self._unsaid |= {event.room_id for event in said if not isinstance(event, Typing)}
                if self._is_closing:
                    return
                await asyncio.sleep(RETRY_DELAY)
            if self._is_closing:
                return

    async def _publish(self, events: list[RoomEvent]) -> None:
        payloads = [
            (self._channel(one.room_id), self._origin + wire.encode(one)) for one in events
        ]

        async def publish(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for channel, payload in payloads:
                    _ = pipeline.publish(channel, payload)  # queued, not awaited
                await pipeline.execute()

        await self._link.execute(publish)
