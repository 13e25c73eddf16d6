"""The AsyncAPI document of the sockets, generated from the frames.

Actions are from the server's view, as the specification requires: the server *sends* a frame that
clients receive.
"""

import functools
from inspect import cleandoc
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import MediaType, get
from litestar.handlers import HTTPRouteHandler

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import (
    FROM_CLIENT,
    FROM_SERVER,
    PERSON_FROM_SERVER,
    ErrorFrame,
    MessageFrame,
    SendFrame,
)
from sidepro.api.chat.limits import FRAMES as FRAME_LIMIT
from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.frame_examples import FRAMES
from sidepro.api.docs.members import describe_members, tidy
from sidepro.domain.rooms.room_service import MAX_REPLAY
from sidepro.domain.rooms.ticket_service import TICKET_TTL
from sidepro.http.problems.documents import MEDIA_TYPE, ORIGIN_DENIED, problem_document
from sidepro.http.rate_limits import MESSAGES

PATH = "/api/asyncapi.json"
ADDRESS = f"{PREFIX}/rooms/{{room_id}}/socket"
PERSON_ADDRESS = f"{PREFIX}/me/socket"

_CLOSE_CODES = "\n".join(f"- {code:d}: {code.meaning}" for code in CloseCode)

DESCRIPTION = f"""One socket shows one room to one of its two participants. Another one, the
person's stream, tells a person what changes outside of the open room.

**Connecting.** A page requests a ticket (`POST {PREFIX}/rooms/{{room_id}}/socket-tickets`) and
opens the socket with `?ticket=` within {TICKET_TTL} seconds. A ticket is valid once. A program
sends `Authorization: Bearer` instead. If the header is present, the ticket is ignored. An `Origin`
that is not allowed is denied with 403 before the upgrade. In all other cases the server accepts
the connection and closes it with a code.

**Order.** First `hello`; then, with `?after=<seq>`, the messages after that number; then one
`status`; then live frames. Every socket of a room gets its messages as 1, 2, 3 … without gaps or
repeats. Without `after` no messages are replayed. If more than {MAX_REPLAY:,} are missing,
`recovered` is false and none are replayed: read them over HTTP. With `?epoch=`, `recovered` is
also false if the server's data were restored from a backup since: messages that the client has may
be gone, and their numbers given to others. Forget the room and read it over HTTP.

**Sending.** The message with its `client_id` is the acknowledgement that it is stored. Send an
unacknowledged message again with the same `client_id`, on this socket or the next. It is stored
once, and a repeat is answered with the first message on the repeating socket only.

**Limits.** {MESSAGES["limit"].quota // MESSAGES["limit"].window} messages a second with bursts of
{MESSAGES["limit"].quota}, over sockets and HTTP together: a message above the limit is answered
with an `error` and may be repeated a second later.
{FRAME_LIMIT.quota // FRAME_LIMIT.window} frames of any type a second with bursts of
{FRAME_LIMIT.quota}: a frame above the limit closes the socket. `typing` is delivered at most once
a second.

**Blocks.** While one participant blocks the other, the sockets of both stay open and are silent:
after one `status` (`pending`, `left_by` null, only the recipient `online`) there are no `read`,
`typing` and `status` frames until the block ends, which is a `status` too. A message is answered
with the `error` `room-pending`. `writable` of the room is false.

**The person's stream** begins with `hello`, then tells of each change by a frame with the latest
state: of the badges, a changed room, a notification. So nothing is replayed after a reconnect. It
opens like the socket of a room, with a token or a ticket of its own (`POST
{PREFIX}/me/socket-tickets`). Clients send nothing: any frame is answered with an `error`. It is no
presence.

**Frames** are text, one JSON object each, distinguished by `type`. The server pings and closes the
connection of a client that does not answer within ten seconds.

**Close codes**

{_CLOSE_CODES}
"""


_SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, for programs.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": f"For pages: valid once, for {TICKET_TTL} seconds.",
    },
}


LOCAL_URL = "http://127.0.0.1:8000"
"""The server in the document if the public address is not known."""


