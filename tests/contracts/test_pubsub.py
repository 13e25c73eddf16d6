"""`PubSub`: events reach the subscribers of a channel in all processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
import redis as redis_client
from structlog.testing import capture_logs

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.redis import codec
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.domain.channels import Channel, Event, PubSub, ResyncRequired, StatusChanged
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import MessageSent, ReadPositionChanged, RoomClosed, Typing
from sidepro.domain.rooms.room import Message
from tests import factories
from tests.contracts.builders import no_room, nobody
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Processes:
    """The adapters of two processes; in-process both are the same one."""

    here: PubSub
    there: PubSub


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    if request.param == "memory":
        pubsub = InProcessPubSub()
        yield Processes(pubsub, pubsub)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with two_processes(server) as both:
        yield both


@asynccontextmanager
async def two_processes(server: RedisServer) -> AsyncIterator[Processes]:
    clients = [RedisClient(server.url) for _ in range(2)]
    adapters = [RedisPubSub(client) for client in clients]
    try:
        yield Processes(*adapters)
    finally:
        for adapter in adapters:
            await adapter.close()
        for client in clients:
            await client.close()


@dataclass(eq=False)
class Recorder:
    """A listener that records events, which may repeat and come in any order."""

    received: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.received.append(event)

    async def receives(self, *events: Event) -> None:
        """Wait for all of these events, and assert that there were no others."""
        await until(lambda: all(event in self.received for event in events))
        assert all(event in events for event in self.received)


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for at most five seconds, in which connections are restored."""
    for _ in range(1_000):
        if is_true():
            return
        await asyncio.sleep(0.005)
    pytest.fail("timed out")


def new_channel() -> Channel:
    return Channel.room(no_room())


def message(channel: Channel) -> MessageSent:
    room_id = RoomId(channel.id)
    return MessageSent(channel, factories.message(room_id, 1, nobody(), body="커피 ☕\n\"'"))


ROOM_ID, USER = RoomId(UUID(int=2)), UserId(UUID(int=1))
ROOM = Channel.room(ROOM_ID)
SENT_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def one_of_each(channel: Channel) -> list[Event]:
    return [
        message(channel),
        ReadPositionChanged(channel, nobody(), 3),
        Typing(channel, nobody()),
        StatusChanged(channel),
        RoomClosed(channel, nobody()),
        RoomClosed(channel, None),
        ResyncRequired(channel),
    ]


async def test_a_subscriber_gets_what_is_published_after_subscribe_returns(
    processes: Processes,
) -> None:
    channel, listener = new_channel(), Recorder()
    await processes.here.subscribe(channel, listener)
    events = one_of_each(channel)
    for event in events:
        await processes.here.publish(event)
    await listener.receives(*events)


async def test_subscribers_of_other_processes_get_events(processes: Processes) -> None:
    channel, listeners = new_channel(), (Recorder(), Recorder())
    await processes.here.subscribe(channel, listeners[0])
    await processes.there.subscribe(channel, listeners[1])
    events = one_of_each(channel)
    for event in events:
        await processes.there.publish(event)
    for listener in listeners:
        await listener.receives(*events)


async def test_all_listeners_of_a_process_get_events(processes: Processes) -> None:
    channel, listeners = new_channel(), [Recorder() for _ in range(5)]
    for listener in listeners:
        await processes.here.subscribe(channel, listener)
    event = message(channel)
    await processes.there.publish(event)
    for listener in listeners:
        await listener.receives(event)


async def test_events_of_other_channels_are_not_delivered(processes: Processes) -> None:
    channel, other, listener = new_channel(), new_channel(), Recorder()
    await processes.here.subscribe(channel, listener)
    await processes.here.publish(message(other))
    mine = message(channel)
    await processes.here.publish(mine)
    await listener.receives(mine)


async def test_channels_of_any_kind_are_served_and_kinds_do_not_share_ids(
    processes: Processes,
) -> None:
    user, room = Channel("user", nobody()), new_channel()
    same_id = Channel("user", room.id)
    listeners = {channel: Recorder() for channel in (user, room, same_id)}
    for channel, listener in listeners.items():
        await processes.here.subscribe(channel, listener)
    for channel in listeners:
        await processes.there.publish(StatusChanged(channel))
    for channel, listener in listeners.items():
        await listener.receives(StatusChanged(channel))


async def test_one_listener_may_subscribe_to_several_channels(processes: Processes) -> None:
    channels, listener = [new_channel() for _ in range(3)], Recorder()
    for channel in channels:
        await processes.here.subscribe(channel, listener)
    await processes.here.unsubscribe(channels[0], listener)
    events = [message(channel) for channel in channels]
    for event in events:
        await processes.there.publish(event)
    await listener.receives(*events[1:])


async def test_publishing_without_subscribers_does_nothing(processes: Processes) -> None:
    await processes.here.publish(message(new_channel()))


