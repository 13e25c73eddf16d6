"""The hub: joining, leaving, status and close codes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.api.chat import room_events
from sidepro.api.chat.close_codes import close_code
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.outbox import Outbox
from sidepro.domain import errors
from sidepro.domain.channels import Channel, Event, StatusChanged
from sidepro.domain.rooms.events import ReadPositionChanged
from sidepro.domain.waiting import REQUEST_WAITS, begin_waits, current_waits, end_waits
from tests import factories
from tests.clients import eventually

if TYPE_CHECKING:
    from collections.abc import Set

from tests.sockets.hub_chat import Chat, outbox_of

pytestmark = pytest.mark.anyio


async def test_a_socket_that_joins_while_the_last_one_leaves_gets_events(chat: Chat) -> None:
    leaving, joining = outbox_of(chat.one), outbox_of(chat.other)
    await chat.hub.join(chat.channel, leaving)
    chat.pubsub.unblocked.clear()
    leave = asyncio.create_task(chat.hub.leave(chat.channel, leaving))
    await chat.pubsub.is_waiting.wait()
    join = asyncio.create_task(chat.hub.join(chat.channel, joining))
    for _ in range(10):
        await asyncio.sleep(0)
    chat.pubsub.unblocked.set()
    await asyncio.gather(leave, join)

    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert len(joining.frames) == 1
    assert leaving.frames.empty()
    await chat.hub.leave(chat.channel, joining)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 2))
    assert len(joining.frames) == 1


async def test_sockets_may_join_and_leave_in_any_order(chat: Chat) -> None:
    outboxes = [outbox_of(chat.one) for _ in range(20)]

    async def visit(outbox: Outbox, times: int) -> None:
        for _ in range(times):
            await chat.hub.join(chat.channel, outbox)
            await asyncio.sleep(0)
            await chat.hub.leave(chat.channel, outbox)
        await chat.hub.join(chat.channel, outbox)

    await asyncio.gather(*(visit(outbox, times) for times, outbox in enumerate(outboxes)))
    assert all(outbox.frames.empty() for outbox in outboxes)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert [len(outbox.frames) for outbox in outboxes] == [1] * 20


async def test_a_failed_subscription_is_retried_by_the_next_socket(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise errors.Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(chat.pubsub, "subscribe", fail)
        with pytest.raises(errors.Unavailable):
            await chat.hub.join(chat.channel, outbox_of(chat.one))
    outbox = outbox_of(chat.one)
    await chat.hub.join(chat.channel, outbox)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert len(outbox.frames) == 1


async def test_joining_waits_for_a_subscription_no_longer_than_the_opening_has_left(
    chat: Chat,
) -> None:
    begin_waits()
    waits = current_waits()
    assert waits
    waits.count(2 * REQUEST_WAITS)
    late, outbox = outbox_of(chat.one), outbox_of(chat.one)
    chat.pubsub.unblocked.clear()
    with pytest.raises(errors.Unavailable):
        async with asyncio.timeout(5):
            await chat.hub.join(chat.channel, late)
    end_waits()
    chat.pubsub.unblocked.set()
    await eventually(lambda: not chat.hub.sockets)

    await chat.hub.join(chat.channel, outbox)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert (len(late.frames), len(outbox.frames)) == (0, 1)


class Recorder:
    """A handler of a kind of channel that the program does not have."""

    def __init__(self) -> None:
        self.handled: list[tuple[Event, int]] = []

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        self.handled.append((event, len(outboxes)))


async def test_the_hub_serves_channels_of_any_kind() -> None:
    pubsub, handler = InProcessPubSub(), Recorder()
    hub = Hub(pubsub, {"user": handler})
    user = factories.caller(factories.user())
    channel, other = Channel("user", user.id), Channel("user", factories.new_id())
    outbox = outbox_of(user)
    await hub.join(channel, outbox)
    assert hub.sockets == 1
    await pubsub.publish(StatusChanged(other))
    await pubsub.publish(StatusChanged(channel))
    assert handler.handled == [(StatusChanged(channel), 1)]
    await hub.leave(channel, outbox)
    await pubsub.publish(StatusChanged(channel))
    assert len(handler.handled) == 1


async def test_leaving_without_joining_does_nothing(chat: Chat) -> None:
    await chat.hub.leave(chat.channel, outbox_of(chat.one))


async def test_a_user_who_leaves_the_room_during_the_handshake_gets_no_hello(chat: Chat) -> None:
    chat.pubsub.unblocked.clear()
    async with chat.socket(started=False) as client:
        await chat.pubsub.is_waiting.wait()  # authorized, and not subscribed yet
        await chat.rooms.leave(chat.one, chat.room.id)
        chat.pubsub.unblocked.set()
        with pytest.raises(errors.NotFound):
            await client.closed()
        assert client.frames.empty()
    assert await chat.presence.online([chat.channel]) == {}


async def test_a_failed_status_read_is_retried(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 0.01)
    async with chat.socket() as client:
        chat.reader.failures = 3
        await chat.presence.connect(chat.channel, chat.other.id, "elsewhere")
        await chat.pubsub.deliver(StatusChanged(chat.channel))
        status = await client.expect("status")
        assert status["online"] == sorted([str(chat.one.id), str(chat.other.id)])
        assert chat.reader.failures == 0


async def test_an_unchanged_status_is_not_sent(chat: Chat) -> None:
    async with chat.socket() as client:
        await chat.pubsub.deliver(*[StatusChanged(chat.channel)] * 3)
        for _ in range(10):
            await asyncio.sleep(0)
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


async def test_a_queued_status_is_not_sent_after_a_newer_one(chat: Chat) -> None:
    await chat.store_unpublished(1)
    chat.reader.unblocked.clear()
    async with chat.socket(after=0, started=False) as client:
        await client.expect("hello")
        await chat.reader.is_reading.wait()
        async with chat.socket(chat.other):
            chat.reader.unblocked.set()
            await client.numbers(1)
            both = sorted([str(chat.one.id), str(chat.other.id)])
            assert (await client.expect("status"))["online"] == both
            await chat.rooms.typing(chat.other, chat.room.id)
            await client.expect("typing")


async def test_a_room_deleted_during_a_status_read_sends_nothing(chat: Chat) -> None:
    async with chat.socket() as client:
        async with chat.store.unit_of_work() as work:
            await work.rooms.delete(chat.room.id)
            await work.commit()
        await chat.pubsub.deliver(StatusChanged(chat.channel))
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


def leaves(kind: type[errors.SideProError]) -> list[type[errors.SideProError]]:
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return [kind, *below]


def test_every_domain_error_has_a_close_code() -> None:
    codes = {kind.__name__: close_code(kind()) for kind in leaves(errors.SideProError)}
    assert codes.pop("SideProError") == 1011
    assert codes["NotAuthenticated"] == codes["WrongCredentials"] == 4401
    assert codes["NotFound"] == 4404
    assert codes["InvalidInput"] == codes["WeakPassword"] == 4400
    assert codes["Unavailable"] == 1013
    assert codes["RateLimited"] == 4429
    assert set(codes.values()) <= {1011, 1013, 4400, 4401, 4404, 4429}
    assert close_code(RuntimeError()) == 1011
