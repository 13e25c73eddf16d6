"""`GET /me/export`: one document with everything stored about the caller."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import uvicorn

from sidepro.bootstrap import Container, application
from sidepro.domain.data_export.ports import DataExportReader, RecordT
from sidepro.domain.data_export.views import Export, ExportedAccount, ExportedComment
from sidepro.domain.errors import NotAuthenticated, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.http.middleware.middleware import Middleware
from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json, problem
from tests.api.schemas import moment
from tests.image_files import picture, saved
from tests.servers import HOST

pytestmark = pytest.mark.anyio


async def two_active_people(api: Api) -> tuple[ApiUser, ApiUser, Json]:
    """Two people with data in every section, and what the first one created."""
    one, other = await api.sign_up("하나"), await api.sign_up("둘")
    made: Json = {}
    for person in (other, one):
        await api.profile(person, "Python", bio=f"bio of {person.username}")
        made["project"] = await api.publish(person, title=f"title of {person.id[-12:]}")
        made["image"] = await api.image(person, saved(picture((8, 6))))
    for person in (other, one):
        made["comment"] = await api.comment(person, made["project"], f"by {person.username}")
        await api.bookmark(person, made["project"])
    made["room"] = await api.room(one, other)
    for person in (one, other):
        await api.send_message(
            person, made["room"], f"said by {person.username}", client_id="first"
        )
    await api.container.similarity.run()
    return one, other, made


async def export(api: Api, person: ApiUser) -> tuple[httpx.Response, Export]:
    response = await api.send("GET", "/me/export", by=person)
    assert response.status_code == 200, response.text
    # The decoder wants every member; the comparison finds additional ones.
    document = msgspec.json.decode(response.content, type=Export, strict=True)
    assert response.json() == msgspec.json.decode(msgspec.json.encode(document))
    return response, document


async def test_everything_of_the_caller_and_nothing_of_others_is_exported(fresh_api: Api) -> None:
    one, other, made = await two_active_people(fresh_api)
    response, exported = await export(fresh_api, one)

    assert (str(exported.account.id), exported.account.email) == (one.id, one.email)
    assert exported.account.profile is not None
    assert exported.account.profile.bio == f"bio of {one.username}"
    assert [session.user_agent for session in exported.sessions] == ["tests"]
    assert [address.address for address in exported.known_addresses] == ["127.0.0.1"]
    assert [image.url for image in exported.images] == [made["image"]["url"]]
    (project,) = exported.projects
    assert project.content == made["project"]["content"]
    assert (project.bookmark_count, project.comment_count) == (2, 2)
    assert [comment.body for comment in exported.comments] == [f"by {one.username}"]
    assert [str(bookmark.project_id) for bookmark in exported.bookmarks] == [made["project"]["id"]]
    (room,) = exported.rooms
    assert str(room.participant_id) == other.id
    assert [message.body for message in exported.messages] == [f"said by {one.username}"]
    assert [str(near.user_id) for near in exported.similar_people] == [other.id]
    for secret in (other.email, other.username, "argon2", "hash", "refresh"):
        assert secret not in response.text


async def test_the_export_is_a_streamed_attachment_that_is_not_cached(api: Api) -> None:
    person = await api.sign_up()
    response, exported = await export(api, person)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in response.headers, "the response is streamed"
    assert exported.projects == ()
    assert moment(response.json()["account"]["created_at"])


async def test_all_batches_are_exported(api: Api) -> None:
    person = await api.sign_up()
    made = await api.publish(person)
    for number in range(25):
        await api.publish(person, title=f"title {number}")
    await asyncio.gather(*(api.comment(person, made, f"comment {n}") for n in range(30)))
    _, exported = await export(api, person)
    assert len(exported.projects) == 26
    assert {comment.body for comment in exported.comments} == {f"comment {n}" for n in range(30)}


async def test_a_deleted_account_has_no_export(api: Api) -> None:
    deleted = Caller(UserId(UUID(UNKNOWN_ID)), SessionId(UUID(UNKNOWN_ID)), is_admin=False)
    with pytest.raises(NotAuthenticated):
        await api.container.api.services.data_export.account(deleted)


class FailingReader:
    """Fails at the start of an export, or after its comments."""

    def __init__(self, reader: DataExportReader, *, at_start: bool) -> None:
        self._reader, self._at_start = reader, at_start

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        if self._at_start:
            raise Unavailable
        return await self._reader.account(user_id)

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        async for batch in self._reader.section(kind, user_id):
            yield batch
        if kind is ExportedComment:
            raise Unavailable


@contextlib.asynccontextmanager
async def running_server(container: Container) -> AsyncIterator[str]:
    """A real server of the container in this process; yields its base URL."""
    app: Any = Middleware(application(container, with_jobs=False))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, 10)


def with_failing_reader(container: Container, *, at_start: bool) -> Container:
    services = container.api.services
    reader = FailingReader(services.data_export.reader, at_start=at_start)
    services = replace(services, data_export=replace(services.data_export, reader=reader))
    return replace(container, api=replace(container.api, services=services))


async def read(response: httpx.Response, pieces: list[str]) -> None:
    async for piece in response.aiter_text():
        pieces.append(piece)  # noqa: PERF401 - keeps what arrived before the error


async def test_an_aborted_export_is_not_valid_json(fresh_api: Api) -> None:
    one, _, _ = await two_active_people(fresh_api)
    async with (
        running_server(with_failing_reader(fresh_api.container, at_start=False)) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, headers=one.headers) as http,
        http.stream("GET", "/api/v1/me/export") as response,
    ):
        assert response.status_code == 200
        pieces: list[str] = []
        with pytest.raises(httpx.RemoteProtocolError):
            await read(response, pieces)
    text = "".join(pieces)
    assert f"by {one.username}" in text
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text)


async def test_an_export_that_cannot_start_is_a_problem(fresh_api: Api) -> None:
    person = await fresh_api.sign_up()
    container = with_failing_reader(fresh_api.container, at_start=True)
    failing = Api(container, application(container, with_jobs=False))
    async with failing.http:
        problem(await failing.send("GET", "/me/export", by=person), 503, "unavailable")
