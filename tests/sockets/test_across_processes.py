"""A room whose participants are connected to different processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, Client, eventually
from tests.cluster import http_clients, on_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.clients import Socket
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@pytest.fixture
async def visits(processes: list[SideProServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with http_clients(processes) as clients:
        yield clients


@pytest.fixture
async def one(visits: list[httpx.AsyncClient]) -> Client:
    """A client of the first process."""
    return await Client.sign_up(visits[0])


@pytest.fixture
async def other(visits: list[httpx.AsyncClient]) -> Client:
    """A client of the second process."""
    return await Client.sign_up(visits[1])


@pytest.fixture
async def room_id(one: Client, other: Client) -> str:
    return await one.open_room_with(other)


async def frame_of(socket: Socket, kind: str) -> dict[str, object]:
    """The next frame of this type; status frames before it are skipped."""
    return dict(await socket.next(kind))


async def test_a_message_on_one_process_moves_the_badges_of_every_other(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.stream() as stream, on_server(one, other.http).stream() as elsewhere:
        for socket in (stream, elsewhere):
            assert (await socket.expect("hello"))["unread_messages"] == 0
        await other.call("POST", f"/rooms/{room_id}/messages", {"body": "커피?"})
        for socket in (stream, elsewhere):
            async with asyncio.timeout(3):
                await socket.until("badge", unread_rooms=1, unread_messages=1)
        await one.call("PUT", f"/rooms/{room_id}/read", {"seq": 1})
        for socket in (stream, elsewhere):
            async with asyncio.timeout(3):
                await socket.until("badge", unread_rooms=0, unread_messages=0)


async def test_events_reach_sockets_on_the_other_process(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        await socket.wait_for_status("running", one, other)
        await theirs.wait_for_status("running", one, other)
        for number in range(1, 6):
            writes, reads = (socket, theirs) if number % 2 else (theirs, socket)
            client_id = await writes.send_message(f"{number} ☕")
            assert (await writes.message())["client_id"] == client_id
            message = await reads.message()
            assert (message["seq"], message["body"]) == (number, f"{number} ☕")
        posted = {"body": "over HTTP", "client_id": "posted"}
        message = await other.call("POST", f"/rooms/{room_id}/messages", posted)
        assert await socket.message() == await theirs.message() == message

        await theirs.send_frame("read", seq=6)
        assert await frame_of(socket, "read") == {"type": "read", "user_id": other.id, "seq": 6}
        await frame_of(theirs, "read")
        await theirs.send_frame("typing")
        assert await frame_of(socket, "typing") == {"type": "typing", "user_id": other.id}

        # A repeat on the other process is answered to its sender only.
        async with on_server(other, one.http).chat(room_id) as elsewhere:
            await elsewhere.send_frame("send", client_id="posted", body="repeated")
            assert await elsewhere.message() == message
        assert (await one.call("GET", f"/rooms/{room_id}"))["last_seq"] == 6


async def test_a_room_is_running_while_it_is_open_on_any_process(
    one: Client, other: Client, room_id: str
) -> None:
    async def status_is(person: Client, status: str) -> bool:
        [listed] = (await person.call("GET", "/rooms"))["items"]
        shown = await person.call("GET", f"/rooms/{room_id}")
        return bool(listed["status"] == shown["status"] == status)

    async with one.chat(room_id) as socket:
        assert await status_is(other, "running")
        async with other.chat(room_id), on_server(other, one.http).chat(room_id):
            await socket.wait_for_status("running", one, other)
        await socket.wait_for_status("running", one)
        async with other.chat(room_id) as theirs:
            await socket.wait_for_status("running", one, other)
            theirs.abort()
            await socket.wait_for_status("running", one)
    await eventually(lambda: status_is(other, "stop"))


async def test_a_socket_on_another_process_replays_missed_messages(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        for _ in range(3):
            await socket.send_and_wait()
        async with on_server(one, other.http).chat(room_id, after=1) as elsewhere:
            assert [message["seq"] for message in elsewhere.missed] == [2, 3]
            message = await socket.send_and_wait()
            assert await elsewhere.message() == message


async def test_leaving_closes_the_users_sockets_on_every_process(
    one: Client, other: Client, room_id: str
) -> None:
    async with on_server(other, one.http).chat(room_id) as theirs, one.chat(room_id) as socket:
        await other.call("DELETE", f"/rooms/{room_id}")
        assert (await theirs.frames_and_close())[1] == 4404
        await socket.wait_for_status("pending", one, left_by=other)
        await on_server(one, other.http).call("DELETE", f"/rooms/{room_id}")
        assert (await socket.frames_and_close())[1] == 4404


async def test_a_block_on_one_process_silences_the_sockets_of_every_other(
    one: Client, other: Client, room_id: str
) -> None:
    block = f"/me/blocks/{other.id}"
    elsewhere = on_server(one, other.http)
    async with (
        one.chat(room_id) as socket,
        elsewhere.chat(room_id) as second,
        other.chat(room_id) as theirs,
    ):
        for each in (socket, second, theirs):
            await each.wait_for_status("running", one, other)
        await socket.send_and_wait()
        for each in (second, theirs):
            await each.expect("message")

        await one.call("PUT", block)
        for each, person in ((socket, one), (second, one), (theirs, other)):
            await each.wait_for_status("pending", person)
        await other.call("PUT", f"/rooms/{room_id}/read", {"seq": 1})
        await theirs.send_frame("typing")
        refused = await theirs.send_message()
        error = await theirs.expect("error")
        assert (error["code"], error["client_id"]) == ("room-pending", refused)

        await elsewhere.call("DELETE", block)
        for each in (socket, second, theirs):
            await each.wait_for_status("running", one, other)
        # The signals during the block were sent before this message, and never arrive.
        message = await theirs.send_and_wait()
        for each in (socket, second):
            assert (await each.expect("message"))["message"] == message


async def test_a_block_on_one_process_reaches_the_streams_of_every_other(
    one: Client, other: Client, room_id: str
) -> None:
    elsewhere = on_server(one, other.http)
    async with elsewhere.stream() as mine, other.stream() as theirs:
        for method, writable in (("PUT", False), ("DELETE", True)):
            await one.call(method, f"/me/blocks/{other.id}")
            for stream in (mine, theirs):
                room = (await stream.until("room", room_id=room_id))["room"]
                assert room["writable"] is writable


async def test_a_request_on_one_process_and_its_answer_reach_the_streams_of_every_other(
    one: Client, other: Client
) -> None:
    await one.call("PATCH", "/me", {"chat_policy": "request"})
    body = {"user_id": one.id, "introduction": "안녕하세요"}
    async with on_server(one, other.http).stream() as asked, other.stream() as asking:
        for stream in (asked, asking):
            await stream.expect("hello")
        request = await other.call("POST", "/chat-requests", body)
        await asked.until("badge", pending_requests=1, unread_notifications=1)
        await one.call("POST", f"/chat-requests/{request['id']}/acceptance")
        await asked.until("badge", pending_requests=0, unread_notifications=0)
        await asking.until("badge", unread_notifications=1)
    async with on_server(other, one.http).stream() as elsewhere:
        assert (await elsewhere.expect("hello"))["unread_notifications"] == 1
        await one.call("PUT", f"/me/blocks/{other.id}")
        await elsewhere.until("badge", unread_notifications=0)


async def test_a_log_out_closes_the_sessions_sockets_on_every_process(
    one: Client, other: Client, room_id: str
) -> None:
    async with on_server(one, other.http).chat(room_id) as socket, other.chat(room_id) as theirs:
        await one.call("DELETE", "/sessions/current")
        async with asyncio.timeout(TIMEOUT):
            assert (await socket.frames_and_close())[1] == 4401
        await theirs.wait_for_status("running", other)


async def test_a_log_out_of_the_pages_closes_their_sockets_on_every_process(
    one: Client, other: Client, room_id: str
) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    account = {"email": one.email, "password": one.password}
    logged_in = await one.http.post("/log-in", data=account, headers=own)
    one.http.cookies.clear()
    headers = {**own, "Cookie": logged_in.headers["Set-Cookie"].partition(";")[0]}
    tickets = f"/chats/{room_id}/socket-tickets"
    issued = (await one.http.post(tickets, headers=headers)).json()
    async with on_server(one, other.http).socket(room_id, ticket=issued["ticket"]) as socket:
        await socket.expect("hello")
        await one.http.post("/log-out", headers=headers)
        async with asyncio.timeout(TIMEOUT):
            assert (await socket.frames_and_close())[1] == 4401
    refused = await other.http.post(tickets, headers=headers)
    assert refused.headers["Location"].startswith("/log-in")


async def test_a_withdrawal_closes_sockets_on_every_process(
    one: Client, other: Client, room_id: str
) -> None:
    async with on_server(one, other.http).chat(room_id) as socket, other.chat(room_id) as theirs:
        await one.call("DELETE", "/me", {"password": one.password})
        assert (await socket.frames_and_close())[1] in (4401, 4404)
        while theirs.status["status"] != "pending":
            theirs.status = await theirs.expect("status")
        assert theirs.status["online"] == [other.id]


async def test_concurrent_senders_on_two_processes_see_one_order(
    one: Client, other: Client, room_id: str
) -> None:
    each = 40
    people = [one, other, on_server(one, other.http), on_server(other, one.http)]

    async def write(person: Client, number: int) -> None:
        for count in range(each):
            body = {"body": f"{number}-{count}", "client_id": f"{number}-{count}"}
            await person.call("POST", f"/rooms/{room_id}/messages", body)

    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        await asyncio.gather(*(write(person, number) for number, person in enumerate(people)))
        seen = await socket.messages(4 * each)
        assert [message["seq"] for message in seen] == list(range(1, 4 * each + 1))
        assert await theirs.messages(4 * each) == seen


# --------------------------------------------------------------------------- one request, two ways


async def test_one_client_id_sent_to_two_processes_is_one_message(
    one: Client, other: Client, room_id: str
) -> None:
    elsewhere = on_server(one, other.http)
    path = f"/rooms/{room_id}/messages"
    async with (
        one.chat(room_id) as socket,
        elsewhere.chat(room_id) as second,
        other.chat(room_id) as theirs,
    ):
        for number in range(1, 11):
            body = {"body": f"number {number}", "client_id": f"once-{number}"}
            *answers, _, _ = await asyncio.gather(
                one.call("POST", path, body),
                elsewhere.call("POST", path, body),
                socket.send_frame("send", **body),
                second.send_frame("send", **body),
            )
            assert answers[0] == answers[1]
            assert answers[0]["seq"] == number
            assert await theirs.message() == answers[0]
    assert (await one.call("GET", f"/rooms/{room_id}"))["last_seq"] == 10


async def test_one_idempotency_key_sent_to_two_processes_takes_effect_once(
    visits: list[httpx.AsyncClient], one: Client
) -> None:
    there = on_server(one, visits[1])
    for number in range(10):
        key = {**one.headers, "Idempotency-Key": f"key-{number}"}
        body = {
            "title": f"title {number}",
            "summary": "summary",
            "content": "content",
            "skills": ["Python"],
        }
        answers = await asyncio.gather(
            *(who.http.post("/api/v1/projects", json=body, headers=key) for who in (one, there))
        )
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 1
    made = await one.call("GET", f"/users/{one.id}/projects?total=true")
    assert made["total"] == 10
