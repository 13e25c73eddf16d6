"""The frames on a real socket match the AsyncAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from tests.clients import Client, http_client
from tests.sockets.test_messages import BAD

if TYPE_CHECKING:
    from tests.clients import Json, Socket
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio


class Described:
    """The document of a channel, and the messages of it that were used."""

    def __init__(self, document: Json, channel: str = "room") -> None:
        self.document = document
        self.seen: set[str] = set()
        self._messages: dict[tuple[str, str], tuple[str, OAS31Validator]] = {}
        for operation in document["operations"].values():
            if operation["channel"]["$ref"] != f"#/channels/{channel}":
                continue
            for reference in operation["messages"]:
                name = reference["$ref"].rpartition("/")[2]
                message = document["components"]["messages"][name]
                schema = {"allOf": [message["payload"]], "components": document["components"]}
                check = OAS31Validator(schema, format_checker=oas31_format_checker)
                self._messages[operation["action"], message["title"]] = name, check

    def fits(self, action: str, frame: Json) -> None:
        """Assert that a frame matches the document for this direction."""
        name, check = self._messages[action, frame["type"]]
        check.validate(frame)
        self.seen.add(name)

    def may_be_sent(self, frame: Any) -> bool:
        """Whether the document allows a client to send it."""
        return any(
            check.is_valid(frame)
            for (action, _), (_, check) in self._messages.items()
            if action == "receive"
        )

    async def send(self, socket: Socket, kind: str, **members: Any) -> None:
        """Send a frame that matches the document."""
        self.fits("receive", {"type": kind, **members})
        await socket.send_frame(kind, **members)

    async def until(self, socket: Socket, kind: str) -> Json:
        """Receive frames that match the document, up to one of this type."""
        while True:
            frame = await socket.receive()
            self.fits("send", frame)
            if frame["type"] == kind:
                return frame


@pytest.fixture
async def described(server: SideProServer) -> Described:
    async with http_client(server.url) as http:
        answer = await http.get("/api/asyncapi.json")
    return Described(answer.json())


async def test_every_frame_on_a_socket_matches_the_document(
    one: Client, other: Client, room_id: str, described: Described
) -> None:
    path = described.document["channels"]["room"]["address"].format(room_id=room_id)
    assert (await one.call("POST", f"/rooms/{room_id}/socket-tickets"))["path"] == path
    ticket = await other.ticket(room_id)
    async with one.socket(room_id, after=0) as mine, other.socket(room_id, ticket=ticket) as their:
        hello = await described.until(mine, "hello")
        assert hello["room"]["last_message"] is None
        for socket in (mine, their):
            await described.until(socket, "status")
        await described.send(mine, "send", client_id="커피 1", body="안녕하세요\n☕")
        for socket in (mine, their):
            assert (await described.until(socket, "message"))["message"]["seq"] == 1
        await described.send(mine, "typing")
        await described.until(their, "typing")
        await described.send(their, "read", seq=1)
        await described.until(mine, "read")
        # errors with and without a client id
        await mine.send_frame("send", client_id="x", body="")
        assert (await described.until(mine, "error"))["client_id"] == "x"
        await mine.connection.send("[]")
        assert (await described.until(mine, "error"))["client_id"] is None
        async with other.socket(room_id, after=0) as again:
            assert (await described.until(again, "hello"))["room"]["last_message"]
            await described.until(again, "message")
            await described.until(again, "status")
        await other.call("DELETE", f"/rooms/{room_id}")
        while (await described.until(mine, "status"))["left_by"] != other.id:
            pass
        await described.send(mine, "send", client_id="too late", body="Hello?")
        assert (await described.until(mine, "error"))["code"] == "room-pending"
    assert described.seen == set(described.document["channels"]["room"]["messages"])


async def test_every_frame_of_a_persons_stream_matches_the_document(
    one: Client, other: Client, server: SideProServer
) -> None:
    async with http_client(server.url) as http:
        document = (await http.get("/api/asyncapi.json")).json()
    described = Described(document, "person")
    issued = await one.call("POST", "/me/socket-tickets")
    assert issued["path"] == document["channels"]["person"]["address"]
    async with one.stream(issued["ticket"]) as stream:
        await described.until(stream, "hello")
        room_id = await one.open_room_with(other)
        assert (await described.until(stream, "room"))["room"]["id"] == room_id
        await other.call("POST", f"/rooms/{room_id}/messages", {"body": "커피?"})
        await described.until(stream, "badge")
        await one.call("DELETE", f"/rooms/{room_id}")
        while (await described.until(stream, "room"))["room"] is not None:
            pass
        project = await one.publish()
        await other.call("POST", f"/projects/{project['id']}/comments", {"body": "멋져요"})
        told = (await described.until(stream, "notification"))["notification"]
        assert told["project"] == {"id": project["id"], "title": project["title"]}
        asker = Client(one.http)
        await asker.register()
        body = {"user_id": one.id, "introduction": "안녕하세요"}
        request = await asker.call("POST", "/chat-requests", body)
        assert (await described.until(stream, "request"))["request"] == request
        await stream.connection.send("{}")
        await described.until(stream, "error")
    assert described.seen == set(document["channels"]["person"]["messages"])


async def test_the_document_rejects_the_frames_that_the_server_rejects(
    described: Described,
) -> None:
    refused = []
    for text in BAD:
        try:
            refused.append(json.loads(text))
        except (ValueError, RecursionError):
            continue  # not JSON
    refused += [
        {"type": "send", "client_id": "a", "body": body} for body in ("", " \n", "x" * 4001)
    ]
    refused += [{"type": "send", "client_id": name, "body": "a"} for name in ("", " ", "x" * 65)]
    assert len(refused) > 20
    # sent as a binary frame in the other test
    wrongly = [frame for frame in refused if described.may_be_sent(frame)]
    assert wrongly == [{"type": "typing"}]
