"""Messages, read positions and typing: delivery, order and errors."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients import Client, Json, Socket

pytestmark = pytest.mark.anyio

LARGEST_FRAME = 128 * 1024


# ------------------------------------------------------------------------------------- messages


async def test_every_socket_gets_messages_in_order_without_gaps_or_repeats(
    one: Client, other: Client, room_id: str
) -> None:
    each = 50
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(person.chat(room_id))
            for person in (one, other, one, other)
        ]

        async def talk(socket: Socket) -> list[str]:
            return [await socket.send_message(f"number {number}") for number in range(each)]

        all_sent, all_seen = await asyncio.gather(
            asyncio.gather(*(talk(socket) for socket in sockets)),
            asyncio.gather(*(socket.messages(each * len(sockets)) for socket in sockets)),
        )
        seen = all_seen[0]
        assert [message["seq"] for message in seen] == list(range(1, each * len(sockets) + 1))
        assert all(other_seen == seen for other_seen in all_seen)
        for socket, sent in zip(sockets, all_sent, strict=True):
            own = [message for message in seen if message["client_id"] in set(sent)]
            assert [message["client_id"] for message in own] == sent
            assert {message["sender_id"] for message in own} == {socket.client.id}

        history = await one.call("GET", f"/rooms/{room_id}/messages?limit=100")
        assert history["items"] == seen[-100:]
        assert history["last_seq"] == len(seen)
        last = await sockets[0].send_and_wait("the last one")
        assert [await socket.message() for socket in sockets[1:]] == [last] * 3


async def test_a_message_is_the_same_over_sockets_and_http(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        body = " 커피?\n☕ \t"
        await socket.send_frame("send", client_id="첫-번째 ☕", body=body)
        message = await socket.message()
        assert message == {
            "room_id": room_id,
            "seq": 1,
            "sender_id": one.id,
            "body": body,
            "client_id": "첫-번째 ☕",
            "sent_at": message["sent_at"],
            "hidden": False,
        }
        assert message["sent_at"].endswith("Z")
        assert await theirs.message() == message
        history = await other.call("GET", f"/rooms/{room_id}/messages")
        assert history["items"] == [message]


async def test_a_message_sent_before_the_hello_is_acknowledged(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.socket(room_id) as socket:
        first = await socket.send_message("no patience")
        second = await socket.send_message("none at all")
        hello = await socket.expect("hello")
        assert hello["last_seq"] == 0
        await socket.expect("status")
        seen = [(await socket.expect("message"))["message"] for _ in range(2)]
        assert [message["client_id"] for message in seen] == [first, second]

    async with other.socket(room_id, after=0) as socket:
        third = await socket.send_message("three")
        await socket.start()
        assert [message["client_id"] for message in socket.missed] == [first, second]
        assert (await socket.message())["client_id"] == third


async def test_a_duplicate_is_answered_on_the_repeating_socket_only(
    one: Client, other: Client, room_id: str
) -> None:
    async with (
        one.chat(room_id) as socket,
        other.chat(room_id) as theirs,
        one.chat(room_id) as second,
    ):
        await socket.send_frame("send", client_id="a", body="첫 번째")
        first = await socket.message()
        for body in ("another body", "", "x" * 4001):
            await second.send_frame("send", client_id="a", body=body)
        assert await second.messages(4) == [first] * 4

        # the same client id of another sender is another message
        await theirs.send_frame("send", client_id="a", body="mine")
        mine = {**first, "seq": 2, "sender_id": other.id, "body": "mine"}
        for listening in (socket, second):
            message = await listening.message()
            assert message == {**mine, "sent_at": message["sent_at"]}
        assert [m["seq"] for m in await theirs.messages(2)] == [1, 2]

    async with one.chat(room_id, after=2) as socket:
        await socket.send_frame("send", client_id="a", body="after a reconnection")
        assert await socket.message() == first
        assert (await socket.send_and_wait())["seq"] == 3


async def test_messages_over_http_are_delivered_live_and_duplicates_are_not(
    one: Client, other: Client, room_id: str
) -> None:
    path = f"/rooms/{room_id}/messages"
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        body = {"body": "Without a socket.", "client_id": "h"}
        response = await one.request("POST", path, body)
        assert response.status_code == 201
        message = response.json()
        assert [await socket.message(), await theirs.message()] == [message] * 2

        again = await one.request("POST", path, {**body, "body": "Once more."})
        assert (again.status_code, again.json()) == (200, message)
        fence = await socket.send_and_wait()
        assert fence["seq"] == 2
        assert (await theirs.expect("message"))["message"] == fence

        # sent over HTTP and repeated over the socket, and vice versa
        await socket.send_frame("send", client_id="h", body="")
        assert await socket.message() == message
        over_http = await one.request("POST", path, {"body": "x", "client_id": fence["client_id"]})
        assert (over_http.status_code, over_http.json()) == (200, fence)

        nameless = [await one.call("POST", path, {"body": "same"}) for _ in range(2)]
        assert [message["seq"] for message in nameless] == [3, 4]
        assert await socket.messages(2) == await theirs.messages(2) == nameless


async def test_concurrent_sends_with_one_client_id_store_one_message(
    one: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, one.chat(room_id) as second:
        body = {"body": "at once", "client_id": "same"}
        answers = await asyncio.gather(
            socket.send_frame("send", **body),
            second.send_frame("send", **body),
            *(one.request("POST", f"/rooms/{room_id}/messages", body) for _ in range(8)),
        )
        codes = sorted(answer.status_code for answer in answers if answer is not None)
        assert codes.count(201) <= 1
        assert set(codes) <= {200, 201}
        await socket.send_frame("send", client_id="fence", body="fence")
        seen: list[Json] = []
        while not seen or seen[-1]["client_id"] != "fence":
            seen.append(await socket.message())
        assert {message["seq"] for message in seen[:-1]} == {1}
        assert seen[-1]["seq"] == 2


async def test_the_length_of_a_message_counts_composed_code_points(
    one: Client, room_id: str
) -> None:
    longest = "한" * 4000
    async with one.chat(room_id) as socket:
        assert (await socket.send_and_wait(longest))["body"] == longest
        # half of it decomposed: more would exceed the frame limit
        apart = "한" * 2000 + unicodedata.normalize("NFD", "한" * 2000)
        assert (await socket.send_and_wait(apart))["body"] == longest
        await socket.send_message("한" * 4001)
        assert (await socket.expect("error"))["code"] == "invalid"


# ------------------------------------------------------------------------------------ bad frames

BAD: list[str | bytes] = [
    "",
    "not JSON",
    '"text"',
    "[]",
    "null",
    "{}",
    '{"type": "shout"}',
    '{"type": 1}',
    '{"type": "hello"}',
    '{"type": "typing", "to": "all"}',
    '{"type": "read"}',
    '{"type": "read", "seq": -1}',
    '{"type": "read", "seq": 1.5}',
    '{"type": "read", "seq": "1"}',
    '{"type": "read", "seq": null}',
    '{"type": "send", "body": "no client id"}',
    '{"type": "send", "client_id": "a"}',
    '{"type": "send", "client_id": null, "body": "a"}',
    '{"type": "send", "client_id": 1, "body": "a"}',
    '{"type": "send", "client_id": "a", "body": 1}',
    '{"type": "send", "client_id": "a", "body": "a", "sender_id": "me"}',
    '{"type": "send", "client_id": "a", "body": "a"} trailing',
    "[" * 20_000,
    '{"type": "typing"' + ', "a": 1' * 5_000 + "}",
    b'{"type": "typing"}',
    b"\xff\xfe",
]


async def test_an_invalid_frame_gets_an_error_and_the_socket_stays_open(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        for number, bad in enumerate(BAD, 1):
            await socket.connection.send(bad)
            error = await socket.next("error")
            named = '"client_id": "a"' in str(bad) and not str(bad).endswith("trailing")
            client_id = "a" if named else None
            expected = {"type": "error", "code": "invalid", "client_id": client_id}
            assert error == {**expected, "detail": error["detail"]}, bad[:80]
            assert error["detail"]
            assert (await socket.send_and_wait())["seq"] == number, bad[:80]
        assert len(await theirs.messages(len(BAD))) == len(BAD)


@pytest.mark.parametrize(
    "frame",
    [
        {"client_id": "a", "body": ""},
        {"client_id": "a", "body": " \n\t\u3000"},
        {"client_id": "a", "body": "x" * 4001},
        {"client_id": "a", "body": "NUL \0"},
        {"client_id": "", "body": "nameless"},
        {"client_id": " ", "body": "blank name"},
        {"client_id": "x" * 65, "body": "long name"},
        {"client_id": "two\nlines", "body": "name"},
    ],
    ids=lambda frame: json.dumps(frame)[:30],
)
async def test_the_error_of_an_invalid_message_has_its_client_id(
    one: Client, room_id: str, frame: Json
) -> None:
    async with one.chat(room_id) as socket:
        await socket.send_frame("send", **frame)
        error = await socket.expect("error")
        assert (error["code"], error["client_id"]) == ("invalid", frame["client_id"])
        assert set(error) == {"type", "code", "detail", "client_id"}
        assert (await socket.send_and_wait())["seq"] == 1


async def test_a_lone_surrogate_is_refused(one: Client, room_id: str) -> None:
    async with one.chat(room_id) as socket:
        for member in (
            '"body": "\\ud800", "client_id": "a"',
            '"body": "a", "client_id": "\\ud800"',
        ):
            await socket.connection.send(f'{{"type": "send", {member}}}')
            assert (await socket.expect("error"))["code"] == "invalid"
        assert (await socket.send_and_wait())["seq"] == 1


async def test_ten_invalid_frames_in_a_row_close_the_socket(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        for _ in range(10):
            await socket.connection.send("bad")
        frames, code = await socket.frames_and_close()
        assert code == 4400
        assert [frame for frame in frames if frame["type"] not in ("error", "status")] == []
        await theirs.wait_for_status("running", other)


async def test_a_valid_frame_resets_the_count_of_invalid_ones(one: Client, room_id: str) -> None:
    async with one.chat(room_id) as socket:
        for _ in range(3):
            for _ in range(9):
                await socket.connection.send("bad")
                await socket.expect("error")
            await socket.send_and_wait()


async def test_a_frame_above_128_kib_closes_the_socket(one: Client, room_id: str) -> None:
    def padded(size: int) -> str:
        start, end = '{"type": "send", "client_id": "a",', '"body": "a"}'
        return start + " " * (size - len(start) - len(end)) + end

    async with one.chat(room_id) as socket:
        await socket.connection.send(padded(LARGEST_FRAME))
        assert (await socket.message())["seq"] == 1
        await socket.connection.send(padded(LARGEST_FRAME + 1))
        assert await socket.close_code() == 1009


async def test_the_longest_body_fits_into_a_frame_in_its_longest_form(
    one: Client, room_id: str
) -> None:
    # Four code points each, which NFC composes to one; the escape of each has six bytes.
    body = unicodedata.normalize("NFD", "\u1f82" * 4_000)
    frame = json.dumps({"type": "send", "client_id": "x" * 64, "body": body}, ensure_ascii=True)

    async with one.chat(room_id) as socket:
        await socket.connection.send(frame)
        assert len((await socket.message())["body"]) == 4_000


# ------------------------------------------------------------------------------ typing and reading


async def test_typing_is_sent_to_the_other_participant_only(
    one: Client, other: Client, room_id: str
) -> None:
    async with (
        one.chat(room_id) as socket,
        one.chat(room_id) as second,
        other.chat(room_id) as theirs,
        other.chat(room_id) as also_theirs,
    ):
        await socket.wait_for_status("running", one, other)
        await second.wait_for_status("running", one, other)
        await socket.send_frame("typing")
        for listening in (theirs, also_theirs):
            assert await listening.expect("typing") == {"type": "typing", "user_id": one.id}
        fence = await socket.send_and_wait()
        for listening in (second, theirs, also_theirs):
            assert (await listening.expect("message"))["message"] == fence


async def test_a_read_position_is_sent_once_for_each_change(
    one: Client, other: Client, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        await socket.wait_for_status("running", one, other)

        async def nothing_is_told() -> None:
            """Frames are handled in order: a message acknowledges the frames before it."""
            fence = await theirs.send_and_wait()
            assert (await socket.expect("message"))["message"] == fence

        async def is_told(seq: int) -> None:
            mark = {"type": "read", "user_id": other.id, "seq": seq}
            assert await socket.expect("read") == await theirs.expect("read") == mark

        await theirs.send_frame("read", seq=5)  # of an empty room
        await nothing_is_told()
        for number in range(4):
            await socket.send_and_wait(f"number {number}")
        await theirs.messages(4)

        await theirs.send_frame("read", seq=2)
        await is_told(2)
        for seq in (2, 1, 0):
            await theirs.send_frame("read", seq=seq)
        await theirs.send_frame("read", seq=3)
        await is_told(3)
        await theirs.send_frame("read", seq=10**12)
        await is_told(5)
        await theirs.send_frame("read", seq=99)
        await other.call("PUT", f"{path}/read", {"seq": 1})
        await other.call("PUT", f"{path}/read", {"seq": 5})
        await nothing_is_told()
        await other.call("PUT", f"{path}/read", {"seq": 99})
        await is_told(6)

        await socket.send_and_wait("unread")
        mine, seen = await one.call("GET", path), await other.call("GET", path)
        assert (mine["read_seq"], mine["participant_read_seq"]) == (0, 6)
        assert (seen["read_seq"], seen["unread_count"]) == (6, 1)
