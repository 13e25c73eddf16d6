"""The log of requests and sockets has ids and no personal data besides the client's address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.clients import Client, eventually, http_client
from tests.image_files import picture, saved
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from tests.clients import Json

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MEMBERS = {
    *("event", "level", "timestamp", "request_id", "address", "method", "path", "status", "ms"),
    *("user", "session", "room"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[SideProServer]:
    with SideProServer({"SIDEPRO_LOG_FORMAT": "json"}, "--no-jobs") as running:
        yield running


@pytest.fixture
async def http(server: SideProServer) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(server.url) as client:
        yield client


def events(server: SideProServer, kind: str) -> list[Json]:
    lines = (line for line in server.log().splitlines() if line.startswith("{"))
    return [event for event in map(json.loads, lines) if event["event"] == kind]


async def session_of(person: Client) -> str:
    (session,) = (await person.call("GET", "/sessions"))["items"]
    return str(session["id"])


async def test_the_line_of_a_request_has_the_ids_of_its_caller_and_room(
    http: httpx.AsyncClient, server: SideProServer
) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    room_id = await one.open_room_with(other)
    headers = {**one.headers, "X-Request-ID": "asked-by-one"}
    await http.get(f"/api/v1/rooms/{room_id}/messages", headers=headers)
    await http.get("/api/v1/catalogue", headers={"X-Request-ID": "asked-by-nobody"})

    def lines_by_id() -> dict[str, Json]:
        return {event["request_id"]: event for event in events(server, "request")}

    # A line is written after its answer.
    await eventually(lambda: lines_by_id().keys() >= {"asked-by-one", "asked-by-nobody"})
    lines = lines_by_id()
    assert (
        lines["asked-by-one"].items()
        >= {
            "path": f"/api/v1/rooms/{room_id}/messages",
            "user": one.id,
            "session": await session_of(one),
            "room": room_id,
        }.items()
    )
    assert not lines["asked-by-nobody"].keys() & {"user", "session", "room"}


async def test_the_line_of_a_socket_has_the_ids_of_its_caller_and_room(
    http: httpx.AsyncClient, server: SideProServer
) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    room_id = await one.open_room_with(other)
    named = {**one.headers, "X-Request-ID": "socket-of-one"}
    async with one.socket(room_id, additional_headers=named) as socket:
        await socket.start()
    async with other.stream() as socket:
        await socket.expect("hello")

    def found() -> dict[str, Json]:
        return {event["user"]: event for event in events(server, "socket")}

    await eventually(lambda: {one.id, other.id} <= found().keys())
    assert (
        found()[one.id].items()
        >= {
            "request_id": "socket-of-one",
            "address": "127.0.0.1",
            "path": f"/api/v1/rooms/{room_id}/socket",
            "session": await session_of(one),
            "room": room_id,
        }.items()
    )
    assert "room" not in found()[other.id]


async def test_no_line_has_personal_data(http: httpx.AsyncClient, server: SideProServer) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    private = {
        "bio": "주말에는 도자기를 굽습니다",
        "title": "할머니의 요리법",
        "comment": "제 번호는 공일공",
        "message": "우리 집은 망원동",
        "socket": "강아지 이름은 보리",
        "query": "아무도-모르는-검색어",
    }
    await one.write_profile(bio=private["bio"])
    project = await one.publish(title=private["title"])
    await other.call("POST", f"/projects/{project['id']}/comments", {"body": private["comment"]})
    room_id = await one.open_room_with(other)
    message = {"body": private["message"], "client_id": "private-client-id"}
    await one.call("POST", f"/rooms/{room_id}/messages", message)
    ticket = await one.ticket(room_id)
    async with one.socket(room_id, ticket=ticket) as socket:
        await socket.start()
        await socket.send_message(private["socket"])
        await socket.message()
    image = await one.upload(saved(picture()))
    key = image["url"].rpartition("/")[2]
    for path in (
        f"/media/{key}",
        f"/people/{one.username}",
        f"/people/{one.username}/feed.atom",
        f"/people/{one.username}/nowhere",
        f"/api/v1/users/{one.email}",
        f"/api/v1/users/availability?email={one.email}",
        f"/api/v1/projects?q={private['query']}",
    ):
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await http.request(method, path, headers=one.headers)

    await eventually(
        lambda: any(event.get("room") == room_id for event in events(server, "socket"))
    )
    log = server.log()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    for person in (one, other):
        for word in (person.email, person.username, person.password, person.token):
            assert word not in text
            assert quote(word) not in text
    for word in (*private.values(), message["client_id"], ticket, key):
        assert word not in text
        assert quote(word) not in text
    assert {name for line in events(server, "request") for name in line} <= MEMBERS
