"""A person's stream: badges, and changes of their rooms, on a socket of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from sidepro.adapters import system
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.person_events import REFRESH_INTERVAL, PersonEventHandler
from sidepro.api.chat.person_session import PersonSession
from sidepro.domain.channels import PERSON, Channel, ResyncRequired
from sidepro.domain.person_stream.person_stream_service import PersonStreamService
from tests.clients import Client, http_client
from tests.servers import SideProServer
from tests.sockets.hub_chat import Client as ChatClient

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.clients import Json, Socket
    from tests.sockets.hub_chat import Chat

pytestmark = pytest.mark.anyio

PER_USER = 20


def badges(rooms: int, messages: int) -> Json:
    return {
        "unread_rooms": rooms,
        "unread_messages": messages,
        "unread_notifications": 0,
        "pending_requests": 0,
    }


@pytest.fixture
async def reader(clients: list[Client]) -> Client:
    """A person without rooms; the other clients are shared."""
    return await Client.sign_up(clients[0].http)


@pytest.fixture
def one(clients: list[Client]) -> Client:
    """The other participant of the reader's room."""
    return clients[0]


async def post(person: Client, room_id: str, body: str = "안녕하세요") -> None:
    await person.call("POST", f"/rooms/{room_id}/messages", {"body": body})


