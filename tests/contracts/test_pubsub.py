"""`PubSub`: every process hears what happens in the channels that it has open."""

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
    """The feeds of two processes, which are one where there is one process alone."""

    here: PubSub
    there: PubSub


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def feeds(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    if request.param == "memory":
        feed = InProcessPubSub()
        yield Processes(feed, feed)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with two_processes(server) as processes:
        yield processes


@asynccontextmanager
async def two_processes(server: RedisServer) -> AsyncIterator[Processes]:
    links = [RedisClient(server.url) for _ in range(2)]
    feeds = [RedisPubSub(link) for link in links]
    try:
        yield Processes(*feeds)
    finally:
        for feed in feeds:
            await feed.close()
        for link in links:
            await link.close()


@dataclass(eq=False)
class Ear:
    """A listener that remembers. Events may come twice and in any order."""

    heard: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.heard.append(event)

    async def hears(self, *events: Event) -> None:
        """Waits for all of these events, and asserts that there were no others."""
        await until(lambda: all(event in self.heard for event in events))
        assert all(event in events for event in self.heard)


async def until(is_so: Callable[[], bool]) -> None:
    """Waits for five seconds at the most: within those, what was broken off heals."""
    for _ in range(1_000):
        if is_so():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come about")


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
    feeds: Processes,
) -> None:
    channel, ear = new_channel(), Ear()
    await feeds.here.subscribe(channel, ear)
    events = one_of_each(channel)
    for event in events:
        await feeds.here.publish(event)
    await ear.hears(*events)


async def test_subscribers_of_other_processes_get_events(feeds: Processes) -> None:
    channel, ears = new_channel(), (Ear(), Ear())
    await feeds.here.subscribe(channel, ears[0])
    await feeds.there.subscribe(channel, ears[1])
    events = one_of_each(channel)
    for event in events:
        await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(*events)


async def test_all_listeners_of_a_process_get_events(feeds: Processes) -> None:
    channel, ears = new_channel(), [Ear() for _ in range(5)]
    for ear in ears:
        await feeds.here.subscribe(channel, ear)
    event = message(channel)
    await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(event)


async def test_events_of_other_channels_are_not_delivered(feeds: Processes) -> None:
    channel, other, ear = new_channel(), new_channel(), Ear()
    await feeds.here.subscribe(channel, ear)
    await feeds.here.publish(message(other))
    mine = message(channel)
    await feeds.here.publish(mine)
    await ear.hears(mine)


async def test_channels_of_any_kind_are_served_and_kinds_do_not_share_ids(
    feeds: Processes,
) -> None:
    user, room = Channel("user", nobody()), new_channel()
    same_id = Channel("user", room.id)
    listeners = {channel: Ear() for channel in (user, room, same_id)}
    for channel, listener in listeners.items():
        await feeds.here.subscribe(channel, listener)
    for channel in listeners:
        await feeds.there.publish(StatusChanged(channel))
    for channel, listener in listeners.items():
        await listener.hears(StatusChanged(channel))


async def test_one_listener_may_subscribe_to_several_channels(feeds: Processes) -> None:
    channels, ear = [new_channel() for _ in range(3)], Ear()
    for channel in channels:
        await feeds.here.subscribe(channel, ear)
    await feeds.here.unsubscribe(channels[0], ear)
    events = [message(channel) for channel in channels]
    for event in events:
        await feeds.there.publish(event)
    await ear.hears(*events[1:])


async def test_publishing_without_subscribers_does_nothing(feeds: Processes) -> None:
    await feeds.here.publish(message(new_channel()))


async def test_an_unsubscribed_listener_gets_nothing(feeds: Processes) -> None:
    channel, ear, other = new_channel(), Ear(), Ear()
    await feeds.here.subscribe(channel, ear)
    await feeds.here.subscribe(channel, other)
    await feeds.here.unsubscribe(channel, ear)
    event = message(channel)
    await feeds.here.publish(event)
    await other.hears(event)
    assert ear.heard == []


