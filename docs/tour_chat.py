"""The tour's chapter about the chat, and a client of the chat socket.

A socket sends `hello`, the missed messages and a `status`, then live frames. Messages can also be
sent and read over HTTP.
"""

import json
import secrets
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tour_client import Json, Person, chapter, read, report
from tour_schemas import (
    CHAT_REQUEST,
    FRAMES,
    HISTORY,
    MESSAGE,
    ROOM,
    Mismatch,
    expect,
    expect_equal,
    fields_of,
)

FRAME_TIMEOUT = 10.0  # seconds
DISCONNECT_TIMEOUT = 40.0  # seconds until the server must have noticed a broken connection


class Chat:
    """One person's open socket to a room."""

    def __init__(self, person: Person, connection: ClientConnection, after: int | None) -> None:
        """Read the first frames. With `after`, `missed` has the later messages."""
        self.person, self.connection = person, connection

        hello = self.receive("hello")
        actual = (hello["type"], hello.get("after"), hello.get("recovered"))
        expect_equal("the first frame, its after and recovered", actual, ("hello", after, True))
        self.room: Json = hello["room"]
        missing = hello["last_seq"] - after if after is not None else 0
        self.missed = [self.receive("a missed message").get("message") for _ in range(missing)]

        self.status = self.receive("a status frame")
        expect_equal(
            "the frame after hello and the missed messages", self.status["type"], "status"
        )
        expect_equal("its status", self.status["status"], "running")
        expect(person.id in self.status["online"], "expected the caller to be online")

    def receive(self, expected: str, timeout: float = FRAME_TIMEOUT) -> Json:
        """The next frame of any type."""
        try:
            raw = self.connection.recv(timeout)
        except TimeoutError:
            raise Mismatch(f"expected {expected} within {timeout:.0f} s, got nothing") from None
        except ConnectionClosed as closed:
            raise Mismatch(f"expected {expected}, got a close: {closed}") from None
        try:
            frame = json.loads(raw)
        except ValueError:
            raise Mismatch(f"expected {expected}, got {raw!r}") from None
        kind = frame.get("type") if isinstance(frame, dict) else None
        expect(kind in FRAMES, f"expected {expected}, got {raw!r}")
        FRAMES[str(kind)](f"the {kind} frame", frame)
        return dict(frame)

    def next(self, kind: str, expected: str = "", timeout: float = FRAME_TIMEOUT) -> Json:
        """The next frame of a type. Skips signals. Other messages and errors are a mismatch."""
        expected = expected or f"a {kind} frame"
        while True:
            frame = self.receive(expected, timeout)
            if frame["type"] == "status":
                self.status = frame
            if frame["type"] == kind:
                return frame
            signal = frame["type"] in ("status", "read", "typing")
            expect(signal, f"expected {expected}, got {frame}")

    def next_messages(self, number: int) -> list[Json]:
        return [self.next("message")["message"] for _ in range(number)]

    def wait_for_status(self, status: str, online: set[str], left_by: str | None = None) -> None:
        """Read until the room has this status, which it may have already."""
        expected = f"status {status} with {sorted(online)} online and {left_by} as left_by"
        deadline = time.monotonic() + DISCONNECT_TIMEOUT
        while True:
            last = self.status
            if (last["status"], set(last["online"]), last["left_by"]) == (status, online, left_by):
                return
            left = deadline - time.monotonic()
            expect(left > 0, f"expected {expected}, got {last}")
            self.next("status", f"{expected} after {last}", left)

    def send_frame(self, kind: str, **members: str | int) -> None:
        self.connection.send(json.dumps({"type": kind, **members}))

    def send_message(self, body: str) -> str:
        """Send a message. Returns its client id, which the acknowledgement repeats."""
        client_id = secrets.token_hex(8)
        self.send_frame("send", client_id=client_id, body=body)
        return client_id

    def disconnect_abruptly(self) -> None:
        """Shut the connection down without a close frame, as a phone does in a tunnel."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)

    def wait_for_close(self, code: int) -> None:
        try:
            while True:
                self.connection.recv(FRAME_TIMEOUT)
        except TimeoutError:
            raise Mismatch(f"expected a close with {code}, got none") from None
        except ConnectionClosed as closed:
            expect_equal("the close code", closed.rcvd.code if closed.rcvd else None, code)


@contextmanager
def open_chat(person: Person, room_id: str, after: int | None = None) -> Iterator[Chat]:
    """Open a person's socket. With `after`, the server replays the messages after that number."""
    address = str(person.server.base_url.join(f"/api/v1/rooms/{room_id}/socket"))
    address = address.replace("http", "ws", 1)
    if after is not None:
        address += f"?after={after}"

    headers = {"Authorization": f"Bearer {person.token}"}
    with connect(address, additional_headers=headers) as connection:
        chat = Chat(person, connection, after)
        expect_equal("the room of the hello", chat.room["id"], room_id)
        yield chat


