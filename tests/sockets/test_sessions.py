"""A socket lives as long as the session that opened it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, http_client, server_tenths_until
from tests.servers import ServerWithoutSessionCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.databases import Databases
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def leaver(clients: list[Client]) -> Client:
    """A user whose session a test may end; the other users are shared."""
    return await Client.sign_up(clients[0].http)


@pytest.fixture
async def shared_room(leaver: Client, clients: list[Client]) -> str:
    return await leaver.open_room_with(clients[0])


@pytest.fixture
def without_session_check(databases: Databases, tmp_path: Path) -> Iterator[SideProServer]:
    with databases.settings(tmp_path) as settings, ServerWithoutSessionCheck(settings) as server:
        yield server


async def test_a_log_out_closes_the_socket_at_once(
    without_session_check: SideProServer,
) -> None:
    async with http_client(without_session_check.url) as http:
        other = await Client.sign_up(http)
        for path in ("/sessions/current", "/sessions"):
            leaver = await Client.sign_up(http)
            room = await leaver.open_room_with(other)
            async with leaver.chat(room) as socket, other.chat(room) as theirs:
                await leaver.call("DELETE", path)
                _, code = await socket.frames_and_close()
                assert code == 4401
                await theirs.wait_for_status("running", other)
                await theirs.send_and_wait("still here")


async def test_a_changed_password_closes_the_sockets_of_other_sessions(
    leaver: Client, shared_room: str
) -> None:
    account = {"email": leaver.email, "password": leaver.password}
    here = Client(leaver.http)
    here.token = (await leaver.call("POST", "/sessions", account))["access_token"]
    async with leaver.chat(shared_room) as elsewhere, here.chat(shared_room) as socket:
        passwords = {"current_password": leaver.password, "new_password": leaver.password + "x"}
        await here.call("PUT", "/me/password", passwords)
        _, code = await elsewhere.frames_and_close()
        assert code == 4401
        await here.call("POST", f"/rooms/{shared_room}/messages", {"body": "still here"})
        assert (await socket.message())["body"] == "still here"


async def test_a_withdrawal_closes_the_socket_and_notifies_the_other_participant(
    leaver: Client, clients: list[Client], shared_room: str
) -> None:
    async with leaver.chat(shared_room) as socket, clients[0].chat(shared_room) as theirs:
        await leaver.call("DELETE", "/me", {"password": leaver.password})
        _, code = await socket.frames_and_close()
        assert code in (4401, 4404)
        while theirs.status["status"] != "pending":
            theirs.status = await theirs.expect("status")
        assert theirs.status["online"] == [clients[0].id]


async def test_a_deactivation_by_another_process_closes_the_socket_within_two_seconds(
    leaver: Client, clients: list[Client], shared_room: str, server: SideProServer
) -> None:
    def deactivate() -> None:
        server.run("users", "deactivate", leaver.email)

    async with leaver.chat(shared_room) as socket, clients[0].chat(shared_room) as theirs:
        closing = asyncio.create_task(socket.connection.wait_closed())
        await asyncio.to_thread(deactivate)
        assert await server_tenths_until(closing, leaver.http) <= 20
        assert socket.connection.close_code == 4401
        assert (await leaver.request("GET", "/me")).status_code == 401
        await theirs.wait_for_status("running", clients[0])