async def test_unsubscribing_one_listener_keeps_the_others(feeds: Processes) -> None:
    channel, ears = new_channel(), [Ear() for _ in range(3)]
    for ear in ears:
        await feeds.here.subscribe(channel, ear)
    await feeds.here.unsubscribe(channel, ears[1])
    await feeds.there.unsubscribe(channel, ears[1])
    await feeds.here.unsubscribe(channel, Ear())
    event = message(channel)
    await feeds.there.publish(event)
    await ears[0].hears(event)
    await ears[2].hears(event)


async def test_unsubscribing_twice_does_nothing(feeds: Processes) -> None:
    channel, ear = new_channel(), Ear()
    await feeds.here.unsubscribe(channel, ear)
    await feeds.here.subscribe(channel, ear)
    await feeds.here.unsubscribe(channel, ear)
    await feeds.here.unsubscribe(channel, ear)


async def test_a_channel_can_be_subscribed_to_again(feeds: Processes) -> None:
    channel = new_channel()
    for _ in range(10):
        ear = Ear()
        await feeds.here.subscribe(channel, ear)
        event = message(channel)
        await feeds.there.publish(event)
        await ear.hears(event)
        await feeds.here.unsubscribe(channel, ear)


async def test_a_subscription_made_while_the_last_one_ends_gets_events(feeds: Processes) -> None:
    channel = new_channel()
    for _ in range(50):
        leaves, comes = Ear(), Ear()
        await feeds.here.subscribe(channel, leaves)
        await asyncio.gather(
            feeds.here.unsubscribe(channel, leaves), feeds.here.subscribe(channel, comes)
        )
        event = message(channel)
        await feeds.there.publish(event)
        await comes.hears(event)
        await feeds.here.unsubscribe(channel, comes)


async def test_a_listener_may_unsubscribe_while_it_is_called(feeds: Processes) -> None:
    channel, stays = new_channel(), Ear()
    leaving: list[asyncio.Task[None]] = []

    def leave(event: Event) -> None:
        leaving.append(asyncio.ensure_future(feeds.here.unsubscribe(channel, leave)))

    await feeds.here.subscribe(channel, leave)
    await feeds.here.subscribe(channel, stays)
    events: list[Event] = [message(channel), StatusChanged(channel)]
    await feeds.here.publish(events[0])
    await until(lambda: bool(leaving))
    await asyncio.gather(*leaving)
    await feeds.here.publish(events[1])
    await stays.hears(*events)
    assert len(leaving) == 1


async def test_concurrent_events_are_all_delivered(feeds: Processes) -> None:
    channel, ear = new_channel(), Ear()
    await feeds.here.subscribe(channel, ear)
    events = [ReadPositionChanged(channel, nobody(), seq) for seq in range(100)]
    await asyncio.gather(*(feeds.there.publish(event) for event in events))
    await ear.hears(*events)


# --------------------------------------------------------------------------------- Redis alone


HEALS_WITHIN = 5.0
"""Seconds after the return of Redis, as promised."""


def others_events(channel: Channel, ear: Ear) -> list[Event]:
    return [event for event in ear.heard if event != ResyncRequired(channel)]


async def until_both_hear(feeds: Processes, channel: Channel, ears: tuple[Ear, Ear]) -> None:
    """Say something now and then until both have heard the other."""
    deadline = asyncio.get_running_loop().time() + HEALS_WITHIN
    said = [ReadPositionChanged(channel, nobody(), 1), ReadPositionChanged(channel, nobody(), 2)]
    while not all(event in ear.heard for event in said for ear in ears):
        await feeds.here.publish(said[0])
        await feeds.there.publish(said[1])
        await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() < deadline


