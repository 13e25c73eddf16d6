"""The hub with slow readers and without its database."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.api.chat import hub
from sidepro.api.chat.close_codes import CloseCode, close_code
from sidepro.api.chat.limits import MAX_BAD_FRAMES
from sidepro.api.chat.outbox import OUTBOX_SIZE
from sidepro.domain import errors
from sidepro.domain.rooms.events import ReadPositionChanged, RoomClosed

if TYPE_CHECKING:
    from collections.abc import Collection

    from sidepro.domain.ids import SessionId
    from sidepro.domain.rooms.room import Message
from tests.clients import eventually
from tests.sockets.hub_chat import Chat, outbox_of

pytestmark = pytest.mark.anyio


class FailingRegistry:
    """A session registry whose first read fails with a defect; then no session is active."""

    reads = 0

    async def is_active(self, session_id: SessionId) -> bool:
        raise NotImplementedError

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("a defect")
        return frozenset()

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        raise NotImplementedError

    async def wait_for_revocation(self) -> None:
        """Returns at once."""
        await asyncio.sleep(0)


async def test_the_session_check_goes_on_after_a_failure(chat: Chat) -> None:
    outbox = outbox_of(chat.one)
    await chat.hub.join(chat.channel, outbox)
    watch = asyncio.create_task(chat.hub.watch_sessions(FailingRegistry()))
    async with asyncio.timeout(5):
        assert await outbox.closed == 4401
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await chat.hub.leave(chat.channel, outbox)


async def test_sockets_are_closed_when_a_backup_was_restored(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "EPOCH_CHECK_INTERVAL", 0.01)
    watch = asyncio.create_task(chat.hub.watch_epoch(chat.epochs))
    async with chat.socket() as client:
        # The socket and the watch have read it.
        await eventually(lambda: chat.epochs.reads >= 2)
        chat.epochs.epoch = "another"
        assert await client.closed() == CloseCode.RESTART
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


async def test_a_full_outbox_closes_its_socket(chat: Chat) -> None:
    slow, quick = outbox_of(chat.one), outbox_of(chat.one)
    for outbox in (slow, quick):
        await chat.hub.join(chat.channel, outbox)
    for seq in range(OUTBOX_SIZE + 5):
        assert slow.closed.done() == (seq > OUTBOX_SIZE)
        await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.other.id, seq))
        assert json.loads((await quick.frames.get()).text)["seq"] == seq
    assert slow.closed.result() == 4408
    assert len(slow.frames) == OUTBOX_SIZE
    assert not quick.closed.done()
    slow.close(CloseCode.NOT_FOUND)
    assert slow.closed.result() == 4408, "the first code is kept"


async def test_a_client_that_does_not_read_is_closed_with_4408(chat: Chat) -> None:
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        client.can_read.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await chat.rooms.typing(chat.other, chat.room.id)
            await asyncio.sleep(0)
        assert await client.closed() == 4408
        assert (await theirs.expect("status"))["online"] == [str(chat.other.id)]


async def test_a_client_that_does_not_read_its_replay_is_closed_with_4408(chat: Chat) -> None:
    await chat.store_unpublished(5)
    async with chat.socket(after=0, started=False) as client:
        await client.expect("hello")
        client.can_read.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await chat.rooms.typing(chat.other, chat.room.id)
        assert await client.closed() == 4408


async def test_a_message_that_cannot_be_stored_gets_an_error_and_may_be_repeated(
    chat: Chat,
) -> None:
    async with chat.socket() as client:
        chat.is_down = True
        for _ in range(MAX_BAD_FRAMES + 2):  # these do not count as invalid frames
            client.send_frame("send", client_id="a", body="stored in the end")
            error = await client.expect("error")
            assert (error["code"], error["client_id"]) == ("unavailable", "a")
        client.send_frame("read", seq=1)
        error = await client.expect("error")
        assert (error["code"], error["client_id"]) == ("unavailable", None)
        chat.is_down = False
        client.send_frame("send", client_id="a", body="stored in the end")
        assert (await client.expect("message"))["message"]["client_id"] == "a"


async def test_a_gap_that_cannot_be_filled_closes_the_socket_with_1013(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat.socket() as client:
        events = await chat.store_unpublished(2)

        async def fail(*_: object, **__: object) -> tuple[Message, ...]:
            raise errors.Unavailable

        monkeypatch.setattr(chat.reader, "messages", fail)
        await chat.pubsub.deliver(events[1])
        with pytest.raises(errors.Unavailable) as failure:
            await client.closed()
        assert client.frames.empty()
    assert close_code(failure.value) == 1013
    assert await chat.presence.online([chat.channel]) == {}


async def test_storing_completes_when_the_socket_closes(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat.socket() as client:
        is_committing, unblocked = asyncio.Event(), asyncio.Event()
        work = type(chat.store.unit_of_work())
        commit = work.commit

        async def slowly(self: Any) -> None:
            is_committing.set()
            await unblocked.wait()
            await commit(self)

        monkeypatch.setattr(work, "commit", slowly)
        client.send_frame("send", client_id="a", body="to the end")
        await is_committing.wait()
        await chat.pubsub.deliver(RoomClosed(chat.channel, chat.one.id))
        for _ in range(10):
            await asyncio.sleep(0)
        unblocked.set()
        assert await client.closed() == 4404
    history = await chat.rooms.history(chat.one, chat.room.id, limit=5)
    assert [message.body for message in history.items] == ["to the end"]