# --- Chapter 4: a coffee chat ------------------------------------------------------------------


def coffee_chat(first: Person, second: Person) -> list[Json]:
    chapter("4. A coffee chat")
    room_id = open_a_room(first, second)["id"]
    with open_chat(first, room_id) as one:
        with open_chat(second, room_id) as two:
            messages = talk(one, two)
            repeat_and_signal(one, two, messages)
            two.disconnect_abruptly()
            missed = write_while_offline(one)

        with open_chat(second, room_id, after=messages[-1]["seq"]) as two:
            messages += missed
            resume(one, two, messages)
            chat_over_http(one, two, messages)
            mark_as_read(one, two, messages)
            leave_the_room(one, two, room_id)
        reopen_the_room(one, second, messages)
    wait_until_empty(first, room_id)
    return messages


def open_a_room(first: Person, second: Person) -> Json:
    first.refused(422, "cannot-chat-with-yourself", "POST", "/rooms", {"user_id": first.id})
    first.refused(409, "consent-required", "POST", "/rooms", {"user_id": second.id})
    room_id = accept_a_request(first, second)

    def ask(caller: Person, other: Person) -> httpx.Response:
        headers = {"Authorization": f"Bearer {caller.token}"}
        return caller.server.post("/api/v1/rooms", json={"user_id": other.id}, headers=headers)

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(ask, (first, second), (second, first)))
    room, same = (read(answer, ROOM) for answer in answers)
    expect_equal("the rooms that both open", {room["id"], same["id"]}, {room_id})
    expect_equal("the other in the first's room", room["participant"]["id"], second.id)
    expect_equal("the other in the second's room", same["participant"]["id"], first.id)

    room = first.get(ROOM, f"/rooms/{room['id']}")
    fresh = {"status": "stop", "left_by": None, "last_message": None, "last_seq": 0}
    expect_equal("the new room", {name: room[name] for name in fresh}, fresh)
    report("Both opened the room and got the same one; its status is stop.")
    return room


def accept_a_request(first: Person, second: Person) -> str:
    """The first asks, and the second declines and thinks better of it. Returns the room's id."""
    body = {"user_id": second.id, "introduction": "지도 프로젝트 이야기를 듣고 싶어요."}
    request = first.ask(CHAT_REQUEST, "POST", "/chat-requests", body, status=201)
    expect_equal("the state of a new request", request["state"], "pending")
    path = f"/chat-requests/{request['id']}"
    first.refused(403, "forbidden", "POST", f"{path}/acceptance")
    second.send(204, "POST", f"{path}/decline")
    again = first.ask(CHAT_REQUEST, "POST", "/chat-requests", body, status=200)
    expect_equal("a declined request, as its asker sees it", again, request)
    received = second.page(CHAT_REQUEST, "/chat-requests").items
    expect_equal(
        "the states of the second's requests", [one["state"] for one in received], ["declined"]
    )
    opened = second.ask(fields_of(room=ROOM), "POST", f"{path}/acceptance", status=200)
    second.refused(409, "request-settled", "POST", f"{path}/decline")
    report("A request was declined quietly, then accepted after all: the room is open.")
    return str(opened["room"]["id"])


