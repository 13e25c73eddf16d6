"""Running, stop and pending: what follows from open sockets, and from leaving and asking again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.clients import PATIENCE, until

if TYPE_CHECKING:
    from tests.clients import Person

pytestmark = pytest.mark.anyio


async def until_stopped(person: Person, room_id: str) -> None:
    """Wait until nobody has the room open."""

    async def is_stopped() -> bool:
        return bool((await person.ask("GET", f"/rooms/{room_id}"))["status"] == "stop")

    await until(is_stopped)


async def test_a_room_is_running_while_a_participant_is_connected(
    one: Person, other: Person, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    assert (await one.ask("GET", path))["status"] == "stop"
    async with one.chat(room_id) as socket:
        await socket.until_status("running", one)
        for person in (one, other):
            assert (await person.ask("GET", path))["status"] == "running"
            rooms = (await person.ask("GET", "/rooms?limit=100"))["items"]
            assert [r["status"] for r in rooms if r["id"] == room_id] == ["running"]
        async with other.chat(room_id) as theirs:
            await theirs.until_status("running", one, other)
            await socket.until_status("running", one, other)
        await socket.until_status("running", one)
    await until_stopped(one, room_id)
    message = await other.ask("POST", f"{path}/messages", {"body": "nobody is in"})
    assert message["seq"] == 1


async def test_a_second_socket_of_a_user_does_not_change_the_status(
    one: Person, other: Person, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        await socket.until_status("running", one, other)
        async with other.chat(room_id) as second:
            await second.until_status("running", one, other)
            fence = await socket.said()
            assert (await theirs.expect("message"))["message"] == fence
        # nor does its end, which the server sees before it answers the next call
        await other.ask("GET", f"/rooms/{room_id}")
        fence = await socket.said()
        assert (await theirs.expect("message"))["message"] == fence
    await until_stopped(one, room_id)


async def test_a_broken_connection_changes_the_status_at_once(
    one: Person, other: Person, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        async with other.chat(room_id) as theirs:
            await socket.until_status("running", one, other)
            theirs.break_off()
            # well before a ping of the server's would go unanswered
            async with asyncio.timeout(PATIENCE):
                await socket.until_status("running", one)
        socket.break_off()
    await until_stopped(one, room_id)


async def test_many_concurrent_connections_leave_no_presence_behind(
    one: Person, other: Person, room_id: str
) -> None:
    async def visit(person: Person, number: int) -> None:
        async with person.socket(room_id) as socket:
            if number % 3:
                await socket.begin()
            if number % 2:
                socket.break_off()

    async with one.chat(room_id) as socket:
        for _ in range(3):
            await asyncio.gather(*(visit((one, other)[i % 2], i) for i in range(12)))
        async with asyncio.timeout(PATIENCE):
            while socket.status["online"] != [one.id]:
                # its acknowledgement comes behind all that was told until now
                await socket.say()
                await socket.message()
    await until_stopped(one, room_id)


# ------------------------------------------------------------------------ leaving and asking again


async def test_leaving_closes_the_users_sockets_and_notifies_the_other_participant(
    one: Person, other: Person, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    async with (
        one.chat(room_id) as socket,
        other.chat(room_id) as theirs,
        other.chat(room_id) as also_theirs,
    ):
        await socket.until_status("running", one, other)
        await theirs.until_status("running", one, other)
        await also_theirs.until_status("running", one, other)
        await other.ask("DELETE", path)
        async with asyncio.timeout(PATIENCE):
            assert await theirs.closed() == await also_theirs.closed() == 4404
        await socket.until_status("pending", one, left_by=other)

        client_id = await socket.say("Hello?")
        error = await socket.expect("error")
        assert (error["code"], error["client_id"]) == ("room-pending", client_id)
        refused = await one.send("POST", f"{path}/messages", {"body": "Hello?"})
        assert (refused.status_code, refused.json()["code"]) == (409, "room-pending")

        async with one.socket(room_id, after=0) as second:
            hello = await second.expect("hello")
            assert (hello["room"]["status"], hello["room"]["left_by"]) == ("pending", other.id)
            status = await second.expect("status")
            assert (status["status"], status["left_by"]) == ("pending", other.id)

        assert await other.room_with(one) == room_id
        await socket.until_status("running", one)
        async with other.chat(room_id) as again:
            await socket.until_status("running", one, other)
            assert (await socket.said())["seq"] == 1
            assert (await again.message())["seq"] == 1


async def test_room_pending_does_not_count_as_an_invalid_frame(
    one: Person, other: Person, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        await other.ask("DELETE", f"/rooms/{room_id}")
        await socket.until_status("pending", one, left_by=other)
        for _ in range(12):
            await socket.say()
            assert (await socket.expect("error"))["code"] == "room-pending"


async def test_reopening_does_not_disconnect_the_other_participant(
    one: Person, other: Person, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        await other.ask("DELETE", f"/rooms/{room_id}")
        await socket.until_status("pending", one, left_by=other)
        assert await one.room_with(other) == room_id  # it was not they who had left
        assert (await one.ask("GET", f"/rooms/{room_id}"))["status"] == "pending"
        assert (await other.send("GET", f"/rooms/{room_id}")).status_code == 404
        await socket.say()
        assert (await socket.expect("error"))["code"] == "room-pending"


async def test_a_deleted_room_closes_with_4404(one: Person, other: Person, room_id: str) -> None:
    path = f"/rooms/{room_id}"
    async with one.chat(room_id) as socket, one.chat(room_id) as second:
        await socket.said("for nobody")
        await other.ask("DELETE", path)
        await one.ask("DELETE", path)
        for closing in (socket, second):
            frames, code = await closing.frames_and_close()
            assert code == 4404
            assert {frame["type"] for frame in frames} <= {"status", "message"}

    # a new room, without the history of the old one
    fresh = await one.room_with(other)
    assert fresh != room_id
    async with one.chat(fresh, after=0) as socket:
        assert socket.missed == []
        assert (await socket.said())["seq"] == 1
