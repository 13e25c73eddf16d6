"""The AsyncAPI document: what goes over the chat socket, made of the frames themselves.

Seen from the server, as the specification asks: it *sends* what clients get, and *receives* what
they send.
"""

from inspect import cleandoc
from typing import Any

import msgspec
from litestar import MediaType, get
from litestar.handlers import HTTPRouteHandler

from sidepro.api.chat.endpoint import (
    BAD_FRAMES_IN_A_ROW,
    INTERNAL,
    TOO_MANY_BAD_FRAMES,
    TOO_MANY_FRAMES,
    TRY_LATER,
)
from sidepro.api.chat.frames import (
    FROM_CLIENT,
    FROM_SERVER,
    ErrorFrame,
    MessageFrame,
    SendFrame,
)
from sidepro.api.chat.handshake import ORIGIN_REFUSED
from sidepro.api.chat.hub import (
    NO_SUCH_ROOM,
    NOT_AUTHENTICATED,
    TOO_SLOW,
)
from sidepro.api.chat.limits import FRAMES as FRAME_LIMIT
from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.examples import FRAMES
from sidepro.domain.rooms.room_service import MAX_REPLAY
from sidepro.domain.rooms.ticket_service import TICKET_TTL
from sidepro.http.problems import MEDIA_TYPE
from sidepro.http.rate_limits import MESSAGES

PATH = "/api/asyncapi.json"
ADDRESS = f"{PREFIX}/rooms/{{room_id}}/socket"

CLOSE_CODES = {
    1009: "A frame was too large.",
    INTERNAL: "Something went wrong on the server's side, or the client answered no ping.",
    1012: "The server goes away (some say 1001): connect again.",
    TRY_LATER: "A store is away: connect again, with pauses that grow.",
    TOO_MANY_BAD_FRAMES: f"`after` is no number, or {BAD_FRAMES_IN_A_ROW} bad frames in a row.",
    NOT_AUTHENTICATED: "No valid token or ticket; or the session that opened the socket ended.",
    NO_SUCH_ROOM: "No such room for the caller; or it went, or the caller left it.",
    TOO_SLOW: "The client did not read what came: connect again with `after`.",
    TOO_MANY_FRAMES: "Too many frames, too many openings, or too many sockets of one user.",
}
"""What the server closes a socket with."""

_CODES = "\n".join(f"- {code}: {about}" for code, about in sorted(CLOSE_CODES.items()))

DESCRIPTION = f"""One socket shows one room to one of the two in it.

**Opening.** A page gets a ticket (`POST {PREFIX}/rooms/{{room_id}}/socket-tickets`) and opens the
socket with `?ticket=` within {TICKET_TTL} seconds: it is good once. A program sends
`Authorization: Bearer` instead; a header that is sent counts, and the ticket is not looked at. An
`Origin` that is sent and not allowed is refused with 403 before the upgrade. All other refusals
are accepted and closed with a code.

**Order.** First `hello`; then, with `?after=<seq>`, the messages behind that number; then one
`status`; then everything as it happens. Every socket of a room sees its messages as 1, 2, 3 …
once each. Without `after` nothing is replayed. When more than {MAX_REPLAY:,} are missing,
`recovered` is false and none is replayed: read them over HTTP.

**Sending.** The message with its `client_id` is the acknowledgement: it is stored. What was not
acknowledged is sent again under the same `client_id`, on this socket or the next: it is stored
once, and its repeat answered with the first message on the socket that repeated it alone.

**Limits.** {MESSAGES["limit"].quota // MESSAGES["limit"].window} messages a second with bursts of
{MESSAGES["limit"].quota}, together with those over HTTP: one too many gets an `error`, and may be
repeated a second later. {FRAME_LIMIT.quota // FRAME_LIMIT.window} frames of any kind a second with
bursts of {FRAME_LIMIT.quota}: one too many closes the socket. `typing` is told once a second.

**Frames** are text, one JSON object each, told apart by `type`. The server pings; whoever does not
answer within ten seconds is taken for gone.

**Close codes**

{_CODES}
"""