def talk(one: Chat, two: Chat) -> list[Json]:
    """Exchange four messages. Returns them with the server's numbers."""
    both = {one.person.id, two.person.id}
    one.wait_for_status("running", both)
    two.wait_for_status("running", both)
    report("Both opened a socket: hello, then status running with both online.")

    sent = {}
    for chat, body in ((one, "안녕하세요!"), (two, "Hello!"), (one, "커피?"), (two, "Gladly. ☕")):
        sent[chat.send_message(body)] = (chat.person.id, body)
    messages = one.next_messages(len(sent))
    expect_equal("what the second saw", two.next_messages(len(sent)), messages)
    expect_equal("the numbers", [message["seq"] for message in messages], [1, 2, 3, 4])
    seen = {message["client_id"]: (message["sender_id"], message["body"]) for message in messages}
    expect_equal("the messages by client id", seen, sent)
    report("They sent four messages; both saw 1, 2, 3, 4 in the same order.")
    return messages


def repeat_and_signal(one: Chat, two: Chat, messages: list[Json]) -> None:
    known = next(m for m in messages if m["sender_id"] == one.person.id)
    one.send_frame("send", client_id=known["client_id"], body="The same once more.")
    expect_equal("the answer to a repeated client id", one.next_messages(1), [known])
    two.send_message("Still there?")
    messages += one.next_messages(1)
    expect_equal("the message after the repeated one", two.next_messages(1), messages[-1:])
    expect_equal("its number", messages[-1]["seq"], 5)
    report("A repeated client id returned the first message and used no number.")

    one.send_frame("typing")
    expect_equal("the person who types", two.next("typing")["user_id"], one.person.id)
    two.send_frame("read", seq=2)
    mark = one.next("read")
    expect_equal("the read mark", (mark["user_id"], mark["seq"]), (two.person.id, 2))
    report("The other person sees typing and read marks.")


def write_while_offline(one: Chat) -> list[Json]:
    for body in ("Are you in a tunnel?", "괜찮아요.", "I will wait."):
        one.send_message(body)
    messages = one.next_messages(3)
    one.wait_for_status("running", {one.person.id})
    report("The second lost the connection; the first wrote 6, 7 and 8 meanwhile.")
    return messages


def resume(one: Chat, two: Chat, messages: list[Json]) -> None:
    expect_equal("the missed messages", two.missed, messages[-3:])
    one.wait_for_status("running", {one.person.id, two.person.id})
    two.send_message("Back again!")
    messages += two.next_messages(1)
    expect_equal("what the first sees live", one.next_messages(1), messages[-1:])
    expect_equal("the numbers", [message["seq"] for message in messages], list(range(1, 10)))
    report("The second reconnected with ?after=5, got 6, 7 and 8, and wrote 9.")


def chat_over_http(one: Chat, two: Chat, messages: list[Json]) -> None:
    first, path = one.person, f"/rooms/{messages[0]['room_id']}/messages"
    body = {"body": "Written without a socket.", "client_id": secrets.token_hex(8)}
    message = first.ask(MESSAGE, "POST", path, body, status=201)
    expected = {**body, "seq": 10, "sender_id": first.id}
    expect_equal("the message", {name: message[name] for name in expected}, expected)
    again = first.ask(MESSAGE, "POST", path, {**body, "body": "Once more."}, status=200)
    expect_equal("the answer to a repeated client id", again, message)
    messages.append(message)

    two.send_message("I saw it.")
    messages += two.next_messages(2)[1:]
    expect_equal("what the first saw", one.next_messages(2), messages[-2:])
    report("Both sockets got a message posted over HTTP; a repeated post is 200 and adds none.")

    for query, expected_items in (
        ({}, messages),
        ({"limit": 2}, messages[-2:]),
        ({"before": 4, "limit": 2}, messages[1:3]),
        ({"after": 2, "limit": 3}, messages[2:5]),
        ({"after": 11}, []),
    ):
        history = first.get(HISTORY, path, **query)
        expect_equal(
            f"the history with {query}", history, {"items": expected_items, "last_seq": 11}
        )
    report("The history can be read in pages, before or after a number.")


