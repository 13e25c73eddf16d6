"""All that is held about the caller, as one document that is written while it is read."""

from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.response import Stream

from sidepro.api.dependencies import (
    ApiRequest,
    GivenServices,
    caller_of,
)
from sidepro.api.schemas import Moment, moment
from sidepro.domain.data_export import data_export_service as archive
from sidepro.domain.data_export.data_export_service import DataExportService, Record
from sidepro.domain.identity import Caller


class ExportedProfile(msgspec.Struct):
    """What the caller tells about themselves."""

    bio: str
    image_url: str | None
    github_url: str | None
    skills: list[str]
    region: str | None
    meet_time: str | None
    updated_at: Moment


class ExportedAccount(msgspec.Struct):
    """The caller's account. The password is kept as a hash alone, which is nobody's business."""

    id: UUID
    email: str
    username: str
    is_admin: bool
    is_active: bool
    created_at: Moment
    profile: ExportedProfile | None


class ExportedSession(msgspec.Struct):
    """A log-in. It expires when it is not used, and ends in any case."""

    id: UUID
    user_agent: str | None
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ends_at: Moment


class ExportedAddress(msgspec.Struct):
    """A network address that the caller logged in from lately."""

    address: str
    last_used_at: Moment


class ExportedImage(msgspec.Struct):
    """A picture that the caller sent. Those that nothing shows are removed after a day."""

    id: UUID
    url: str
    width: int
    height: int
    size: int
    created_at: Moment
    unused_since: Moment | None


class ExportedProject(msgspec.Struct):
    """A project of the caller's, with its Markdown."""

    id: UUID
    title: str
    summary: str
    content: str
    repository_url: str | None
    skills: list[str]
    thumbnail_url: str | None
    view_count: int
    bookmark_count: int
    comment_count: int
    revision: int
    created_at: Moment
    updated_at: Moment


class ExportedComment(msgspec.Struct):
    """A comment of the caller's."""

    id: UUID
    project_id: UUID
    body: str
    created_at: Moment
    updated_at: Moment


class ExportedBookmark(msgspec.Struct):
    """A project that the caller bookmarked."""

    project_id: UUID
    created_at: Moment


class ExportedRoom(msgspec.Struct):
    """A room of the caller's; those that they left are here as long as the other one stays."""

    id: UUID
    participant_id: UUID | None
    left_by: UUID | None
    read_seq: int
    last_seq: int
    created_at: Moment
    updated_at: Moment


class ExportedMessage(msgspec.Struct):
    """A message that the caller sent. What others wrote to them is not here."""

    room_id: UUID
    seq: int
    body: str
    client_id: str | None
    sent_at: Moment


class ExportedNeighbour(msgspec.Struct):
    """Somebody with similar skills, whose projects are recommended to the caller."""

    user_id: UUID
    score: float
    shared_skills: list[str]


class Export(msgspec.Struct):
    """All that is held about the caller. One that was cut off is no JSON: ask again then."""

    account: ExportedAccount
    sessions: list[ExportedSession]
    known_addresses: list[ExportedAddress]
    images: list[ExportedImage]
    projects: list[ExportedProject]
    comments: list[ExportedComment]
    bookmarks: list[ExportedBookmark]
    rooms: list[ExportedRoom]
    messages: list[ExportedMessage]
    similar_people: list[ExportedNeighbour]


_SHAPES: dict[type[Record], type[msgspec.Struct]] = {
    archive.ExportedProfile: ExportedProfile,
    archive.ExportedAccount: ExportedAccount,
    archive.ExportedSession: ExportedSession,
    archive.ExportedAddress: ExportedAddress,
    archive.ExportedImage: ExportedImage,
    archive.ExportedProject: ExportedProject,
    archive.ExportedComment: ExportedComment,
    archive.ExportedBookmark: ExportedBookmark,
    archive.ExportedRoom: ExportedRoom,
    archive.ExportedMessage: ExportedMessage,
    archive.ExportedNeighbour: ExportedNeighbour,
}


def _shape(record: Record) -> msgspec.Struct:
    members = {field.name: _member(getattr(record, field.name)) for field in fields(record)}
    return _SHAPES[type(record)](**members)


def _member(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return _shape(value) if isinstance(value, Record) else value


@get(
    "/me/export",
    response_headers=[
        ResponseHeader(
            "Content-Disposition", documentation_only=True, description="A name for the file."
        )
    ],
    summary="Everything that is held about the caller",
)
async def export(request: ApiRequest, services: GivenServices) -> Response[Export]:
    """One JSON document, written while it is read: it has no `Content-Length`."""
    caller = caller_of(request)
    account = await services.archive.account(caller)
    stream = Stream(
        _document(_shape(account), services.archive, caller),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="sidepro-export.json"'},
    )
    return cast("Response[Export]", stream)  # what the stream says when all of it is read


async def _document(
    account: msgspec.Struct, service: DataExportService, caller: Caller
) -> AsyncIterator[bytes]:
    """If anything fails on the way, the brace that closes it is never written, and the server
    breaks the connection off: nobody takes a part for the whole.
    """
    encode = msgspec.json.encode
    yield b'{"account":' + encode(account)
    async for name, batches in service.sections(caller):
        yield b',"' + name.encode() + b'":['
        between = b""
        async for batch in batches:
            yield between + b",".join(encode(_shape(record)) for record in batch)
            between = b","
        yield b"]"
    yield b"}"


router = Router("/", route_handlers=[export], tags=["Accounts"])
