"""Connecting: `hello`, missed messages, one `status`; and refused connections."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update
from websockets.exceptions import InvalidStatus

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema.chat_tables import messages, rooms
from tests import factories
from tests.clients import Client, Json, eventually
from tests.databases import address_of

if TYPE_CHECKING:
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio


async def fill(server: SideProServer, room_id: str, last: int) -> None:
    """Insert messages into the room directly, which is faster than sending them."""
    database = Database(address_of(server.environment))
    row: Json = {"room_id": UUID(room_id), "sender_id": None, "client_id": None}
    row |= {"body": "오래된 이야기", "sent_at": factories.NOW}
    try:
        async with database.writing() as connection:
            await connection.execute(
                insert(messages), [{**row, "seq": seq} for seq in range(1, last + 1)]
            )
            await connection.execute(
                update(rooms).where(rooms.c.id == row["room_id"]).values(last_seq=last)
            )
            await connection.commit()
    finally:
        await database.close()


async def test_hello_comes_first_with_all_members(
    one: Client, other: Client, room_id: str
) -> None:
    path = f"/rooms/{room_id}"
    message = await other.call("POST", f"{path}/messages", {"body": "먼저 왔어요"})
    async with one.socket(room_id) as socket:
        hello, status = await socket.receive(), await socket.receive()
        room = await one.call("GET", path)

    assert hello == {
        "type": "hello",
        "room": {
            "id": room_id,
            "participant": {"id": other.id, "username": other.username, "image_url": None},
            "status": "running",
            "left_by": None,
            "last_message": message,
            "last_seq": 1,
            "read_seq": 0,
            "participant_read_seq": 0,
            "unread_count": 1,
            "created_at": room["created_at"],
            "updated_at": room["updated_at"],
            "writable": True,
        },
        "last_seq": 1,
        "after": None,
        "recovered": True,
        "epoch": hello["epoch"],
    }
    assert re.fullmatch("[0-9a-f]{16}", hello["epoch"])
    assert hello["room"] == room, "the same room as over HTTP"
    assert status == {
        "type": "status",
        "status": "running",
        "left_by": None,
        "online": [one.id],
    }


async def test_without_after_nothing_is_replayed(one: Client, other: Client, room_id: str) -> None:
    async with one.chat(room_id) as socket:
        await socket.send_and_wait("하나")
    async with other.socket(room_id) as socket:
        hello = await socket.expect("hello")
        assert (hello["last_seq"], hello["after"], hello["recovered"]) == (1, None, True)
        await socket.expect("status")
        assert (await socket.send_and_wait("둘"))["seq"] == 2


async def test_missed_messages_are_replayed_in_order_before_one_status(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        sent = [await socket.send_and_wait(f"number {number}") for number in range(1, 6)]
        async with other.socket(room_id, after=2) as late:
            hello = await late.expect("hello")
            assert (hello["last_seq"], hello["after"], hello["recovered"]) == (5, 2, True)
            missed = [(await late.expect("message"))["message"] for _ in range(3)]
            assert missed == sent[2:]
            status = await late.expect("status")
            assert status["online"] == sorted([one.id, other.id])
            live = await late.send_and_wait("live")
            assert live["seq"] == 6


@pytest.mark.parametrize("after", [3, 4, 2**31, "9" * 30])
async def test_nothing_is_replayed_when_nothing_was_missed(
    one: Client, room_id: str, after: int | str
) -> None:
    async with one.chat(room_id) as socket:
        for _ in range(3):
            await socket.send_and_wait()
    async with one.socket(room_id, after=after) as socket:
        hello = await socket.expect("hello")
        assert (hello["last_seq"], hello["recovered"]) == (3, True)
        await socket.expect("status")
        assert (await socket.send_and_wait())["seq"] == 4


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "٣", "0x1"])
async def test_after_must_be_a_number(one: Client, room_id: str, after: str) -> None:
    async with one.socket(room_id, after=after) as socket:
        assert await socket.close_code() == 4400


@pytest.mark.parametrize(
    "query",
    ["0&after=0", "0&x=", "0&After=1", "0&room_id=1", "0&ticket=a&ticket=b", "0&epoch=1&epoch=1"],
)
async def test_unknown_and_repeated_parameters_close_with_4400(
    one: Client, room_id: str, query: str
) -> None:
    async with one.socket(room_id, after=query) as socket:
        assert await socket.close_code() == 4400


async def test_a_client_of_the_same_epoch_recovers(one: Client, room_id: str) -> None:
    async with one.chat(room_id) as socket:
        await socket.send_and_wait("하나")
        epoch = socket.hello["epoch"]
    async with one.chat(room_id, after=f"0&epoch={epoch}") as socket:
        assert (socket.hello["recovered"], socket.hello["epoch"]) == (True, epoch)
        assert [message["body"] for message in socket.missed] == ["하나"]


@pytest.mark.parametrize("epoch", ["", "other", "가", "x" * 4_000])
async def test_a_client_of_another_epoch_recovers_nothing(
    one: Client, room_id: str, epoch: str
) -> None:
    async with one.chat(room_id) as socket:
        await socket.send_and_wait()
    async with one.socket(room_id, after=f"0&epoch={epoch}") as socket:
        hello = await socket.expect("hello")
        assert (hello["after"], hello["recovered"]) == (0, False)
        await socket.expect("status")
        assert (await socket.send_and_wait())["seq"] == 2


async def test_a_thousand_missed_messages_are_replayed_and_no_more(
    one: Client, room_id: str, server: SideProServer
) -> None:
    await fill(server, room_id, 1001)
    async with one.chat(room_id, after=1) as socket:
        assert (socket.hello["last_seq"], socket.hello["recovered"]) == (1001, True)
        assert [message["seq"] for message in socket.missed] == list(range(2, 1002))
        assert (await socket.send_and_wait())["seq"] == 1002

    async with one.socket(room_id, after=1) as socket:
        hello = await socket.expect("hello")
        assert (hello["last_seq"], hello["after"], hello["recovered"]) == (1002, 1, False)
        await socket.expect("status")
        assert (await socket.send_and_wait())["seq"] == 1003

    history = await one.call("GET", f"/rooms/{room_id}/messages?after=1&limit=100")
    assert [message["seq"] for message in history["items"]] == list(range(2, 102))


async def test_nothing_is_lost_between_replay_and_live(
    one: Client, other: Client, room_id: str, server: SideProServer
) -> None:
    """One client writes continuously while the other opens one socket after another."""
    await fill(server, room_id, 300)
    async with one.chat(room_id) as socket:

        async def write() -> None:
            while True:
                await socket.send_message()
                await socket.message()

        writing = asyncio.create_task(write())
        for _ in range(8):
            async with other.chat(room_id, after=250) as late:
                seen = [*late.missed, *await late.messages(20)]
                numbers = [message["seq"] for message in seen]
                assert numbers == list(range(251, 251 + len(seen)))
                assert not writing.done()
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer {token}x", "{token}"],
)
async def test_without_a_valid_token_it_closes_with_4401(
    one: Client, room_id: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=one.token)}
    async with one.socket(room_id, additional_headers=headers) as socket:
        assert await socket.close_code() == 4401


async def test_an_unknown_room_closes_with_4404(
    one: Client, stranger: Client, room_id: str
) -> None:
    for person, name in (
        (one, str(uuid4())),
        (one, "nonsense"),
        (one, room_id[:-1]),
        (one, one.id),
        (stranger, room_id),
    ):
        async with person.socket(name) as socket:
            assert await socket.close_code() == 4404, name


async def test_a_left_room_closes_with_4404_until_it_is_reopened(
    one: Client, other: Client, room_id: str
) -> None:
    async with one.chat(room_id) as socket:
        await socket.send_and_wait("bye")
    await one.call("DELETE", f"/rooms/{room_id}")
    async with one.socket(room_id) as socket:
        assert await socket.close_code() == 4404

    assert await one.open_room_with(other) == room_id
    async with one.chat(room_id, after=0) as socket:
        assert [message["body"] for message in socket.missed] == ["bye"]


async def test_a_refused_connection_leaves_no_presence(
    one: Client, stranger: Client, room_id: str
) -> None:
    async with stranger.socket(room_id) as socket:
        assert await socket.close_code() == 4404
    assert (await one.call("GET", f"/rooms/{room_id}"))["status"] == "stop"


async def test_the_metrics_count_open_sockets(one: Client, room_id: str) -> None:
    async def counted() -> int:
        page = await one.http.get("/metrics")
        line = r'^sidepro_open_sockets{kind="room"} (\S+)$'
        (found,) = re.findall(line, page.text, re.MULTILINE)
        return int(float(found))

    async def are(number: int) -> bool:
        return await counted() == number

    async with one.chat(room_id), one.chat(room_id) as second:
        await eventually(partial(are, 2))
        await second.connection.close()
        await eventually(partial(are, 1))
    await eventually(partial(are, 0))


async def test_authentication_and_access_are_checked_before_parameters(
    one: Client, stranger: Client, room_id: str
) -> None:
    for query in ("x", "0&x=1"):
        async with stranger.socket(room_id, after=query) as socket:
            assert await socket.close_code() == 4404
        async with one.socket(room_id, after=query, additional_headers={}) as socket:
            assert await socket.close_code() == 4401


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "{url}.evil.org"],
)
async def test_foreign_origins_are_denied_before_the_upgrade(
    one: Client, room_id: str, server: SideProServer, origin: str
) -> None:
    headers = {**one.headers, "Origin": origin.format(url=server.url)}
    with pytest.raises(InvalidStatus) as refused:
        async with one.socket(room_id, additional_headers=headers):
            pass
    response = refused.value.response
    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(response.body)
    assert (problem["status"], problem["code"]) == (403, "origin-not-allowed")
    assert problem["type"] == "/problems/origin-not-allowed"
    assert problem["title"]
    assert problem["detail"]


async def test_the_origin_is_checked_before_the_token(
    one: Client, room_id: str, server: SideProServer
) -> None:
    with pytest.raises(InvalidStatus):
        async with one.socket(room_id, additional_headers={"Origin": "https://evil.example"}):
            pass
    async with one.socket(room_id, additional_headers={"Origin": server.url}) as socket:
        assert await socket.close_code() == 4401


async def test_pages_of_the_own_origin_may_connect(
    one: Client, room_id: str, server: SideProServer
) -> None:
    headers = {**one.headers, "Origin": server.url}
    async with one.socket(room_id, additional_headers=headers) as socket:
        await socket.expect("hello")