async def test_an_unsubscribed_listener_gets_nothing(processes: Processes) -> None:
    channel, listener, other = new_channel(), Recorder(), Recorder()
    await processes.here.subscribe(channel, listener)
    await processes.here.subscribe(channel, other)
    await processes.here.unsubscribe(channel, listener)
    event = message(channel)
    await processes.here.publish(event)
    await other.receives(event)
    assert listener.received == []


async def test_unsubscribing_one_listener_keeps_the_others(processes: Processes) -> None:
    channel, listeners = new_channel(), [Recorder() for _ in range(3)]
    for listener in listeners:
        await processes.here.subscribe(channel, listener)
    await processes.here.unsubscribe(channel, listeners[1])
    await processes.there.unsubscribe(channel, listeners[1])
    await processes.here.unsubscribe(channel, Recorder())
    event = message(channel)
    await processes.there.publish(event)
    await listeners[0].receives(event)
    await listeners[2].receives(event)


async def test_unsubscribing_twice_does_nothing(processes: Processes) -> None:
    channel, listener = new_channel(), Recorder()
    await processes.here.unsubscribe(channel, listener)
    await processes.here.subscribe(channel, listener)
    await processes.here.unsubscribe(channel, listener)
    await processes.here.unsubscribe(channel, listener)


async def test_a_channel_can_be_subscribed_to_again(processes: Processes) -> None:
    channel = new_channel()
    for _ in range(10):
        listener = Recorder()
        await processes.here.subscribe(channel, listener)
        event = message(channel)
        await processes.there.publish(event)
        await listener.receives(event)
        await processes.here.unsubscribe(channel, listener)


async def test_a_subscription_made_while_the_last_one_ends_gets_events(
    processes: Processes,
) -> None:
    channel = new_channel()
    for _ in range(50):
        old, new = Recorder(), Recorder()
        await processes.here.subscribe(channel, old)
        await asyncio.gather(
            processes.here.unsubscribe(channel, old), processes.here.subscribe(channel, new)
        )
        event = message(channel)
        await processes.there.publish(event)
        await new.receives(event)
        await processes.here.unsubscribe(channel, new)


async def test_a_listener_may_unsubscribe_while_it_is_called(processes: Processes) -> None:
    channel, other = new_channel(), Recorder()
    leaving: list[asyncio.Task[None]] = []

    def leave(event: Event) -> None:
        leaving.append(asyncio.ensure_future(processes.here.unsubscribe(channel, leave)))

    await processes.here.subscribe(channel, leave)
    await processes.here.subscribe(channel, other)
    events: list[Event] = [message(channel), StatusChanged(channel)]
    await processes.here.publish(events[0])
    await until(lambda: bool(leaving))
    await asyncio.gather(*leaving)
    await processes.here.publish(events[1])
    await other.receives(*events)
    assert len(leaving) == 1


async def test_concurrent_events_are_all_delivered(processes: Processes) -> None:
    channel, listener = new_channel(), Recorder()
    await processes.here.subscribe(channel, listener)
    events = [ReadPositionChanged(channel, nobody(), seq) for seq in range(100)]
    await asyncio.gather(*(processes.there.publish(event) for event in events))
    await listener.receives(*events)


# --------------------------------------------------------------------------------- Redis alone


RECOVERY_SECONDS = 5.0
"""Promised maximum after the return of Redis."""


async def until_both_receive(
    processes: Processes, channel: Channel, listeners: tuple[Recorder, Recorder]
) -> None:
    """Publish repeatedly until both have received each other's events."""
    deadline = asyncio.get_running_loop().time() + RECOVERY_SECONDS
    published = [
        ReadPositionChanged(channel, nobody(), 1),
        ReadPositionChanged(channel, nobody(), 2),
    ]
    while not all(event in listener.received for event in published for listener in listeners):
        await processes.here.publish(published[0])
        await processes.there.publish(published[1])
        await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() < deadline


async def test_after_a_redis_outage_every_subscriber_gets_resync_required(
    own_redis: RedisServer,
) -> None:
    async with two_processes(own_redis) as processes:
        channel, opened_later = new_channel(), new_channel()
        listeners, late = (Recorder(), Recorder()), Recorder()
        await processes.here.subscribe(channel, listeners[0])
        await processes.there.subscribe(channel, listeners[1])
        await until_both_receive(processes, channel, listeners)
        own_redis.stop()

        lost = message(channel)
        started_at = asyncio.get_running_loop().time()
        await processes.here.publish(lost)
        await processes.there.subscribe(opened_later, late)
        await processes.here.publish(message(opened_later))
        await processes.here.publish(Typing(channel, nobody()))
        assert asyncio.get_running_loop().time() - started_at < 2
        assert lost in listeners[0].received, "delivered within its own process"

        own_redis.resume()
        await until(
            lambda: (
                all(ResyncRequired(channel) in listener.received for listener in listeners)
                and ResyncRequired(opened_later) in late.received
            )
        )
        await until_both_receive(processes, channel, listeners)