def document(version: str, public_url: str = "") -> dict[str, Any]:
    """The AsyncAPI 3.0 document of the service at `public_url`."""
    public_url = public_url or LOCAL_URL
    frames = {**FROM_SERVER, **FROM_CLIENT, **PERSON_FROM_SERVER}
    references, schemas = msgspec.json.schema_components(
        frames.values(), ref_template="#/components/schemas/{name}"
    )
    described = {name: tidy(schemas[name]) for name in sorted(schemas)}
    describe_members(
        described,
        [
            (reference, msgspec.to_builtins(example))
            for frame, reference in zip(frames.values(), references, strict=True)
            for example in FRAMES[frame]
        ],
    )
    return {
        "asyncapi": "3.0.0",
        "id": "urn:sidepro:chat",
        "info": {
            "title": "SidePro sockets",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
            "externalDocs": {
                "url": f"{public_url}/api/docs",
                "description": "The rest of the API, over HTTP.",
            },
        },
        "defaultContentType": "application/json",
        "servers": {"public": _server(public_url)},
        "channels": {
            "room": _room_channel(urlsplit(public_url).path),
            "person": _person_channel(urlsplit(public_url).path),
        },
        "operations": _operations(),
        "components": {
            "messages": {
                name: _message(name, frame, reference)
                for (name, frame), reference in zip(frames.items(), references, strict=True)
            },
            "schemas": described,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def route(version: str, public_url: str = "") -> HTTPRouteHandler:
    """The route of the document."""

    @functools.cache
    def content() -> bytes:
        return msgspec.json.encode(document(version, public_url))

    @get(PATH, media_type=MediaType.JSON, include_in_schema=False)
    async def chat_socket() -> bytes:
        return content()

    return chat_socket


def _server(public_url: str) -> dict[str, Any]:
    schemes = ("bearer", "ticket")
    address = urlsplit(public_url)
    return {
        "host": address.netloc,
        **({"pathname": address.path} if address.path else {}),
        "protocol": "wss" if address.scheme == "https" else "ws",
        "description": "The public address of this service.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes],
    }


def _room_channel(base_path: str) -> dict[str, Any]:
    query = {
        "ticket": {"type": "string", "description": "A ticket for this room."},
        "after": {
            "type": "integer",
            "minimum": 0,
            "description": "The number of the last message that the client has.",
        },
        "epoch": {
            "type": "string",
            "description": "The `epoch` of the last `hello` that the client got.",
        },
    }
    return {
        "address": ADDRESS,
        "title": "A room",
        "parameters": {"room_id": {"description": "The id of the room."}},
        **_channel([*FROM_SERVER, *FROM_CLIENT], query, base_path),
    }


def _person_channel(base_path: str) -> dict[str, Any]:
    query = {"ticket": {"type": "string", "description": "A ticket for this socket."}}
    return {
        "address": PERSON_ADDRESS,
        "title": "A person's stream",
        **_channel([*PERSON_FROM_SERVER], query, base_path),
    }


def _channel(names: list[str], properties: dict[str, Any], base_path: str) -> dict[str, Any]:
    query = {"type": "object", "properties": properties, "additionalProperties": False}
    headers = {
        "type": "object",
        "properties": {
            "Authorization": {"type": "string", "description": "`Bearer <access token>`"},
            "Origin": {"type": "string", "description": "The page's origin, sent by browsers."},
        },
    }
    return {
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {"method": "GET", "query": query, "headers": headers, "bindingVersion": "0.1.0"}
        },
        "x-close-codes": {f"{code:d}": code.meaning for code in CloseCode},
        "x-before-the-upgrade": {
            "403": {
                "contentType": MEDIA_TYPE,
                "example": problem_document(*ORIGIN_DENIED, base_path=base_path),
            },
        },
    }


def _operations() -> dict[str, Any]:
    def messages(*names: str, channel: str = "room") -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]

    room = {"$ref": "#/channels/room"}
    names = {frame: name for name, frame in {**FROM_SERVER, **FROM_CLIENT}.items()}
    answers = messages(names[MessageFrame], names[ErrorFrame])
    others = [name for name in FROM_CLIENT if name != names[SendFrame]]
    return {
        "tell": {
            "action": "send",
            "channel": room,
            "summary": "Events of the room.",
            "messages": messages(*FROM_SERVER),
        },
        "say": {
            "action": "receive",
            "channel": room,
            "summary": "Send a message; acknowledged by the message itself.",
            "messages": messages(names[SendFrame]),
            "reply": {"channel": room, "messages": answers},
        },
        "signal": {
            "action": "receive",
            "channel": room,
            "summary": "Update the read position, or signal typing. Not acknowledged.",
            "messages": messages(*others),
        },
        "inform": {
            "action": "send",
            "channel": {"$ref": "#/channels/person"},
            "summary": "What changed for the person.",
            "messages": messages(*PERSON_FROM_SERVER, channel="person"),
        },
    }


def _message(name: str, frame: type[msgspec.Struct], reference: dict[str, Any]) -> dict[str, Any]:
    description = cleandoc(frame.__doc__ or "")
    return {
        "name": name,
        "title": str(frame.__struct_config__.tag),
        "summary": description.partition(".")[0] + ".",
        "description": description,
        "contentType": "application/json",
        "payload": reference,
        "examples": [{"payload": msgspec.to_builtins(example)} for example in FRAMES[frame]],
    }