async def test_after_a_redis_outage_every_subscriber_gets_resync_required(
    own_redis: RedisServer,
) -> None:
    async with two_processes(own_redis) as feeds:
        channel, opened_meanwhile = new_channel(), new_channel()
        ears, late = (Ear(), Ear()), Ear()
        await feeds.here.subscribe(channel, ears[0])
        await feeds.there.subscribe(channel, ears[1])
        await until_both_hear(feeds, channel, ears)
        own_redis.stop()

        lost = message(channel)
        began = asyncio.get_running_loop().time()
        await feeds.here.publish(lost)
        await feeds.there.subscribe(opened_meanwhile, late)
        await feeds.here.publish(message(opened_meanwhile))
        await feeds.here.publish(Typing(channel, nobody()))
        assert asyncio.get_running_loop().time() - began < 2
        assert lost in ears[0].heard, "its own process hears all the same"

        own_redis.resume()
        await until(
            lambda: (
                all(ResyncRequired(channel) in ear.heard for ear in ears)
                and ResyncRequired(opened_meanwhile) in late.heard
            )
        )
        await until_both_hear(feeds, channel, ears)


async def test_unpublished_events_become_resync_required(
    own_redis: RedisServer,
) -> None:
    """The process that hears may be connected again before the one that speaks."""
    async with two_processes(own_redis) as feeds:
        channel, ear = new_channel(), Ear()
        await feeds.there.subscribe(channel, ear)
        own_redis.stop()
        with capture_logs() as logs:
            await feeds.here.publish(message(channel))
            await until(lambda: any(line["event"] == "redis_down" for line in logs))
        own_redis.resume()
        # one of the two is from the process that could not speak
        await until(lambda: ear.heard.count(ResyncRequired(channel)) >= 2)


async def test_an_unreachable_redis_delays_nobody() -> None:
    nowhere = RedisClient("redis://127.0.0.1:1/0")
    feed = RedisPubSub(nowhere)
    try:
        channel, ear, event = new_channel(), Ear(), message(new_channel())
        async with asyncio.timeout(2):
            await feed.subscribe(channel, ear)
            for _ in range(100):
                await feed.publish(message(channel))
            await feed.publish(event)
            await feed.unsubscribe(channel, ear)
        assert len(ear.heard) == 100
    finally:
        await feed.close()
        await nowhere.close()


async def test_unknown_payloads_are_skipped_and_logged_once(redis_server: RedisServer) -> None:
    async with two_processes(redis_server) as feeds:
        channel, ear = new_channel(), Ear()
        await feeds.here.subscribe(channel, ear)
        with capture_logs() as logs, redis_server.client() as client:
            for payload in (b"", b"not ours", b"from a later version\x91\x63"):
                assert client.publish(f"0:{channel}", payload) == 1
            event = message(channel)
            await feeds.there.publish(event)
            await ear.hears(event)
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
    # By name: `dataclass(slots=True)` leaves a second class behind.
    events = {kind.__name__ for kind in Event.__subclasses__()}
    assert {type(event).__name__ for event in one_of_each(ROOM)} == events
    for event in one_of_each(ROOM):
        assert codec.decode(ROOM, codec.encode(event)) == event
    with pytest.raises(TypeError):
        codec.encode(Event(ROOM))


async def test_closed_channels_are_unsubscribed_in_redis(redis_server: RedisServer) -> None:
    def channels(client: redis_client.Redis, channel: Channel) -> int:
        [(_, listening)] = client.pubsub_numsub(f"0:{channel}")
        return int(listening)

    async with two_processes(redis_server) as feeds:
        channel, ears = new_channel(), (Ear(), Ear())
        with redis_server.client() as client:
            for ear in ears:
                await feeds.here.subscribe(channel, ear)
            assert channels(client, channel) == 1
            for ear in ears:
                await feeds.here.unsubscribe(channel, ear)
            await until(lambda: channels(client, channel) == 0)


async def test_close_publishes_pending_events(
    redis_server: RedisServer,
) -> None:
    async with two_processes(redis_server) as feeds:
        channel, ear = new_channel(), Ear()
        await feeds.there.subscribe(channel, ear)
        events = [ReadPositionChanged(channel, nobody(), seq) for seq in range(3)]
        link = RedisClient(redis_server.url)
        ending = RedisPubSub(link)
        for event in events:
            await ending.publish(event)
        await ending.close()
        await link.close()
        await ear.hears(*events)
