"""`Idempotency-Key`: a request that is sent again is not done again."""

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
from tests.api.client import NOBODY, PREFIX, Api, Json, Person, problem, project
from tests.api.fixtures import serving
from tests.databases import Databases, both_databases
from tests.image_files import picture, saved

pytestmark = [pytest.mark.anyio, both_databases]

KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Route:
    """A route with two different bodies, and how many things it has made."""

    path: str
    bodies: tuple[Json, Json]
    made: Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Stage:
    api: Api
    one: Person
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


async def post(api: Api, path: str, body: Any, by: Person, key: str = "a-key") -> httpx.Response:
    return await api.send("POST", path, body, by=by, headers={KEY: key})


def same(one: httpx.Response, other: httpx.Response) -> None:
    """The second answer is the first one again, and says so."""
    assert (one.status_code, one.content) == (other.status_code, other.content)
    for header in ("Location", "ETag", "Content-Type"):
        assert one.headers.get(header) == other.headers.get(header)
    assert REPLAYED not in one.headers
    assert other.headers[REPLAYED] == "true"


@pytest.mark.parametrize("name", ROUTES)
async def test_sent_again_it_gets_the_first_answer_again(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    before = await route.made()
    first = await post(stage.api, route.path, route.bodies[0], stage.one)
    assert first.status_code == 201, first.text
    for _ in range(2):
        same(first, await post(stage.api, route.path, route.bodies[0], stage.one))
    assert await route.made() == before + 1


@pytest.mark.parametrize("name", ROUTES)
async def test_with_other_content_it_is_refused(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    await post(stage.api, route.path, route.bodies[0], stage.one)
    before = await route.made()
    again = await post(stage.api, route.path, route.bodies[1], stage.one)
    problem(again, 422, "idempotency-key-reused")
    assert await route.made() == before


@pytest.mark.parametrize("name", ROUTES)
async def test_many_at_once_are_one(stage: Stage, name: str) -> None:
    route = stage.routes[name]
    before = await route.made()
    answers = await asyncio.gather(
        *(post(stage.api, route.path, route.bodies[0], stage.one) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED in answer.headers for answer in answers) == 7
    assert await route.made() == before + 1


async def test_a_room_that_was_there_is_answered_alike(stage: Stage) -> None:
    route = stage.routes["rooms"]
    first = await post(stage.api, route.path, route.bodies[1], stage.one)
    assert first.status_code == 200
    same(first, await post(stage.api, route.path, route.bodies[1], stage.one))


async def test_the_members_of_a_body_may_come_in_another_order(stage: Stage) -> None:
    body = stage.routes["projects"].bodies[0]
    first = await post(stage.api, "/projects", body, stage.one)
    turned = dict(reversed(body.items()))
    same(first, await post(stage.api, "/projects", turned, stage.one))


async def test_a_key_of_somebody_else_or_elsewhere_is_another_key(stage: Stage) -> None:
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


async def test_the_first_answer_stays_though_what_was_made_is_gone(stage: Stage) -> None:
    api, one = stage.api, stage.one
    first = await post(api, "/projects", project(), one)
    await api.send("DELETE", f"/projects/{first.json()['id']}", by=one)
    same(first, await post(api, "/projects", project(), one))


async def test_what_was_refused_may_be_tried_again(stage: Stage) -> None:
    api, one = stage.api, stage.one
    problem(await post(api, "/projects", project(title=" "), one), 422, "invalid")
    first = await post(api, "/projects", project(), one)
    assert first.status_code == 201
    assert REPLAYED not in first.headers


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("key", ["", "k" * 65, "two words", "a\ttab"])
async def test_a_key_is_1_to_64_visible_characters(stage: Stage, name: str, key: str) -> None:
    route = stage.routes[name]
    before = await route.made()
    response = await stage.api.send(
        "POST", route.path, route.bodies[0], by=stage.one, headers={KEY: key}
    )
    assert problem(response, 422, "invalid") == [KEY]
    assert await route.made() == before


async def test_what_is_not_there_comes_before_a_bad_key(stage: Stage) -> None:
    path = f"/projects/{NOBODY}/comments"
    response = await post(stage.api, path, {"body": "x"}, stage.one, key="k" * 65)
    problem(response, 404, "not-found")


# --------------------------------------------------------------------------------------- images


async def upload(api: Api, by: Person, data: bytes, key: str = "a-key") -> httpx.Response:
    return await api.http.post(
        f"{PREFIX}/images", files={"file": ("x.png", data)}, headers={**by.headers, KEY: key}
    )


async def stored_images(api: Api, person: Person) -> int:
    found = (await api.send("GET", "/me/export", by=person)).json()
    return len(found["images"])


async def test_an_image_sent_again_is_kept_once(api: Api) -> None:
    person = await api.sign_up()
    data = saved(picture())
    first = await upload(api, person, data)
    assert first.status_code == 201
    same(first, await upload(api, person, data))
    problem(await upload(api, person, saved(picture((9, 9)))), 422, "idempotency-key-reused")
    assert await stored_images(api, person) == 1


@pytest.mark.parametrize("room", [1.5, 99.0], ids=["room-for-one", "room-for-all"])
async def test_an_image_sent_many_times_at_once_is_kept_and_counted_once(
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
            work = api.platform.api.services.images.unit_of_work
            async with work() as unit:
                assert await unit.images.bytes_of(UserId(UUID(person.id))) == size
            await api.platform.api.services.images.remove_unused()
            files = [file for file in (tmp_path / "images").rglob("*") if file.is_file()]
            assert len(files) == 1


# ----------------------------------------------------------------------------------------- time


async def test_after_a_day_the_same_key_does_it_again(stage: Stage) -> None:
    first = await post(stage.api, "/projects", project(), stage.one)
    same(first, await post(stage.api, "/projects", project(), stage.one))
    async with stage.api.platform.database.writing() as connection:
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
