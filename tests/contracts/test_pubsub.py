"""`PubSub`: events reach the subscribers of a channel in all processes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.channels import Channel, Event, StatusChanged
from sidepro.domain.rooms.events import ReadPositionChanged
from tests.clients import eventually
from tests.contracts.builders import nobody
from tests.contracts.pubsub_data import (
    Processes,
    Recorder,
    message,
    new_channel,
    one_of_each,
    two_processes,
)
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    if request.param == "memory":
        pubsub = InProcessPubSub()
        yield Processes(pubsub, pubsub)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with two_processes(server) as both:
        yield both


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
    await eventually(lambda: bool(leaving))
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
