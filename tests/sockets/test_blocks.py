"""Sockets of two people of whom one blocks the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients import Client

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("is_blocker", [True, False], ids=["blocker", "blocked"])
async def test_open_sockets_are_silent_from_a_block_to_its_end(
    one: Client, other: Client, room_id: str, is_blocker: bool
) -> None:
    blocker, blocked = (one, other) if is_blocker else (other, one)
    block = f"/me/blocks/{blocked.id}"
    async with one.chat(room_id) as mine, other.chat(room_id) as theirs:
        for socket in (mine, theirs):
            await socket.wait_for_status("running", one, other)
        await mine.send_and_wait()
        await theirs.expect("message")
        await blocker.call("PUT", block)
        for socket, person in ((mine, one), (theirs, other)):
            await socket.wait_for_status("pending", person)
        await theirs.send_frame("typing")
        await theirs.send_frame("read", seq=1)
        await theirs.send_frame("send", client_id="refused", body="안녕하세요?")
        error = await theirs.expect("error")
        assert (error["code"], error["client_id"]) == ("room-pending", "refused")
        async with other.chat(room_id) as reconnected:
            await reconnected.wait_for_status("pending", other)

        await blocker.call("DELETE", block)
        for socket in (mine, theirs):
            await socket.wait_for_status("running", one, other)
        await theirs.send_and_wait()
        # The signals during the block were sent before this message, and never arrive.
        assert (await mine.expect("message"))["message"]["seq"] == 2
