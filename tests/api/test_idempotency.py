"""`Idempotency-Key`: a repeated request gets the first response and has no second effect."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update

from sidepro.adapters.images.codec import PillowCodec
from sidepro.adapters.sql.schema import tables
from sidepro.domain.idempotency import RESPONSE_TTL
from sidepro.domain.ids import UserId
from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json, problem, project
from tests.api.fixtures import serving
from tests.databases import Databases, both_databases
from tests.image_files import picture, saved

pytestmark = [pytest.mark.anyio, both_databases]

KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Route:
    """A route with two different bodies, and a count of the resources it has created."""

    path: str
    bodies: tuple[Json, Json]
    count: Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Stage:
    api: Api
    one: ApiUser
    routes: dict[str, Route]


ROUTES = ["projects", "comments", "rooms", "messages"]


@pytest.fixture
async def stage(api: Api) -> Stage:
    one, other, third = [await api.sign_up() for _ in range(3)]
    made = await api.publish(other)
    room = await api.room(one, other)

    def counting(path: str, **query: Any) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            found = (await api.send("GET", path, by=one, query=query)).json()
            return int(found.get("total", found.get("last_seq")))

        return count

    comments, messages = f"/projects/{made['id']}/comments", f"/rooms/{room['id']}/messages"
    routes = {
        "projects": Route(
            "/projects",
            (project(), project(title="Another one")),
            counting(f"/users/{one.id}/projects", total=True),
        ),
        "comments": Route(
            comments, ({"body": "멋져요"}, {"body": "Nice"}), counting(comments, total=True)
        ),
        "rooms": Route(
            "/rooms",
            ({"user_id": third.id}, {"user_id": other.id}),
            counting("/rooms", total=True),
        ),
        "messages": Route(messages, ({"body": "안녕"}, {"body": "Hello"}), counting(messages)),
    }
    return Stage(api, one, routes)


async def post(api: Api, path: str, body: Any, by: ApiUser, key: str = "a-key") -> httpx.Response:
    return await api.send("POST", path, body, by=by, headers={KEY: key})


def assert_replayed(one: httpx.Response, other: httpx.Response) -> None:
    """The second response has the same bytes as the first, and the header that says so."""
    assert (one.status_code, one.content) == (other.status_code, other.content)
    for header in ("Location", "ETag", "Content-Type"):
        assert one.headers.get(header) == other.headers.get(header)
    assert REPLAYED not in one.headers
    assert other.headers[REPLAYED] == "true"


@pytest.mark.parametrize("name", ROUTES)
async def test_a_repeated_request_gets_the_first_response(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    before = await route.count()
    first = await post(stage.api, route.path, route.bodies[0], stage.one)
    assert first.status_code == 201, first.text
    for _ in range(2):
        assert_replayed(first, await post(stage.api, route.path, route.bodies[0], stage.one))
    assert await route.count() == before + 1


@pytest.mark.parametrize("name", ROUTES)
async def test_other_content_with_the_same_key_is_refused(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    await post(stage.api, route.path, route.bodies[0], stage.one)
    before = await route.count()
    again = await post(stage.api, route.path, route.bodies[1], stage.one)
    problem(again, 422, "idempotency-key-reused")
    assert await route.count() == before


@pytest.mark.parametrize("name", ROUTES)
async def test_concurrent_requests_with_one_key_take_effect_once(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    before = await route.count()
    answers = await asyncio.gather(
        *(post(stage.api, route.path, route.bodies[0], stage.one) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 7
    assert await route.count() == before + 1


async def test_an_existing_room_is_replayed_too(stage: Stage) -> None:
    route = stage.routes["rooms"]
    first = await post(stage.api, route.path, route.bodies[1], stage.one)
    assert first.status_code == 200
    assert_replayed(first, await post(stage.api, route.path, route.bodies[1], stage.one))


async def test_the_order_of_members_does_not_matter(stage: Stage) -> None:
    body = stage.routes["projects"].bodies[0]
    first = await post(stage.api, "/projects", body, stage.one)
    reordered = dict(reversed(body.items()))
    assert_replayed(first, await post(stage.api, "/projects", reordered, stage.one))


async def test_a_key_belongs_to_its_user_and_operation(stage: Stage) -> None:
    api, route = stage.api, stage.routes["comments"]
    other = await api.sign_up()
    answers = [
        await post(api, route.path, route.bodies[0], stage.one),
        await post(api, route.path, route.bodies[0], other),
        await post(api, stage.routes["messages"].path, route.bodies[0], stage.one),
        await post(api, route.path, route.bodies[0], stage.one, key="A-key"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert not any(REPLAYED in answer.headers for answer in answers)


async def test_a_refused_request_leaves_the_key_free(stage: Stage) -> None:
    api, one = stage.api, stage.one
    problem(await post(api, "/projects", project(title=" "), one), 422, "invalid")
    first = await post(api, "/projects", project(), one)
    assert first.status_code == 201
    assert REPLAYED not in first.headers


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("key", ["", "k" * 65, "two words", "a\ttab"])
async def test_a_key_is_1_to_64_visible_characters(stage: Stage, name: str, key: str) -> None:
    route = stage.routes[name]
    before = await route.count()
    response = await stage.api.send(
        "POST", route.path, route.bodies[0], by=stage.one, headers={KEY: key}
    )
    assert problem(response, 422, "invalid") == [KEY]
    assert await route.count() == before


async def test_not_found_takes_precedence_over_a_bad_key(stage: Stage) -> None:
    path = f"/projects/{UNKNOWN_ID}/comments"
    response = await post(stage.api, path, {"body": "x"}, stage.one, key="k" * 65)
    problem(response, 404, "not-found")


# --------------------------------------------------------------------------------------- images


async def upload(api: Api, by: ApiUser, data: bytes, key: str = "a-key") -> httpx.Response:
    return await api.http.post(
        f"{PREFIX}/images", files={"file": ("x.png", data)}, headers={**by.headers, KEY: key}
    )


async def stored_images(api: Api, person: ApiUser) -> int:
    found = (await api.send("GET", "/me/export", by=person)).json()
    return len(found["images"])


async def test_a_repeated_upload_stores_one_image(api: Api) -> None:
    person = await api.sign_up()
    data = saved(picture())
    first = await upload(api, person, data)
    assert first.status_code == 201
    assert_replayed(first, await upload(api, person, data))
    problem(await upload(api, person, saved(picture((9, 9)))), 422, "idempotency-key-reused")
    assert await stored_images(api, person) == 1


@pytest.mark.parametrize("room", [1.5, 99.0], ids=["room-for-one", "room-for-all"])
async def test_concurrent_uploads_with_one_key_store_one_image(
    databases: Databases, tmp_path: Any, room: float
) -> None:
    data = saved(picture())
    codec = PillowCodec(10_000)
    size = len((await codec.encode(io.BytesIO(data))).data)
    codec.close()
    with databases.fresh() as address:
        async with serving(address, tmp_path, image_quota_bytes=round(room * size)) as api:
            person = await api.sign_up()
            answers = await asyncio.gather(*(upload(api, person, data) for _ in range(4)))
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.content for answer in answers}) == 1
            assert await stored_images(api, person) == 1
            work = api.container.api.services.images.unit_of_work
            async with work() as unit:
                assert await unit.images.bytes_of(UserId(UUID(person.id))) == size
            await api.container.api.services.images.remove_unused()
            files = [file for file in (tmp_path / "images").rglob("*") if file.is_file()]
            assert len(files) == 1


# ----------------------------------------------------------------------------------------- time


async def test_a_key_expires_after_a_day(stage: Stage) -> None:
    first = await post(stage.api, "/projects", project(), stage.one)
    assert_replayed(first, await post(stage.api, "/projects", project(), stage.one))
    async with stage.api.container.database.writing() as connection:
        made = tables.attempts.c.created_at
        for attempt in (await connection.execute(select(tables.attempts))).all():
            await connection.execute(
                update(tables.attempts)
                .where(tables.attempts.c.key == attempt.key, made == attempt.created_at)
                .values(created_at=attempt.created_at - RESPONSE_TTL)
            )
        await connection.commit()
    again = await post(stage.api, "/projects", project(), stage.one)
    assert again.status_code == 201
    assert REPLAYED not in again.headers
    assert again.json()["id"] != first.json()["id"]


# ------------------------------------------------------------------- what may no longer be seen


@pytest.mark.parametrize("name", ["projects", "comments", "rooms", "messages", "images"])
async def test_a_replay_shows_only_what_the_caller_may_still_see(stage: Stage, name: str) -> None:
    api, one = stage.api, stage.one
    headers = {KEY: "once"}
    other = await api.sign_up()

    async def request() -> httpx.Response:
        if name == "images":
            files = {"file": ("picture.png", saved(picture(), "PNG"), "image/png")}
            return await api.http.post(
                f"{PREFIX}/images", files=files, headers={**one.headers, **headers}
            )
        return await api.send("POST", path, body, by=one, headers=headers)

    made = await api.publish(other)
    room = await api.room(one, other)
    path, body = {
        "projects": ("/projects", project()),
        "comments": (f"/projects/{made['id']}/comments", {"body": "멋져요"}),
        "rooms": ("/rooms", {"user_id": other.id}),
        "messages": (f"/rooms/{room['id']}/messages", {"body": "안녕"}),
        "images": ("/images", {}),
    }[name]
    first = await request()
    assert first.status_code in (200, 201), first.text
    assert (await request()).headers[REPLAYED] == "true"

    resource = first.json().get("id")
    removed, by = {
        "projects": (f"/projects/{resource}", one),
        "comments": (f"{path}/{resource}", other),
        "rooms": (f"/rooms/{room['id']}", one),
        "messages": (f"/rooms/{room['id']}", one),
        "images": (f"/images/{resource}", one),
    }[name]
    assert (await api.send("DELETE", removed, by=by)).status_code == 204

    problem(await request(), 404, "not-found")
