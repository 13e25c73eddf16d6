"""`ChatFeed`: every process hears what happens in the rooms that it has open."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sidepro.adapters.memory.chat import MemoryFeed
from sidepro.domain.rooms.events import (
    MessageSent,
    ReadMoved,
    RoomClosed,
    RoomEvent,
    StatusChanged,
    Typing,
)
from sidepro.domain.rooms.ports import ChatFeed
from sidepro.domain.shared import RoomId
from tests import factories
from tests.contracts.builders import no_room, nobody

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Processes:
    """The feeds of two processes, which are one where there is one process alone."""

    here: ChatFeed
    there: ChatFeed


@pytest.fixture(params=["memory"])
def feeds(request: pytest.FixtureRequest) -> Processes:
    feed = MemoryFeed()
    return Processes(feed, feed)


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
        ReadMoved(room_id, nobody(), 3),
        Typing(room_id, nobody()),
        StatusChanged(room_id),
        RoomClosed(room_id, nobody()),
        RoomClosed(room_id, None),
    ]


async def test_what_is_published_after_listen_returned_is_heard(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.listen(room, ear)
    events = one_of_each(room)
    for event in events:
        await feeds.here.publish(event)
    await ear.hears(*events)


async def test_other_processes_hear_it_too(feeds: Processes) -> None:
    room, ears = no_room(), (Ear(), Ear())
    await feeds.here.listen(room, ears[0])
    await feeds.there.listen(room, ears[1])
    events = one_of_each(room)
    for event in events:
        await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(*events)


async def test_all_listeners_of_a_process_hear_it(feeds: Processes) -> None:
    room, ears = no_room(), [Ear() for _ in range(5)]
    for ear in ears:
        await feeds.here.listen(room, ear)
    event = message(room)
    await feeds.there.publish(event)
    for ear in ears:
        await ear.hears(event)


async def test_other_rooms_are_not_heard(feeds: Processes) -> None:
    room, other, ear = no_room(), no_room(), Ear()
    await feeds.here.listen(room, ear)
    await feeds.here.publish(message(other))
    mine = message(room)
    await feeds.here.publish(mine)
    await ear.hears(mine)


async def test_one_listener_may_hear_of_several_rooms(feeds: Processes) -> None:
    rooms, ear = [no_room() for _ in range(3)], Ear()
    for room in rooms:
        await feeds.here.listen(room, ear)
    await feeds.here.ignore(rooms[0], ear)
    events = [message(room) for room in rooms]
    for event in events:
        await feeds.there.publish(event)
    await ear.hears(*events[1:])


async def test_publishing_where_nobody_listens_is_no_error(feeds: Processes) -> None:
    await feeds.here.publish(message(no_room()))


async def test_what_is_published_after_ignore_is_not_heard(feeds: Processes) -> None:
    room, ear, other = no_room(), Ear(), Ear()
    await feeds.here.listen(room, ear)
    await feeds.here.listen(room, other)
    await feeds.here.ignore(room, ear)
    event = message(room)
    await feeds.here.publish(event)
    await other.hears(event)
    assert ear.heard == []


async def test_when_one_stops_to_listen_the_others_go_on(feeds: Processes) -> None:
    room, ears = no_room(), [Ear() for _ in range(3)]
    for ear in ears:
        await feeds.here.listen(room, ear)
    await feeds.here.ignore(room, ears[1])
    await feeds.there.ignore(room, ears[1])
    await feeds.here.ignore(room, Ear())
    event = message(room)
    await feeds.there.publish(event)
    await ears[0].hears(event)
    await ears[2].hears(event)


async def test_ignoring_where_nobody_listens_is_no_error(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.ignore(room, ear)
    await feeds.here.listen(room, ear)
    await feeds.here.ignore(room, ear)
    await feeds.here.ignore(room, ear)


async def test_listening_again_after_the_last_one_left_is_heard(feeds: Processes) -> None:
    room = no_room()
    for _ in range(10):
        ear = Ear()
        await feeds.here.listen(room, ear)
        event = message(room)
        await feeds.there.publish(event)
        await ear.hears(event)
        await feeds.here.ignore(room, ear)


async def test_nobody_goes_deaf_when_the_last_one_leaves_as_they_come(feeds: Processes) -> None:
    room = no_room()
    for _ in range(50):
        leaves, comes = Ear(), Ear()
        await feeds.here.listen(room, leaves)
        await asyncio.gather(feeds.here.ignore(room, leaves), feeds.here.listen(room, comes))
        event = message(room)
        await feeds.there.publish(event)
        await comes.hears(event)
        await feeds.here.ignore(room, comes)


async def test_a_listener_may_leave_while_it_hears(feeds: Processes) -> None:
    room, stays = no_room(), Ear()
    leaving: list[asyncio.Task[None]] = []

    def leave(event: RoomEvent) -> None:
        leaving.append(asyncio.ensure_future(feeds.here.ignore(room, leave)))

    await feeds.here.listen(room, leave)
    await feeds.here.listen(room, stays)
    events: list[RoomEvent] = [message(room), StatusChanged(room)]
    await feeds.here.publish(events[0])
    await until(lambda: bool(leaving))
    await asyncio.gather(*leaving)
    await feeds.here.publish(events[1])
    await stays.hears(*events)
    assert len(leaving) == 1


async def test_many_events_at_once_are_all_heard(feeds: Processes) -> None:
    room, ear = no_room(), Ear()
    await feeds.here.listen(room, ear)
    events = [ReadMoved(room, nobody(), seq) for seq in range(100)]
    await asyncio.gather(*(feeds.there.publish(event) for event in events))
    await ear.hears(*events)