async def test_it_begins_with_the_badges(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    for number in range(3):
        await post(one, room_id, f"{number}")
    async with reader.stream() as stream:
        assert await stream.receive() == {"type": "hello", **badges(1, 3)}


async def test_it_tells_of_a_message_in_a_room_that_is_not_open(
    reader: Client, one: Client
) -> None:
    async with reader.stream() as stream:
        await stream.expect("hello")
        room_id = await one.open_room_with(reader)
        opened = await stream.expect("room")
        assert opened["room_id"] == opened["room"]["id"] == room_id
        await post(one, room_id, "커피?")
        await stream.until("badge", **badges(1, 1))
        room = await reader.call("GET", f"/rooms/{room_id}")
        await post(one, room_id, "어때요?")
        changed = await stream.expect("room")
        assert changed["room"]["last_message"]["body"] == "어때요?"
        assert changed["room"]["unread_count"] == room["unread_count"] + 1
        await stream.until("badge", **badges(1, 2))


async def test_every_tab_of_both_people_is_told(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    async with reader.stream() as first, reader.stream() as second, one.stream() as theirs:
        for stream in (first, second, theirs):
            await stream.expect("hello")
        await post(one, room_id)
        for stream in (first, second, theirs):
            assert (await stream.until("room"))["room"]["last_seq"] == 1
        await reader.call("PUT", f"/rooms/{room_id}/read", {"seq": 1})
        for stream in (first, second):
            await stream.until("badge", **badges(0, 0))
        while (await theirs.until("room"))["room"]["participant_read_seq"] != 1:
            pass


async def test_badges_are_sent_only_when_one_changes(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    async with one.stream() as stream:
        await stream.expect("hello")
        for _ in range(3):
            await post(one, room_id)
            await stream.expect("room")


async def test_a_room_that_is_gone_is_null(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    await post(one, room_id)
    async with reader.stream() as stream, one.stream() as theirs:
        await stream.expect("hello")
        await theirs.expect("hello")
        await reader.call("DELETE", f"/rooms/{room_id}")
        absent = {"type": "room", "room": None, "room_id": room_id}
        assert await stream.expect("room") == absent
        await stream.until("badge", **badges(0, 0))
        assert (await theirs.expect("room"))["room"]["status"] == "pending"
        await one.call("DELETE", f"/rooms/{room_id}")
        assert await theirs.expect("room") == absent


async def test_a_withdrawal_tells_the_other_participant(reader: Client, one: Client) -> None:
    leaver = await Client.sign_up(one.http)
    room_id = await leaver.open_room_with(reader)
    async with reader.stream() as stream:
        await stream.expect("hello")
        await leaver.call("DELETE", "/me", {"password": leaver.password})
        room = (await stream.expect("room"))["room"]
        assert (room["id"], room["participant"], room["status"]) == (room_id, None, "pending")


def told(frame: Json) -> tuple[object, ...]:
    """What a frame says of requests."""
    match frame["type"]:
        case "request":
            return "request", frame["request"]["state"]
        case "badge":
            return "badge", frame["unread_notifications"], frame["pending_requests"]
        case kind:
            return (kind,)


async def read_until(stream: Socket, *expected: tuple[object, ...]) -> set[tuple[object, ...]]:
    """Read frames until all of these came, in any order. Returns what came."""
    seen: set[tuple[object, ...]] = set()
    while not seen.issuperset(expected):
        seen.add(told(await stream.receive()))
    return seen


async def two_strangers(http: httpx.AsyncClient) -> tuple[Client, Client]:
    """Two people who take chats on request."""
    people = Client(http), Client(http)
    for person in people:
        await person.register(chat_policy="request")
    return people


async def ask(asker: Client, recipient: Client) -> str:
    body = {"user_id": recipient.id, "introduction": "안녕하세요"}
    return f"/chat-requests/{(await asker.call('POST', '/chat-requests', body))['id']}"


async def test_both_people_hear_of_a_request_and_of_its_withdrawal(one: Client) -> None:
    asker, recipient = await two_strangers(one.http)
    async with asker.stream() as asking, recipient.stream() as asked:
        request = await ask(asker, recipient)
        await read_until(asking, ("hello",), ("request", "pending"))
        await read_until(asked, ("hello",), ("request", "pending"), ("badge", 1, 1))
        await asker.call("DELETE", request)
        await read_until(asking, ("request", "withdrawn"))
        await read_until(asked, ("request", "withdrawn"), ("badge", 0, 0))


async def test_an_asker_hears_of_an_acceptance_and_not_of_a_decline(one: Client) -> None:
    asker, recipient = await two_strangers(one.http)
    request = await ask(asker, recipient)
    async with asker.stream() as asking, recipient.stream() as asked:
        for stream in (asking, asked):
            await stream.expect("hello")
        await recipient.call("POST", f"{request}/decline")
        await read_until(asked, ("request", "declined"), ("badge", 0, 0))
        await recipient.call("POST", f"{request}/acceptance")
        opened = {("room",), ("request", "accepted"), ("notification",), ("badge", 1, 0)}
        assert await read_until(asking, *opened) == opened
        await read_until(asked, ("room",), ("request", "accepted"))


async def test_both_people_hear_that_a_block_voids_their_request(one: Client) -> None:
    asker, recipient = await two_strangers(one.http)
    await ask(asker, recipient)
    async with asker.stream() as asking, recipient.stream() as asked:
        for stream in (asking, asked):
            await stream.expect("hello")
        await recipient.call("PUT", f"/me/blocks/{asker.id}")
        await read_until(asking, ("request", "void"))
        await read_until(asked, ("request", "void"), ("badge", 0, 0))


async def test_lost_events_are_made_up_for(chat: Chat) -> None:
    client = ChatClient()
    stream = PersonStreamService(chat.reader, chat.rooms, chat.reader, chat.reader, system.clock)
    hub = Hub(chat.pubsub, {PERSON: PersonEventHandler(stream)})
    session = PersonSession(cast("Any", client), chat.one, hub, stream)
    client.session = asyncio.create_task(session.run())
    await client.expect("hello")
    await chat.store_unpublished(2)
    await chat.pubsub.deliver(ResyncRequired(Channel.person(chat.one.id)))
    room = (await client.expect("room"))["room"]
    assert (room["id"], room["last_seq"]) == (str(chat.room.id), 2)
    assert (await client.expect("badge"))["unread_messages"] == 2
    client.disconnect()
    assert await client.closed() is None


async def test_a_slow_reader_gets_the_latest_state_alone(chat: Chat) -> None:
    client = ChatClient()
    stream = PersonStreamService(chat.reader, chat.rooms, chat.reader, chat.reader, system.clock)
    hub = Hub(chat.pubsub, {PERSON: PersonEventHandler(stream)})
    session = PersonSession(cast("Any", client), chat.one, hub, stream)
    client.session = asyncio.create_task(session.run())
    await client.expect("hello")
    client.can_read.clear()
    for _ in range(4):
        await chat.rooms.send(chat.other, chat.room.id, "안녕하세요", None)
        await asyncio.sleep(REFRESH_INTERVAL * 1.5)  # nothing tells that the state was read
    client.can_read.set()
    # the first one was under way already
    first, *latest = sorted(
        [await client.frames.get() for _ in range(3)], key=lambda frame: frame["type"] != "room"
    )
    assert first["room"]["last_seq"] == 1
    assert latest[0]["room"]["last_seq"] == latest[1]["unread_messages"] == 4
    client.disconnect()
    assert await client.closed() is None
    assert client.frames.empty()


async def test_it_is_no_presence(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    async with reader.stream() as stream, one.chat(room_id) as chat:
        await stream.expect("hello")
        assert chat.status["online"] == [one.id]
        room = await reader.call("GET", f"/rooms/{room_id}")
        assert room["participant_read_seq"] == 0


@pytest.mark.parametrize("frame", ["{}", "x", '{"type": "typing"}', "[" * 5_000])
async def test_any_frame_is_a_bad_frame_and_ten_close_the_socket(
    reader: Client, one: Client, frame: str
) -> None:
    room_id = await one.open_room_with(reader)
    async with reader.stream() as stream:
        await stream.expect("hello")
        for _ in range(9):
            await stream.connection.send(frame)
            assert (await stream.until("error"))["code"] == "invalid"
        await post(one, room_id)
        await stream.until("badge", **badges(1, 1))
        await stream.connection.send(frame)
        assert (await stream.frames_and_close())[1] == 4400


async def test_the_end_of_the_session_closes_it(reader: Client) -> None:
    async with reader.stream() as stream:
        await stream.expect("hello")
        await reader.call("DELETE", "/sessions/current")
        assert await stream.close_code() == 4401


async def test_a_ticket_opens_it_once_and_no_room(reader: Client, one: Client) -> None:
    room_id = await one.open_room_with(reader)
    issued = await reader.call("POST", "/me/socket-tickets")
    assert issued == {"ticket": issued["ticket"], "expires_in": 30, "path": "/api/v1/me/socket"}
    async with one.stream(issued["ticket"]) as stream:
        await stream.expect("hello")
        # the ticket determines the person
        await post(one, room_id)
        await stream.until("badge", **badges(1, 1))
    other_kind = await reader.ticket(room_id)
    for ticket in (issued["ticket"], other_kind, "nonsense", ""):
        async with reader.stream(ticket) as stream:
            assert await stream.close_code() == 4401
    again = (await reader.call("POST", "/me/socket-tickets"))["ticket"]
    async with reader.socket(room_id, ticket=again) as socket:
        assert await socket.close_code() == 4401


async def test_an_unknown_parameter_closes_it(reader: Client) -> None:
    headers = {"Authorization": f"Bearer {reader.token}"}
    async with reader.stream("", additional_headers=headers) as stream:
        await stream.expect("hello")
    async with reader.stream("x&after=1", additional_headers=headers) as stream:
        assert await stream.close_code() == 4400


async def test_a_foreign_page_is_denied(reader: Client) -> None:
    headers = {"Origin": "https://evil.example", "Authorization": f"Bearer {reader.token}"}
    with pytest.raises(Exception, match="403"):
        async with reader.stream("", additional_headers=headers):
            pass


async def test_a_plain_get_requires_an_upgrade(reader: Client) -> None:
    answer = await reader.request("GET", "/me/socket?ticket=x")
    assert (answer.status_code, answer.json()["code"]) == (426, "upgrade-required")


async def test_a_person_has_twenty_of_them_apart_from_those_of_rooms(tmp_path: Path) -> None:
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_RATE_LIMITS": "on"}
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = [await Client.sign_up(http) for _ in range(2)]
            room_id = await one.open_room_with(other)
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                opened: list[asyncio.Future[Socket]] = []
                done = asyncio.Event()

                async def keep_open(opening: asyncio.Future[Socket]) -> None:
                    async with one.stream() as stream:
                        await stream.expect("hello")
                        opening.set_result(stream)
                        await done.wait()

                for _ in range(PER_USER):
                    opened.append(asyncio.get_running_loop().create_future())
                    group.create_task(keep_open(opened[-1]))
                await asyncio.gather(*opened)
                async with one.stream() as stream:
                    assert await stream.close_code() == 4429
                async with one.chat(room_id):
                    pass
                done.set()
