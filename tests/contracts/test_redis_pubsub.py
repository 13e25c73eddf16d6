"""`PubSub` over Redis: outages, payloads and subscriptions."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
import redis as redis_client
from structlog.testing import capture_logs

from sidepro.adapters.redis import codec
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.domain.channels import Channel, Event, ResyncRequired, StatusChanged
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import MessageSent, ReadPositionChanged, RoomClosed, Typing
from sidepro.domain.rooms.room import Message
from tests.clients import eventually
from tests.contracts.builders import nobody
from tests.contracts.pubsub_data import (
    RECOVERY_SECONDS,
    Processes,
    Recorder,
    message,
    new_channel,
    one_of_each,
    two_processes,
)
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio


ROOM_ID, USER = RoomId(UUID(int=2)), UserId(UUID(int=1))
ROOM = Channel.room(ROOM_ID)
SENT_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


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
        await eventually(
            lambda: (
                all(ResyncRequired(channel) in listener.received for listener in listeners)
                and ResyncRequired(opened_later) in late.received
            ),
            RECOVERY_SECONDS,
        )
        await until_both_receive(processes, channel, listeners)


async def test_a_channel_is_subscribed_while_its_connection_is_closed(
    own_redis: RedisServer,
) -> None:
    """At each turn of the event loop while the command is sent: by a failover, or by an error."""
    redis = RedisClient(own_redis.url)
    pubsub = RedisPubSub(redis)

    async def hears(channel: Channel, listener: Recorder) -> bool:
        event = ReadPositionChanged(channel, nobody(), 1)
        with own_redis.client() as client:
            client.publish(f"0:{channel}", b"8 bytes." + codec.encode(event))
        return any(isinstance(each, ReadPositionChanged) for each in listener.received)

    try:
        await pubsub.subscribe(new_channel(), Recorder())
        for ticks in range(6):
            await eventually(lambda: pubsub._connection is not None)
            connection = pubsub._connection
            assert connection is not None
            channel, listener = new_channel(), Recorder()
            subscribing = asyncio.create_task(pubsub.subscribe(channel, listener))
            for _ in range(ticks):
                await asyncio.sleep(0)
            await connection.disconnect(nowait=True)
            await subscribing
            await eventually(partial(hears, channel, listener), RECOVERY_SECONDS)
    finally:
        await pubsub.close()
        await redis.close()


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
            await eventually(lambda: any(line["event"] == "redis_down" for line in logs))
        own_redis.resume()
        # One is from the subscriber itself, one from the publisher.
        await eventually(
            lambda: listener.received.count(ResyncRequired(channel)) >= 2, RECOVERY_SECONDS
        )


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
            await eventually(lambda: subscribers(client, channel) == 0)


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