def document(version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of this version of the platform."""
    frames = {**FROM_SERVER, **FROM_CLIENT}
    references, schemas = msgspec.json.schema_components(
        frames.values(), ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "id": "urn:sidepro:chat",
        "info": {
            "title": "SidePro chat socket",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
            "externalDocs": {"url": "/api/docs", "description": "The rest of the API, over HTTP."},
        },
        "defaultContentType": "application/json",
        "servers": {scheme: _server(scheme) for scheme in ("wss", "ws")},
        "channels": {"room": _channel(list(frames))},
        "operations": _operations(),
        "components": {
            "messages": {
                name: _message(frame, reference)
                for (name, frame), reference in zip(frames.items(), references, strict=True)
            },
            "schemas": {name: _tidy(schemas[name]) for name in sorted(schemas)},
            "securitySchemes": {
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
                    "description": f"For pages: good once, for {TICKET_TTL} seconds.",
                },
            },
        },
    }


def route(version: str) -> HTTPRouteHandler:
    """The address of the document."""
    written = msgspec.json.encode(document(version))

    @get(PATH, media_type=MediaType.JSON, include_in_schema=False)
    async def chat_socket() -> bytes:
        return written

    return chat_socket


def _server(scheme: str) -> dict[str, Any]:
    kinds = ("bearer", "ticket")
    return {
        "host": "{host}",
        "protocol": scheme,
        "description": "Where this document was found.",
        "variables": {"host": {"default": "127.0.0.1:8000"}},
        "security": [{"$ref": f"#/components/securitySchemes/{kind}"} for kind in kinds],
    }


def _channel(names: list[str]) -> dict[str, Any]:
    query = {
        "type": "object",
        "properties": {
            "ticket": {"type": "string", "description": "A ticket for this room."},
            "after": {
                "type": "integer",
                "minimum": 0,
                "description": "The number of the last message that the client has.",
            },
        },
    }
    headers = {
        "type": "object",
        "properties": {
            "Authorization": {"type": "string", "description": "`Bearer <access token>`"},
            "Origin": {"type": "string", "description": "The page's, as browsers send it."},
        },
    }
    return {
        "address": ADDRESS,
        "title": "A room",
        "parameters": {"room_id": {"description": "The id of the room."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {"method": "GET", "query": query, "headers": headers, "bindingVersion": "0.1.0"}
        },
        "x-close-codes": {str(code): about for code, about in sorted(CLOSE_CODES.items())},
        "x-before-the-upgrade": {
            "403": {"contentType": MEDIA_TYPE, "example": ORIGIN_REFUSED},
        },
    }


def _operations() -> dict[str, Any]:
    def messages(*names: str) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/room/messages/{name}"} for name in names]

    room = {"$ref": "#/channels/room"}
    names = {frame: name for name, frame in {**FROM_SERVER, **FROM_CLIENT}.items()}
    answers = messages(names[MessageFrame], names[ErrorFrame])
    others = [name for name in FROM_CLIENT if name != names[SendFrame]]
    return {
        "tell": {
            "action": "send",
            "channel": room,
            "summary": "What happens in the room.",
            "messages": messages(*FROM_SERVER),
        },
        "say": {
            "action": "receive",
            "channel": room,
            "summary": "Say something; acknowledged by the message itself.",
            "messages": messages(names[SendFrame]),
            "reply": {"channel": room, "messages": answers},
        },
        "signal": {
            "action": "receive",
            "channel": room,
            "summary": "Tell how far one has read, and that one is typing. Not acknowledged.",
            "messages": messages(*others),
        },
    }


def _message(frame: type[msgspec.Struct], reference: dict[str, Any]) -> dict[str, Any]:
    about = cleandoc(frame.__doc__ or "")
    return {
        "name": str(frame.__struct_config__.tag),
        "title": str(frame.__struct_config__.tag),
        "summary": about.partition(".")[0] + ".",
        "description": about,
        "contentType": "application/json",
        "payload": reference,
        "examples": [{"payload": msgspec.to_builtins(example)} for example in FRAMES[frame]],
    }


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"description": cleandoc(schema.get("description", ""))}
