"""`GET /me/export`: one document with all that is held about the caller."""

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

from sidepro.api.routes.data_export import Export
from sidepro.bootstrap import Container, application
from sidepro.domain.data_export import data_export_service as archive
from sidepro.domain.data_export.data_export_service import DataExportReader, RecordT
from sidepro.domain.errors import NotAuthenticated, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.http.middleware import Middleware
from tests.api.client import NOBODY, Api, Json, Person, problem
from tests.api.schemas import moment
from tests.image_files import picture, saved
from tests.servers import HOST

pytestmark = pytest.mark.anyio


async def busy(api: Api) -> tuple[Person, Person, Json]:
    """Somebody who has done everything, somebody else who has too, and what was made."""
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
        await api.say(person, made["room"], f"said by {person.username}", client_id="first")
    await api.platform.similarity.run()
    return one, other, made


async def export(api: Api, person: Person) -> tuple[httpx.Response, Export]:
    response = await api.send("GET", "/me/export", by=person)
    assert response.status_code == 200, response.text
    # strictly: with every member, and none besides
    document = msgspec.json.decode(response.content, type=Export, strict=True)
    assert response.json() == msgspec.json.decode(msgspec.json.encode(document))
    return response, document


async def test_it_has_everything_that_one_made_and_nothing_of_others(fresh_api: Api) -> None:
    one, other, made = await busy(fresh_api)
    response, held = await export(fresh_api, one)

    assert (str(held.account.id), held.account.email) == (one.id, one.email)
    assert held.account.profile is not None
    assert held.account.profile.bio == f"bio of {one.username}"
    assert [session.user_agent for session in held.sessions] == ["tests"]
    assert [address.address for address in held.known_addresses] == ["127.0.0.1"]
    assert [image.url for image in held.images] == [made["image"]["url"]]
    (project,) = held.projects
    assert project.content == made["project"]["content"]
    assert (project.bookmark_count, project.comment_count) == (2, 2)
    assert [comment.body for comment in held.comments] == [f"by {one.username}"]
    assert [str(bookmark.project_id) for bookmark in held.bookmarks] == [made["project"]["id"]]
    (room,) = held.rooms
    assert str(room.participant_id) == other.id
    assert [message.body for message in held.messages] == [f"said by {one.username}"]
    assert [str(near.user_id) for near in held.similar_people] == [other.id]
    for secret in (other.email, other.username, "argon2", "hash", "refresh"):
        assert secret not in response.text


async def test_it_comes_as_a_file_that_nobody_keeps(api: Api) -> None:
    person = await api.sign_up()
    response, held = await export(api, person)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in response.headers, "it is streamed"
    assert held.projects == []
    assert moment(response.json()["account"]["created_at"])


async def test_it_has_what_does_not_fit_into_one_batch(api: Api) -> None:
    person = await api.sign_up()
    made = await api.publish(person)
    for number in range(25):
        await api.publish(person, title=f"title {number}")
    await asyncio.gather(*(api.comment(person, made, f"comment {n}") for n in range(30)))
    _, held = await export(api, person)
    assert len(held.projects) == 26
    assert {comment.body for comment in held.comments} == {f"comment {n}" for n in range(30)}


async def test_of_somebody_who_is_gone_there_is_none(api: Api) -> None:
    gone = Caller(UserId(UUID(NOBODY)), SessionId(UUID(NOBODY)), is_admin=False)
    with pytest.raises(NotAuthenticated):
        await api.platform.dependencies.services.archive.account(gone)


class Broken:
    """An archive that fails in the middle."""

    def __init__(self, sound: DataExportReader, at: str) -> None:
        self._sound, self._at = sound, at

    async def account(self, user_id: UserId) -> archive.ExportedAccount | None:
        if self._at == "the beginning":
            raise Unavailable
        return await self._sound.account(user_id)

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        async for batch in self._sound.section(kind, user_id):
            yield batch
        if kind is archive.ExportedComment:
            raise Unavailable


@contextlib.asynccontextmanager
async def served(platform: Container) -> AsyncIterator[str]:
    """A real server of this platform, in this process; its address."""
    app: Any = Middleware(application(platform, with_jobs=False))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, 10)


def breaking(platform: Container, at: str) -> Container:
    services = platform.dependencies.services
    reader = Broken(services.archive.reader, at)
    services = replace(services, archive=replace(services.archive, reader=reader))
    return replace(platform, dependencies=replace(platform.dependencies, services=services))


async def read(response: httpx.Response, pieces: list[str]) -> None:
    async for piece in response.aiter_text():
        pieces.append(piece)  # noqa: PERF401 - what came before it broke off counts


async def test_one_that_was_cut_off_does_not_look_whole(fresh_api: Api) -> None:
    one, _, _ = await busy(fresh_api)
    async with (
        served(breaking(fresh_api.platform, "the middle")) as address,
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


async def test_one_that_cannot_begin_is_a_problem(fresh_api: Api) -> None:
    person = await fresh_api.sign_up()
    platform = breaking(fresh_api.platform, "the beginning")
    broken = Api(platform, application(platform, with_jobs=False))
    async with broken.http:
        problem(await broken.send("GET", "/me/export", by=person), 503, "unavailable")
