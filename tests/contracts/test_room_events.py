"""`RoomEvents`: every process hears what happens in the rooms that it has open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import redis as redis_client
from structlog.testing import capture_logs

from sidepro.adapters.in_process.pubsub import InProcessRoomEvents
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisRoomEvents
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.events import (
    MessageSent,
    ReadPositionChanged,
    ResyncRequired,
    RoomClosed,
    RoomEvent,
    StatusChanged,
    Typing,
)
from sidepro.domain.rooms.ports import RoomEvents
from tests import factories
from tests.contracts.builders import no_room, nobody
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Processes:
    """The feeds of two processes, which are one where there is one process alone."""

    here: RoomEvents
    there: RoomEvents


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def feeds(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    if request.param == "memory":
        feed = InProcessRoomEvents()
        yield Processes(feed, feed)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with two_processes(server) as processes:
        yield processes


@asynccontextmanager
async def two_processes(server: RedisServer) -> AsyncIterator[Processes]:
    links = [RedisClient(server.url) for _ in range(2)]
    feeds = [RedisRoomEvents(link) for link in links]
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

    heard: list[RoomEvent] = field(default_factory=list)

    def __call__(self, event: RoomEvent) -> None:
        self.heard.append(event)

    async def hears(self, *events: RoomEvent) -> None:
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


def message(room_id: RoomId) -> MessageSent:
    return MessageSent(room_id, factories.message(room_id, 1, nobody(), body="커피 ☕\n\"'"))


def one_of_each(room_id: RoomId) -> list[RoomEvent]:
    return [
        message(room_id),
        ReadPositionChanged(room_id, nobody(), 3),
        Typing(room_id, nobody()),
        StatusChanged(room_id),
        RoomClosed(room_id, nobody()),
        RoomClosed(room_id, None),
        ResyncRequired(room_id),
    ]


async def test_what_is_published_after_listen_returned_is_heard(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.subscribe(room, ear)
    events = one_of_each(room)
    for event in events:
        await feeds.here.publish(event)
    await ear.hears(*events)


async def test_other_processes_hear_it_too(feeds: Processes) -> None:
    room, ears = no_room(), (Ear(), Ear())
    await feeds.here.subscribe(room, ears[0])
    await feeds.there.subscribe(room, ears[1])
    events = one_of_each(room)
    for event in events:
        await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(*events)


async def test_all_listeners_of_a_process_hear_it(feeds: Processes) -> None:
    room, ears = no_room(), [Ear() for _ in range(5)]
    for ear in ears:
        await feeds.here.subscribe(room, ear)
    event = message(room)
    await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(event)


async def test_other_rooms_are_not_heard(feeds: Processes) -> None:
    room, other, ear = no_room(), no_room(), Ear()
    await feeds.here.subscribe(room, ear)
    await feeds.here.publish(message(other))
    mine = message(room)
    await feeds.here.publish(mine)
    await ear.hears(mine)


async def test_one_listener_may_hear_of_several_rooms(feeds: Processes) -> None:
    rooms, ear = [no_room() for _ in range(3)], Ear()
    for room in rooms:
        await feeds.here.subscribe(room, ear)
    await feeds.here.unsubscribe(rooms[0], ear)
    events = [message(room) for room in rooms]
    for event in events:
        await feeds.there.publish(event)
    await ear.hears(*events[1:])


async def test_publishing_where_nobody_listens_is_no_error(feeds: Processes) -> None:
    await feeds.here.publish(message(no_room()))


async def test_what_is_published_after_ignore_is_not_heard(feeds: Processes) -> None:
    room, ear, other = no_room(), Ear(), Ear()
    await feeds.here.subscribe(room, ear)
    await feeds.here.subscribe(room, other)
    await feeds.here.unsubscribe(room, ear)
    event = message(room)
    await feeds.here.publish(event)
    await other.hears(event)
    assert ear.heard == []


async def test_when_one_stops_to_listen_the_others_go_on(feeds: Processes) -> None:
    room, ears = no_room(), [Ear() for _ in range(3)]
    for ear in ears:
        await feeds.here.subscribe(room, ear)
    await feeds.here.unsubscribe(room, ears[1])
    await feeds.there.unsubscribe(room, ears[1])
    await feeds.here.unsubscribe(room, Ear())
    event = message(room)
    await feeds.there.publish(event)
    await ears[0].hears(event)
    await ears[2].hears(event)


async def test_ignoring_where_nobody_listens_is_no_error(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.unsubscribe(room, ear)
    await feeds.here.subscribe(room, ear)
    await feeds.here.unsubscribe(room, ear)
    await feeds.here.unsubscribe(room, ear)


async def test_listening_again_after_the_last_one_left_is_heard(feeds: Processes) -> None:
    room = no_room()
    for _ in range(10):
        ear = Ear()
        await feeds.here.subscribe(room, ear)
        event = message(room)
        await feeds.there.publish(event)
        await ear.hears(event)
        await feeds.here.unsubscribe(room, ear)


async def test_nobody_goes_deaf_when_the_last_one_leaves_as_they_come(feeds: Processes) -> None:
    room = no_room()
    for _ in range(50):
        leaves, comes = Ear(), Ear()
        await feeds.here.subscribe(room, leaves)
        await asyncio.gather(
            feeds.here.unsubscribe(room, leaves), feeds.here.subscribe(room, comes)
        )
        event = message(room)
        await feeds.there.publish(event)
        await comes.hears(event)
        await feeds.here.unsubscribe(room, comes)


async def test_a_listener_may_leave_while_it_hears(feeds: Processes) -> None:
    room, stays = no_room(), Ear()
    leaving: list[asyncio.Task[None]] = []

    def leave(event: RoomEvent) -> None:
        leaving.append(asyncio.ensure_future(feeds.here.unsubscribe(room, leave)))

    await feeds.here.subscribe(room, leave)
    await feeds.here.subscribe(room, stays)
    events: list[RoomEvent] = [message(room), StatusChanged(room)]
    await feeds.here.publish(events[0])
    await until(lambda: bool(leaving))
    await asyncio.gather(*leaving)
    await feeds.here.publish(events[1])
    await stays.hears(*events)
    assert len(leaving) == 1


async def test_many_events_at_once_are_all_heard(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.subscribe(room, ear)
    events = [ReadPositionChanged(room, nobody(), seq) for seq in range(100)]
    await asyncio.gather(*(feeds.there.publish(event) for event in events))
    await ear.hears(*events)


# --------------------------------------------------------------------------------- Redis alone


HEALS_WITHIN = 5.0
"""Seconds after the return of Redis, as promised."""


def others_events(room: RoomId, ear: Ear) -> list[RoomEvent]:
    return [event for event in ear.heard if event != ResyncRequired(room)]


async def until_both_hear(feeds: Processes, room: RoomId, ears: tuple[Ear, Ear]) -> None:
    """Say something now and then until both have heard the other."""
    deadline = asyncio.get_running_loop().time() + HEALS_WITHIN
    said = [ReadPositionChanged(room, nobody(), 1), ReadPositionChanged(room, nobody(), 2)]
    while not all(event in ear.heard for event in said for ear in ears):
        await feeds.here.publish(said[0])
        await feeds.there.publish(said[1])
        await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() < deadline


async def test_after_redis_was_away_everybody_learns_that_something_was_missed(
    own_redis: RedisServer,
) -> None:
    async with two_processes(own_redis) as feeds:
        room, opened_meanwhile = no_room(), no_room()
        ears, late = (Ear(), Ear()), Ear()
        await feeds.here.subscribe(room, ears[0])
        await feeds.there.subscribe(room, ears[1])
        await until_both_hear(feeds, room, ears)
        own_redis.stop()

        lost = message(room)
        began = asyncio.get_running_loop().time()
        await feeds.here.publish(lost)
        await feeds.there.subscribe(opened_meanwhile, late)
        await feeds.here.publish(message(opened_meanwhile))
        await feeds.here.publish(Typing(room, nobody()))
        assert asyncio.get_running_loop().time() - began < 2
        assert lost in ears[0].heard, "its own process hears all the same"

        own_redis.resume()
        await until(
            lambda: (
                all(ResyncRequired(room) in ear.heard for ear in ears)
                and ResyncRequired(opened_meanwhile) in late.heard
            )
        )
        await until_both_hear(feeds, room, ears)


async def test_what_could_not_be_said_is_told_as_missed_once_it_can(
    own_redis: RedisServer,
) -> None:
    """The process that hears may be connected again before the one that speaks."""
    async with two_processes(own_redis) as feeds:
        room, ear = no_room(), Ear()
        await feeds.there.subscribe(room, ear)
        own_redis.stop()
        with capture_logs() as logs:
            await feeds.here.publish(message(room))
            await until(lambda: any(line["event"] == "redis_away" for line in logs))
        own_redis.resume()
        # one of the two is from the process that could not speak
        await until(lambda: ear.heard.count(ResyncRequired(room)) >= 2)


async def test_a_process_that_redis_does_not_answer_is_not_kept_waiting() -> None:
    nowhere = RedisClient("redis://127.0.0.1:1/0")
    feed = RedisRoomEvents(nowhere)
    try:
        room, ear, event = no_room(), Ear(), message(no_room())
        async with asyncio.timeout(2):
            await feed.subscribe(room, ear)
            for _ in range(100):
                await feed.publish(message(room))
            await feed.publish(event)
            await feed.unsubscribe(room, ear)
        assert len(ear.heard) == 100
    finally:
        await feed.close()
        await nowhere.close()


async def test_what_is_not_understood_is_skipped_and_told_once(redis_server: RedisServer) -> None:
    async with two_processes(redis_server) as feeds:
        room, ear = no_room(), Ear()
        await feeds.here.subscribe(room, ear)
        with capture_logs() as logs, redis_server.client() as client:
            for payload in (b"", b"not ours", b"from a later version\x91\x63"):
                assert client.publish(f"0:room:{room}", payload) == 1
            event = message(room)
            await feeds.there.publish(event)
            await ear.hears(event)
        assert [line["event"] for line in logs] == ["chat_feed_not_understood"]


async def test_rooms_that_nobody_has_open_cost_redis_nothing(redis_server: RedisServer) -> None:
    def channels(client: redis_client.Redis, room: RoomId) -> int:
        [(_, listening)] = client.pubsub_numsub(f"0:room:{room}")
        return int(listening)

    async with two_processes(redis_server) as feeds:
        room, ears = no_room(), (Ear(), Ear())
        with redis_server.client() as client:
            for ear in ears:
                await feeds.here.subscribe(room, ear)
            assert channels(client, room) == 1
            for ear in ears:
                await feeds.here.unsubscribe(room, ear)
            await until(lambda: channels(client, room) == 0)


async def test_what_was_said_last_is_heard_although_the_process_ends(
    redis_server: RedisServer,
) -> None:
    async with two_processes(redis_server) as feeds:
        room, ear = no_room(), Ear()
        await feeds.there.subscribe(room, ear)
        events = [ReadPositionChanged(room, nobody(), seq) for seq in range(3)]
        link = RedisClient(redis_server.url)
        ending = RedisRoomEvents(link)
        for event in events:
            await ending.publish(event)
        await ending.close()
        await link.close()
        await ear.hears(*events)