async def test_unpublished_events_become_resync_required(
    own_redis: RedisServer,
) -> None:
    """The subscriber may be reconnected before the publisher."""
    async with two_processes(own_redis) as processes:
        channel, listener = new_channel(), Recorder()
        await processes.there.subscribe(channel, listener)
        own_redis.stop()
        with capture_logs() as logs:
            await processes.here.publish(message(channel))
            await until(lambda: any(line["event"] == "redis_down" for line in logs))
        own_redis.resume()
        # One is from the subscriber itself, one from the publisher.
        await until(lambda: listener.received.count(ResyncRequired(channel)) >= 2)


async def test_an_unreachable_redis_delays_nobody() -> None:
    unreachable = RedisClient("redis://127.0.0.1:1/0")
    pubsub = RedisPubSub(unreachable)
    try:
        channel, listener, event = new_channel(), Recorder(), message(new_channel())
        async with asyncio.timeout(2):
            await pubsub.subscribe(channel, listener)
            for _ in range(100):
                await pubsub.publish(message(channel))
            await pubsub.publish(event)
            await pubsub.unsubscribe(channel, listener)
        assert len(listener.received) == 100
    finally:
        await pubsub.close()
        await unreachable.close()


async def test_unknown_payloads_are_skipped_and_logged_once(redis_server: RedisServer) -> None:
    async with two_processes(redis_server) as processes:
        channel, listener = new_channel(), Recorder()
        await processes.here.subscribe(channel, listener)
        with capture_logs() as logs, redis_server.client() as client:
            for payload in (b"", b"not ours", b"from a later version\x91\x63"):
                assert client.publish(f"0:{channel}", payload) == 1
            event = message(channel)
            await processes.there.publish(event)
            await listener.receives(event)
        assert [line["event"] for line in logs] == ["pubsub_payload_unknown"]


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (
            MessageSent(ROOM, Message(ROOM_ID, 7, USER, "커피", "a", SENT_AT)),
            "960107c41000000000000000000000000000000001a6ecbba4ed94bca161d7ffa1dcd420695735a5",
        ),
        (
            MessageSent(ROOM, Message(ROOM_ID, 7, None, "x", None, SENT_AT)),
            "960107c0a178c0d7ffa1dcd420695735a5",
        ),
        (ReadPositionChanged(ROOM, USER, 3), "9302c4100000000000000000000000000000000103"),
        (Typing(ROOM, USER), "9203c41000000000000000000000000000000001"),
        (StatusChanged(ROOM), "9104"),
        (RoomClosed(ROOM, USER), "9205c41000000000000000000000000000000001"),
        (RoomClosed(ROOM, None), "9205c0"),
        (ResyncRequired(ROOM), "9106"),
    ],
)
def test_payloads_keep_their_bytes(event: Event, payload: str) -> None:
    """Processes of two versions share them during a rolling restart."""
    assert codec.encode(event).hex() == payload
    assert codec.decode(ROOM, bytes.fromhex(payload)) == event


def test_every_event_has_a_payload() -> None:
    # By name: `dataclass(slots=True)` old a second class behind.
    events = {kind.__name__ for kind in Event.__subclasses__()}
    assert {type(event).__name__ for event in one_of_each(ROOM)} == events
    for event in one_of_each(ROOM):
        assert codec.decode(ROOM, codec.encode(event)) == event
    with pytest.raises(TypeError):
        codec.encode(Event(ROOM))


async def test_closed_channels_are_unsubscribed_in_redis(redis_server: RedisServer) -> None:
    def subscribers(client: redis_client.Redis, channel: Channel) -> int:
        [(_, number)] = client.pubsub_numsub(f"0:{channel}")
        return int(number)

    async with two_processes(redis_server) as processes:
        channel, listeners = new_channel(), (Recorder(), Recorder())
        with redis_server.client() as client:
            for listener in listeners:
                await processes.here.subscribe(channel, listener)
            assert subscribers(client, channel) == 1
            for listener in listeners:
                await processes.here.unsubscribe(channel, listener)
            await until(lambda: subscribers(client, channel) == 0)


async def test_close_publishes_pending_events(
    redis_server: RedisServer,
) -> None:
    async with two_processes(redis_server) as processes:
        channel, listener = new_channel(), Recorder()
        await processes.there.subscribe(channel, listener)
        events = [ReadPositionChanged(channel, nobody(), seq) for seq in range(3)]
        redis = RedisClient(redis_server.url)
        closing = RedisPubSub(redis)
        for event in events:
            await closing.publish(event)
        await closing.close()
        await redis.close()
        await listener.receives(*events)