def mark_as_read(one: Chat, two: Chat, messages: list[Json]) -> None:
    first, second = one.person, two.person
    path, last = f"/rooms/{messages[0]['room_id']}", messages[-1]["seq"]

    room = only_room(second)
    unread = [m for m in messages if m["sender_id"] == first.id and m["seq"] > 2]
    marks = (room["read_seq"], room["unread_count"])
    expect_equal("read_seq and unread_count before", marks, (2, len(unread)))
    expect_equal("the last message", room["last_message"], messages[-1])

    second.send(204, "PUT", f"{path}/read", {"seq": last + 1000})
    mark = one.next("read")
    expect_equal("the read mark", (mark["user_id"], mark["seq"]), (second.id, last))
    second.send(204, "PUT", f"{path}/read", {"seq": 1})
    room = only_room(second)
    marks = (room["read_seq"], room["unread_count"])
    expect_equal("read_seq and unread_count after", marks, (last, 0))
    room = first.get(ROOM, path)
    expect_equal("participant_read_seq", room["participant_read_seq"], last)
    report(
        f"{len(unread)} unread messages became 0; a read mark never moves back or past the end."
    )


def only_room(person: Person) -> Json:
    rooms = person.page(ROOM, "/rooms").items
    expect_equal(f"the number of {person.username}'s rooms", len(rooms), 1)
    return rooms[0]


def leave_the_room(one: Chat, two: Chat, room_id: str) -> None:
    first, second, path = one.person, two.person, f"/rooms/{room_id}"
    second.send(204, "DELETE", path)
    two.wait_for_close(4404)
    one.wait_for_status("pending", {first.id}, left_by=second.id)
    room = first.get(ROOM, path)
    state = (room["status"], room["left_by"])
    expect_equal("the status and left_by of the room", state, ("pending", second.id))
    first.refused(409, "room-pending", "POST", f"{path}/messages", {"body": "Hello?"})
    client_id = one.send_message("Hello?")
    error = one.next("error")
    state = (error["code"], error["client_id"])
    expect_equal("the error on the socket", state, ("room-pending", client_id))

    second.refused(404, "not-found", "GET", path)
    second.refused(404, "not-found", "POST", f"{path}/messages", {"body": "Hello?"})
    expect_equal("the second's rooms", second.page(ROOM, "/rooms").items, [])
    report("The second left: the room is pending and read-only for the first, 404 for the second.")


def reopen_the_room(one: Chat, second: Person, messages: list[Json]) -> None:
    first, room_id = one.person, one.room["id"]
    room = second.ask(ROOM, "POST", "/rooms", {"user_id": first.id}, status=200)
    expect_equal("the id of the reopened room", room["id"], room_id)
    state = (room["status"], room["left_by"])
    expect_equal("its status and left_by", state, ("running", None))
    one.wait_for_status("running", {first.id})
    history = second.get(HISTORY, f"/rooms/{room_id}/messages")
    expect_equal("its history", history["items"], messages)
    report("The second reopened the room and found its history.")


def wait_until_empty(person: Person, room_id: str) -> None:
    deadline = time.monotonic() + DISCONNECT_TIMEOUT
    while (room := person.get(ROOM, f"/rooms/{room_id}"))["status"] != "stop":
        expect(time.monotonic() < deadline, f"expected stop, got {room['status']}")
        time.sleep(0.2)
    report("When both were offline, its status was stop again.")
