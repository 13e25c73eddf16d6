"""A socket lives as long as the session that opened it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live import Person

if TYPE_CHECKING:
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio

COMMAND = Path(sys.executable).with_name("sidepro")
AT_ONCE = 0.7
"""Seconds: less than the pause between two looks at the sessions of other processes' making."""


@pytest.fixture
async def leaver(people: list[Person]) -> Person:
    """Somebody whose session may end: the others are needed by other tests."""
    return await Person.join(people[0].http)


@pytest.fixture
async def shared_room(leaver: Person, people: list[Person]) -> str:
    return await leaver.room_with(people[0])


@pytest.mark.parametrize("path", ["/sessions/current", "/sessions"])
async def test_logging_out_closes_the_socket_at_once(
    leaver: Person, people: list[Person], shared_room: str, path: str
) -> None:
    async with leaver.chat(shared_room) as socket, people[0].chat(shared_room) as theirs:
        began = time.monotonic()
        await leaver.ask("DELETE", path)
        _, code = await socket.frames_and_close()
        assert code == 4401
        assert time.monotonic() - began < AT_ONCE
        await theirs.until_status("running", people[0])
        await theirs.said("still here")


async def test_a_changed_password_closes_the_sockets_of_other_sessions(
    leaver: Person, shared_room: str
) -> None:
    account = {"email": leaver.email, "password": leaver.password}
    here = Person(leaver.http)
    here.token = (await leaver.ask("POST", "/sessions", account))["access_token"]
    async with leaver.chat(shared_room) as elsewhere, here.chat(shared_room) as socket:
        passwords = {"current_password": leaver.password, "new_password": leaver.password + "x"}
        await here.ask("PUT", "/me/password", passwords)
        _, code = await elsewhere.frames_and_close()
        assert code == 4401
        await here.ask("POST", f"/rooms/{shared_room}/messages", {"body": "still here"})
        assert (await socket.message())["body"] == "still here"


async def test_a_withdrawal_closes_the_socket_and_the_other_hears(
    leaver: Person, people: list[Person], shared_room: str
) -> None:
    async with leaver.chat(shared_room) as socket, people[0].chat(shared_room) as theirs:
        await leaver.ask("DELETE", "/me", {"password": leaver.password})
        _, code = await socket.frames_and_close()
        assert code in (4401, 4404)
        while theirs.status["status"] != "pending":
            theirs.status = await theirs.expect("status")
        assert theirs.status["online"] == [people[0].id]


async def test_a_deactivation_by_another_process_closes_the_socket_within_two_seconds(
    leaver: Person, people: list[Person], shared_room: str, server: SideProServer
) -> None:
    def deactivate() -> float:
        subprocess.run(
            [COMMAND, "users", "deactivate", leaver.email],
            cwd=server.folder,
            env=server.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return time.monotonic()

    async with leaver.chat(shared_room) as socket, people[0].chat(shared_room) as theirs:
        deactivating = asyncio.create_task(asyncio.to_thread(deactivate))
        _, code = await socket.frames_and_close()
        closed = time.monotonic()
        assert code == 4401
        assert closed - await deactivating < 2
        assert (await leaver.send("GET", "/me")).status_code == 401
        await theirs.until_status("running", people[0])
