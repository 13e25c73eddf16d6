"""Socket tickets, for pages that cannot send an access token."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from tests.clients import Client, Socket, http_client
from tests.servers import RedisServer, SideProServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def refused(person: Client, room_id: str, ticket: str) -> bool:
    async with person.socket(room_id, ticket=ticket) as socket:
        return await socket.close_code() == 4401


async def test_a_ticket_opens_a_socket_for_the_user_who_requested_it(
    one: Client, other: Client, room_id: str
) -> None:
    answer = await one.request("POST", f"/rooms/{room_id}/socket-tickets")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    issued = answer.json()
    path = f"/api/v1/rooms/{room_id}/socket"
    assert issued == {"ticket": issued["ticket"], "expires_in": 30, "path": path}
    assert len(base64.urlsafe_b64decode(issued["ticket"] + "=")) == 32

    # the ticket determines the user
    async with other.chat(room_id) as theirs:
        await theirs.send_and_wait("before")
        async with other.socket(room_id, after=0, ticket=issued["ticket"]) as socket:
            await socket.start()
            assert [message["body"] for message in socket.missed] == ["before"]
            assert socket.status["online"] == sorted([one.id, other.id])
            assert (await socket.send_and_wait())["sender_id"] == one.id


async def test_a_ticket_is_valid_once_under_concurrency(one: Client, room_id: str) -> None:
    ticket = await one.ticket(room_id)

    async def opened() -> str:
        async with one.socket(room_id, ticket=ticket) as socket:
            try:
                return str((await socket.receive())["type"])
            except ConnectionClosed:
                return "refused"

    assert (
        sorted(await asyncio.gather(*(opened() for _ in range(8)))) == ["hello"] + ["refused"] * 7
    )
    assert await refused(one, room_id, ticket)


async def test_a_ticket_is_for_one_room(one: Client, stranger: Client, room_id: str) -> None:
    another = await one.open_room_with(stranger)
    ticket = await one.ticket(room_id)
    assert await refused(one, another, ticket)
    assert await refused(one, room_id, ticket), "it is used up"


@pytest.mark.parametrize(
    "ticket", ["", "nonsense", "%00", "%ff", "%ed%a0%80", "%ed%95%9c", "{token}", "x" * 4000]
)
async def test_an_invalid_ticket_is_refused(one: Client, room_id: str, ticket: str) -> None:
    assert await refused(one, room_id, ticket.format(token=one.token))


async def test_a_sent_access_token_takes_precedence_and_must_be_valid(
    one: Client, room_id: str
) -> None:
    ticket = await one.ticket(room_id)
    headers = {"Authorization": f"Bearer {one.token}x"}
    async with one.socket(room_id, ticket=ticket, additional_headers=headers) as socket:
        assert await socket.close_code() == 4401
    async with one.socket(room_id, ticket="x", additional_headers=one.headers) as socket:
        await socket.expect("hello")


async def test_a_ticket_ends_with_its_session(clients: list[Client]) -> None:
    leaver = await Client.sign_up(clients[0].http)
    room_id = await leaver.open_room_with(clients[0])
    ticket = await leaver.ticket(room_id)
    await leaver.call("DELETE", "/sessions/current")
    assert await refused(leaver, room_id, ticket)


async def test_a_ticket_of_a_user_who_left_the_room_closes_with_4404(
    one: Client, room_id: str
) -> None:
    ticket = await one.ticket(room_id)
    await one.call("DELETE", f"/rooms/{room_id}")
    async with one.socket(room_id, ticket=ticket) as socket:
        assert await socket.close_code() == 4404


async def test_a_page_connects_with_origin_and_ticket(
    one: Client, room_id: str, server: SideProServer
) -> None:
    origin = {"Origin": server.url}
    ticket = await one.ticket(room_id)
    async with one.socket(room_id, ticket=ticket, additional_headers=origin) as socket:
        await socket.expect("hello")


async def test_no_log_contains_a_ticket(one: Client, room_id: str, server: SideProServer) -> None:
    tickets = [await one.ticket(room_id) for _ in range(3)]
    async with one.socket(room_id, ticket=tickets[0]) as socket:
        await socket.start()
    assert await refused(one, room_id, tickets[0])
    # a request without an upgrade, and a denied upgrade
    path = f"/rooms/{room_id}/socket?ticket="
    assert (await one.request("GET", path + tickets[1])).status_code in (404, 426)
    with pytest.raises(Exception, match="403"):
        async with one.socket(
            room_id, ticket=tickets[2], additional_headers={"Origin": "https://evil.example"}
        ):
            pass
    assert f"/api/v1/rooms/{room_id}/socket" in server.log()
    for ticket in tickets:
        assert ticket not in server.log()


@pytest.mark.servers
async def test_during_a_redis_outage_tickets_answer_503(
    tmp_path: Path, own_redis: RedisServer
) -> None:
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_REDIS_URL": own_redis.url}
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            room_id = await one.open_room_with(other)
            ticket = await one.ticket(room_id)
            async with one.socket(room_id, ticket=ticket) as socket:
                await socket.start()
                lost = await one.ticket(room_id)
                own_redis.stop()
                await is_unavailable(one, room_id)
                async with one.socket(room_id, ticket=lost) as late:
                    assert await late.close_code() == 1013
                await still_open(socket)
            own_redis.resume()
            await is_back(one, room_id)


async def is_unavailable(person: Client, room_id: str) -> None:
    answer = await person.request("POST", f"/rooms/{room_id}/socket-tickets")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def still_open(socket: Socket) -> None:
    assert (await socket.send_and_wait())["seq"] == 1


async def is_back(person: Client, room_id: str) -> None:
    """Tickets are issued and valid again within five seconds."""
    async with asyncio.timeout(5):
        while True:
            answer = await person.request("POST", f"/rooms/{room_id}/socket-tickets")
            if answer.status_code == 201:
                break
            await asyncio.sleep(0.05)
    async with person.socket(room_id, ticket=answer.json()["ticket"]) as socket:
        await socket.start()
