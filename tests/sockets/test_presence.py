"""The room statuses: running, stop and pending."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, eventually

if TYPE_CHECKING:
    from tests.clients import Client

pytestmark = pytest.mark.anyio


async def until_stopped(person: Client, room_id: str) -> None:
    """Wait for the status `stop`."""

    async def is_stopped() -> bool:
        return bool((await person.call("GET", f"/rooms/{room_id}"))["status"] == "stop")

    await eventually(is_stopped)


async def test_a_room_is_running_while_a_participant_is_connected(
    one: Client, other: Client, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    assert (await one.call("GET", path))["status"] == "stop"
    async with one.chat(room_id) as socket:
        await socket.wait_for_status("running", one)
        for person in (one, other):
            assert (await person.call("GET", path))["status"] == "running"
            rooms = (await person.call("GET", "/rooms?limit=100"))["items"]
            assert [r["status"] for r in rooms if r["id"] == room_id] == ["running"]
        async with other.chat(room_id) as theirs:
            await theirs.wait_for_status("running", one, other)
            await socket.wait_for_status("running", one, other)
        await socket.wait_for_status("running", one)
    await until_stopped(one, room_id)
    message = await other.call("POST", f"{path}/messages", {"body": "nobody is in"})
    assert message["seq"] == 1


async def test_a_second_socket_of_a_user_does_not_change_the_status(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        await socket.wait_for_status("running", one, other)
        async with other.chat(room_id) as second:
            await second.wait_for_status("running", one, other)
            fence = await socket.send_and_wait()
            assert (await theirs.expect("message"))["message"] == fence
        # nor does its end; the server handles it before the next call
        await other.call("GET", f"/rooms/{room_id}")
        fence = await socket.send_and_wait()
        assert (await theirs.expect("message"))["message"] == fence
    await until_stopped(one, room_id)


async def test_a_broken_connection_changes_the_status_at_once(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        async with other.chat(room_id) as theirs:
            await socket.wait_for_status("running", one, other)
            theirs.abort()
            # well before the ping timeout
            async with asyncio.timeout(TIMEOUT):
                await socket.wait_for_status("running", one)
        socket.abort()
    await until_stopped(one, room_id)


async def test_many_concurrent_connections_leave_no_presence_behind(
    one: Client, other: Client, room_id: str
) -> None:
    async def visit(person: Client, number: int) -> None:
        async with person.socket(room_id) as socket:
            if number % 3:
                await socket.start()
            if number % 2:
                socket.abort()

    async with one.chat(room_id) as socket:
        for _ in range(3):
            await asyncio.gather(*(visit((one, other)[i % 2], i) for i in range(12)))
        async with asyncio.timeout(TIMEOUT):
            while socket.status["online"] != [one.id]:
                # its acknowledgement follows all earlier frames
                await socket.send_message()
                await socket.message()
    await until_stopped(one, room_id)


# ------------------------------------------------------------------------ leaving and asking again


async def test_leaving_closes_the_users_sockets_and_notifies_the_other_participant(
    one: Client, other: Client, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    async with (
        one.chat(room_id) as socket,
        other.chat(room_id) as theirs,
        other.chat(room_id) as also_theirs,
    ):
        await socket.wait_for_status("running", one, other)
        await theirs.wait_for_status("running", one, other)
        await also_theirs.wait_for_status("running", one, other)
        await other.call("DELETE", path)
        async with asyncio.timeout(TIMEOUT):
            assert await theirs.close_code() == await also_theirs.close_code() == 4404
        await socket.wait_for_status("pending", one, left_by=other)

        client_id = await socket.send_message("Hello?")
        error = await socket.expect("error")
        assert (error["code"], error["client_id"]) == ("room-pending", client_id)
        refused = await one.request("POST", f"{path}/messages", {"body": "Hello?"})
        assert (refused.status_code, refused.json()["code"]) == (409, "room-pending")

        async with one.socket(room_id, after=0) as second:
            hello = await second.expect("hello")
            assert (hello["room"]["status"], hello["room"]["left_by"]) == ("pending", other.id)
            status = await second.expect("status")
            assert (status["status"], status["left_by"]) == ("pending", other.id)

        assert await other.open_room_with(one) == room_id
        await socket.wait_for_status("running", one)
        async with other.chat(room_id) as again:
            await socket.wait_for_status("running", one, other)
            assert (await socket.send_and_wait())["seq"] == 1
            assert (await again.message())["seq"] == 1


async def test_room_pending_does_not_count_as_an_invalid_frame(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        await other.call("DELETE", f"/rooms/{room_id}")
        await socket.wait_for_status("pending", one, left_by=other)
        for _ in range(12):
            await socket.send_message()
            assert (await socket.expect("error"))["code"] == "room-pending"


async def test_reopening_does_not_disconnect_the_other_participant(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        await other.call("DELETE", f"/rooms/{room_id}")
        await socket.wait_for_status("pending", one, left_by=other)
        assert await one.open_room_with(other) == room_id  # they had not left
        assert (await one.call("GET", f"/rooms/{room_id}"))["status"] == "pending"
        assert (await other.request("GET", f"/rooms/{room_id}")).status_code == 404
        await socket.send_message()
        assert (await socket.expect("error"))["code"] == "room-pending"


async def test_a_deleted_room_closes_with_4404(one: Client, other: Client, room_id: str) -> None:
    path = f"/rooms/{room_id}"
    async with one.chat(room_id) as socket, one.chat(room_id) as second:
        await socket.send_and_wait("for nobody")
        await other.call("DELETE", path)
        await one.call("DELETE", path)
        for closing in (socket, second):
            frames, code = await closing.frames_and_close()
            assert code == 4404
            assert {frame["type"] for frame in frames} <= {"status", "message"}

    # a new room without history
    fresh = await one.open_room_with(other)
    assert fresh != room_id
    async with one.chat(fresh, after=0) as socket:
        assert socket.missed == []
        assert (await socket.send_and_wait())["seq"] == 1
