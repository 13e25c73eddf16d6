"""Two users connect, drop, send, read, leave and reopen in any order, on one or two processes.

A model predicts the result: every socket gets 1, 2, 3 … once each.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.clients import Client, eventually, http_client
from tests.cluster import on_server
from tests.hypothesis_profiles import examples
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from tests.clients import Json, Socket

Result = TypeVar("Result")

SIDES, PROCESSES, ANY = st.integers(0, 1), st.integers(0, 1), st.integers(0, 99)


@dataclass
class World:
    """The two users as clients of each process, and their event loop."""

    runner: asyncio.Runner
    people: list[list[Client]]
    names: Iterator[int] = field(default_factory=itertools.count)

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        return self.runner.run(work)


@contextmanager
def a_world(servers: list[SideProServer]) -> Iterator[World]:
    stack = AsyncExitStack()

    async def begin() -> list[list[Client]]:
        visits = [await stack.enter_async_context(http_client(one.url)) for one in servers]
        people = [await Client.sign_up(visits[0]) for _ in range(2)]
        return [
            [on_server(person, visits[place % len(visits)]) for place in (0, 1)]
            for person in people
        ]

    with asyncio.Runner() as runner:
        try:
            yield World(runner, runner.run(begin()))
        finally:
            runner.run(stack.aclose())


@pytest.fixture(params=["sqlite", pytest.param("two processes", marks=pytest.mark.servers)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "two processes":
        with a_world(request.getfixturevalue("processes")) as found:
            yield found
        return
    with (
        SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}, "--no-jobs") as server,
        a_world([server]) as found,
    ):
        yield found


@dataclass(eq=False)
class Live:
    """An open socket, and the last message that it has received."""

    side: int
    socket: Socket
    closing: AsyncExitStack
    seen: int


class Chat(RuleBasedStateMachine):
    """The model: stored messages, who has left, and open sockets."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.room_id: str | None = None
        self.left_by: int | None = None
        self.messages: list[Json] = []
        self.read = [0, 0]
        self.live: list[Live] = []
        self.run(self.clean_up())
        self.reopen(0, 0)

    async def clean_up(self) -> None:
        """Clean up after a failed example."""
        for person, _ in self.world.people:
            for room in (await person.call("GET", "/rooms"))["items"]:
                await person.call("DELETE", f"/rooms/{room['id']}")

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        return self.world.run(work)

    def person(self, side: int, process: int = 0) -> Client:
        return self.world.people[side][process]

    def admits(self, side: int) -> bool:
        return self.room_id is not None and self.left_by != side

    # -------------------------------------------------------------------------------- sockets

    @rule(side=SIDES, process=PROCESSES, after=st.none() | st.integers(0, 20))
    def connect(self, side: int, process: int, after: int | None) -> None:
        if not self.admits(side) or len(self.live) >= 6:
            return
        assert self.room_id is not None
        closing = AsyncExitStack()
        person, last = self.person(side, process), len(self.messages)
        opening = person.chat(self.room_id, after)
        socket = self.run(closing.enter_async_context(opening))
        assert socket.hello["last_seq"] == last
        assert socket.hello["recovered"]
        assert socket.missed == ([] if after is None else self.messages[after:])
        self.live.append(Live(side, socket, closing, last))

    @precondition(lambda self: self.live)
    @rule(which=ANY)
    def drop(self, which: int) -> None:
        live = self.live.pop(which % len(self.live))
        live.socket.abort()
        self.run(live.closing.aclose())

    @precondition(lambda self: self.live)
    @rule(which=ANY)
    def close(self, which: int) -> None:
        self.run(self.live.pop(which % len(self.live)).closing.aclose())

    # ------------------------------------------------------------------------------- messages

    @precondition(lambda self: self.live)
    @rule(which=ANY, text=st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1))
    def send(self, which: int, text: str) -> None:
        live = self.live[which % len(self.live)]
        client_id = f"socket-{next(self.world.names)}"
        self.run(live.socket.send_frame("send", client_id=client_id, body=text))
        if self.left_by is not None:
            error = self.run(self.next_of_type(live, "error"))
            assert (error["code"], error["client_id"]) == ("room-pending", client_id)
            return
        message = self.run(self.next_of_type(live, "message"))["message"]
        assert message["client_id"] == client_id
        live.seen += 1
        self.is_stored(message, live.side)

    @rule(side=SIDES, process=PROCESSES)
    def post(self, side: int, process: int) -> None:
        if not self.admits(side):
            return
        client_id = f"post-{next(self.world.names)}"
        body = {"body": "over HTTP", "client_id": client_id}
        path = f"/rooms/{self.room_id}/messages"
        if self.left_by is not None:
            answer = self.run(self.person(side, process).request("POST", path, body))
            assert (answer.status_code, answer.json()["code"]) == (409, "room-pending")
            return
        self.is_stored(self.run(self.person(side, process).call("POST", path, body)), side)

    def is_stored(self, message: Json, side: int) -> None:
        assert message["seq"] == len(self.messages) + 1
        assert message["sender_id"] == self.person(side).id
        self.messages.append(message)
        self.run(self.all_receive_it())

    async def all_receive_it(self) -> None:
        """Every socket gets its missing messages once and in order."""
        for live in self.live:
            while live.seen < len(self.messages):
                frame = await self.next_of_type(live, "message")
                assert frame["message"] == self.messages[live.seen]
                live.seen += 1

    @precondition(lambda self: self.live and self.messages)
    @rule(which=ANY, number=ANY)
    def repeat(self, which: int, number: int) -> None:
        """A repeat is answered on this socket only."""
        live = self.live[which % len(self.live)]
        own = [one for one in self.messages if one["sender_id"] == live.socket.client.id]
        if not own:
            return
        first = own[number % len(own)]
        again = {"client_id": first["client_id"], "body": "said again"}
        self.run(live.socket.send_frame("send", **again))
        assert self.run(self.next_of_type(live, "message"))["message"] == first

    @precondition(lambda self: self.live)
    @rule(which=ANY, seq=st.integers(0, 20))
    def mark_read(self, which: int, seq: int) -> None:
        live = self.live[which % len(self.live)]
        # Not beyond the last one: the next message may be stored first.
        mark = min(seq, len(self.messages))
        self.run(live.socket.send_frame("read", seq=mark))
        if mark > self.read[live.side]:
            self.read[live.side] = mark
            expected = {"type": "read", "user_id": live.socket.client.id, "seq": mark}
            while self.run(self.next_of_type(live, "read", reads=False)) != expected:
                pass

    # ------------------------------------------------------------------------ leaving, asking

    @rule(side=SIDES, process=PROCESSES)
    def leave(self, side: int, process: int) -> None:
        if not self.admits(side):
            return
        self.run(self.person(side, process).call("DELETE", f"/rooms/{self.room_id}"))
        is_gone = self.left_by is not None
        for live in [one for one in self.live if is_gone or one.side == side]:
            self.live.remove(live)
            frames, code = self.run(live.socket.frames_and_close())
            assert code == 4404
            assert {frame["type"] for frame in frames} <= {"status", "read"}
            self.run(live.closing.aclose())
        self.left_by = side
        if is_gone:
            self.room_id, self.left_by, self.messages, self.read = None, None, [], [0, 0]

    @rule(side=SIDES, process=PROCESSES)
    def reopen(self, side: int, process: int) -> None:
        asking, asked = self.person(side, process), self.person(1 - side)
        room_id = self.run(asking.open_room_with(asked))
        assert self.room_id in (None, room_id)
        self.room_id = room_id
        if self.left_by == side:
            self.left_by = None

    # ------------------------------------------------------------------------- what is shown

    @rule(side=SIDES, process=PROCESSES)
    def read_over_http(self, side: int, process: int) -> None:
        answer = self.run(self.person(side, process).request("GET", f"/rooms/{self.room_id}"))
        if not self.admits(side):
            assert answer.status_code == 404
            return
        room = answer.json()
        assert room["last_seq"] == len(self.messages)
        assert room["last_message"] == (self.messages[-1] if self.messages else None)
        assert room["read_seq"] == self.read[side]
        assert room["participant_read_seq"] == self.read[1 - side]
        other = self.person(1 - side).id
        unread = [one for one in self.messages[self.read[side] :] if one["sender_id"] == other]
        assert room["unread_count"] == len(unread)

    @rule(process=PROCESSES)
    def presence_settles(self, process: int) -> None:
        self.run(self.all_statuses_settle(process))

    async def all_statuses_settle(self, process: int) -> None:
        online = [self.person(side).id for side in {live.side for live in self.live}]
        left_by = None if self.left_by is None else self.person(self.left_by).id
        status = "pending" if left_by else "running" if online else "stop"
        expected = {
            "type": "status",
            "status": status,
            "left_by": left_by,
            "online": sorted(online),
        }
        for live in self.live:
            while live.socket.status != expected:
                await self.next_of_type(live, "status", statuses=False)
        for side in (0, 1):
            if self.admits(side):

                async def is_shown(side: int = side) -> bool:
                    person = self.person(side, process)
                    room = await person.call("GET", f"/rooms/{self.room_id}")
                    return bool(room["status"] == status)

                await eventually(is_shown)

    @staticmethod
    async def next_of_type(
        live: Live, kind: str, *, reads: bool = True, statuses: bool = True
    ) -> Json:
        """The next frame of this type; only `status` and `read` frames may come before it."""
        while True:
            frame = await live.socket.receive()
            if frame["type"] == "status":
                live.socket.status = frame
                if not statuses:
                    return frame
            elif frame["type"] != "read" or not reads:
                assert frame["type"] == kind, f"expected {kind}, got {frame}"
                return frame

    def teardown(self) -> None:
        """Check that every socket got all messages, and delete the room."""
        if self.room_id and self.left_by is None:
            self.post(0, 0)
        self.run(self.all_statuses_settle(0))
        for side in (0, 1):
            if self.room_id:
                self.leave(side, side)
        assert not self.live


def test_every_socket_gets_each_message_once_and_in_order(world: World) -> None:
    class WorldChat(Chat):
        def __init__(self) -> None:
            super().__init__(world)

    run_state_machine_as_test(
        WorldChat,
        settings=settings(
            max_examples=examples(6),
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )
