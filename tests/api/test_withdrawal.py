"""The most active demo user withdraws: no data of theirs is left, and no count is wrong."""

import asyncio
import hashlib
import json
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import inspect, select

from sidepro.adapters import system
from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.cli.demo import seed_if_empty
from sidepro.demo.people import DEMO_PASSWORD
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.ids import UserId
from sidepro.domain.projects.trending import day_of
from sidepro.domain.text import casefold_key
from tests.api.client import PASSWORD, Api, ApiUser, answer, problem, project
from tests.api.fixtures import serving
from tests.api.schemas import ROOM, TOKENS
from tests.databases import Databases, both_databases
from tests.image_files import picture, saved
from tests.servers import RedisServer
from tests.servers.s3 import S3

pytestmark = [pytest.mark.anyio, both_databases]


async def busiest(database: Database) -> UserId:
    """The user whom most rows refer to."""
    people: dict[UUID, int] = {}
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table is tables.users:
                    for user_id in await connection.scalars(select(key.parent)):
                        people[user_id] = people.get(user_id, 0) + 1
    people.pop(None, None)  # type: ignore[call-overload]  # a reference may be empty
    return UserId(max(people, key=lambda user_id: people[user_id]))


async def images_of(database: Database, user_id: UserId) -> set[str]:
    """The keys of a user's images. They have at least one."""
    async with database.reading() as connection:
        own = tables.images.c.user_id == user_id
        keys = set(await connection.scalars(select(tables.images.c.key).where(own)))
    assert keys
    return keys


async def logged_in(api: Api, user_id: UserId) -> tuple[AccountView, ApiUser]:
    """A user of the demo data, logged in."""
    account = await api.container.api.services.accounts.reader.account(user_id)
    assert account is not None
    log_in = {"email": account.email, "password": DEMO_PASSWORD}
    tokens = await api.ok(TOKENS, "POST", "/sessions", log_in, status=201)
    token = tokens["access_token"]
    return account, ApiUser(str(user_id), account.email, account.username, token)


@dataclass(frozen=True)
class Deployment:
    """A container and every store that it writes to."""

    api: Api
    images: Callable[[], dict[str, bytes]]
    redis: RedisServer | None = None

    def image_keys(self) -> set[str]:
        """The keys of the stored images, without the bucket's folder."""
        return {name.rpartition("/")[2] for name in self.images()}

    async def everything(self) -> dict[str, str]:
        """The stored data as text, by table, Redis key and object."""
        contents = {}
        for name, value in (self.redis.everything() if self.redis else {}).items():
            contents[f"Redis, {name}"] = f"{name} {legible(value)}"
        for name, value in self.images().items():
            contents[f"image {name}"] = f"{name} {legible(value)}"
        async with self.api.container.database.reading() as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
            for name in names:
                # As the driver returns it, without this version's conversions.
                rows = await connection.exec_driver_sql(f'SELECT * FROM "{name}"')
                contents[name] = "\n".join(" ".join(map(legible, row)) for row in rows)
        return contents


def legible(value: object) -> str:
    """A value as text; bytes as hexadecimal digits and decoded."""
    if isinstance(value, bytes):
        return f"{value.hex()} {value.decode('utf-8', 'replace')}"
    return str(value)


def forms_of(account: AccountView) -> set[str]:
    """Spellings of a user's id, name and email."""
    forms = {str(account.id), account.id.hex}
    for name in (account.username, account.email):
        for form in (name, casefold_key(name), unicodedata.normalize("NFD", name)):
            forms |= {form, json.dumps(form)[1:-1], hashlib.sha256(form.encode()).hexdigest()}
    return forms


@pytest.fixture(
    params=[
        "SQLite",
        pytest.param("PostgreSQL", marks=pytest.mark.servers),
        pytest.param("PostgreSQL, Redis and S3", marks=pytest.mark.servers),
    ]
)
def parts(request: pytest.FixtureRequest) -> Iterator[tuple[str, RedisServer | None, S3 | None]]:
    """The URL of an empty database, and its other servers."""
    name = "sqlite_databases" if request.param == "SQLite" else "postgresql_databases"
    databases: Databases = request.getfixturevalue(name)
    redis = s3 = None
    if "Redis" in request.param:
        redis, s3 = (request.getfixturevalue(name) for name in ("own_redis", "s3"))
    with databases.fresh() as address:
        yield address, redis, s3


@pytest.fixture
async def deployment(
    parts: tuple[str, RedisServer | None, S3 | None], tmp_path: Path
) -> AsyncIterator[Deployment]:
    address, redis, s3 = parts
    if redis is None or s3 is None:

        def files() -> dict[str, bytes]:
            found = tmp_path.glob("images/**/*")
            return {path.name: path.read_bytes() for path in found if path.is_file()}

        async with serving(address, tmp_path, rate_limits=True) as api:
            yield Deployment(api, files)
        return
    bucket = s3.fresh_bucket()
    settings = {"images_url": f"s3://{bucket}/of/people", "s3_endpoint": s3.url}
    async with serving(
        address, tmp_path, rate_limits=True, redis_url=redis.url, **settings
    ) as api:
        yield Deployment(api, lambda: s3.everything(bucket), redis)


EXPECTED = {
    *("users", "profiles", "sessions", "known_addresses", "images", "projects", "comments"),
    *("bookmarks", "rooms", "messages", "attempts", "profile_skills"),
}
"""The tables that refer to a user who has used every feature."""

EXPIRING = {"limit": 3600, "socket-ticket": 30}
"""Prefixes of Redis keys that expire, with their maximum seconds."""


async def test_a_withdrawal_leaves_no_data_and_no_wrong_count(deployment: Deployment) -> None:
    api, container = deployment.api, deployment.api.container
    services, database = container.api.services, container.database
    assert await seed_if_empty(container)
    account, person = await logged_in(api, await busiest(database))
    image = await api.image(person, saved(picture()))
    shown_at = f"/media/{image['url'].rpartition('/')[2]}"
    await api.profile(person, "Python", image_id=image["id"])
    await api.publish(person, thumbnail_id=image["id"], content=f"![a picture]({shown_at})")
    asker = await api.sign_up()
    asked = await api.send(
        "POST", "/rooms", {"user_id": person.id}, by=asker, headers={"Idempotency-Key": "coffee"}
    )
    assert asked.status_code == 201
    ticket = f"/rooms/{asked.json()['id']}/socket-tickets"
    assert (await api.send("POST", ticket, by=person)).status_code == 201
    await container.similarity.run()
    forms = forms_of(account)

    async def naming() -> set[str]:
        contents = await deployment.everything()
        return {place for place, value in contents.items() if any(form in value for form in forms)}

    before = await naming()
    in_redis = {place.partition(":")[0] for place in before if place.startswith("Redis, ")}
    assert before >= EXPECTED
    if deployment.redis:
        assert in_redis == {"Redis, similarity", "Redis, limit", "Redis, socket-ticket"}
    else:
        assert "neighbours" in before
    images = deployment.image_keys()
    own_images = await images_of(database, UserId(UUID(person.id)))
    assert own_images <= images

    withdrawal = {"password": DEMO_PASSWORD}
    assert (await api.send("DELETE", "/me", withdrawal, by=person)).status_code == 204
    assert await services.images.remove_unused() == len(own_images)
    await container.similarity.run()

    left = await naming()
    for place in left:
        assert deployment.redis, f"{place} still names them"
        key = place.removeprefix("Redis, ")
        assert key.partition(":")[0] in EXPIRING, f"{place} still names them"
        assert deployment.redis.seconds_left(key) <= EXPIRING[key.partition(":")[0]]
    assert deployment.image_keys() == images - own_images
    assert await SqlCounterAudit(database).find_drifts() == []
    assert await SqlCounterAudit(database).find_daily_drifts(day_of(system.clock())) == []
    problem(await api.send("GET", "/me", by=person), 401, "not-authenticated")
    problem(await api.send("GET", f"/users/{person.id}"), 404, "not-found")


async def test_rooms_opened_during_a_withdrawal_have_no_withdrawn_participant(
    api: Api,
) -> None:
    for _ in range(5):
        going = await api.sign_up()
        askers = [await api.sign_up() for _ in range(4)]
        withdrawal = {"password": PASSWORD}

        deletion, *answers = await asyncio.gather(
            api.send("DELETE", "/me", withdrawal, by=going),
            *(api.send("POST", "/rooms", {"user_id": going.id}, by=one) for one in askers),
        )

        assert deletion.status_code == 204, deletion.text
        for asker, response in zip(askers, answers, strict=True):
            await left_behind(api, asker, response)


async def left_behind(api: Api, asker: ApiUser, response: httpx.Response) -> None:
    """A request that came too late is 404; every other one has its room."""
    rooms = (await api.send("GET", "/rooms", by=asker)).json()["items"]
    if response.status_code == 404:
        assert rooms == []
        return
    asked = answer(response, ROOM)
    (room,) = rooms
    assert (room["id"], room["participant"], room["status"]) == (asked["id"], None, "pending")


async def test_a_project_published_during_a_withdrawal_is_not_left_over(api: Api) -> None:
    for _ in range(5):
        going, other = await api.sign_up(), await api.sign_up()
        made = await api.publish(other)
        withdrawal = {"password": PASSWORD}
        comment = f"/projects/{made['id']}/comments"

        results = await asyncio.gather(
            api.send("DELETE", "/me", withdrawal, by=going),
            api.send("POST", "/projects", project(), by=going),
            api.send("POST", comment, {"body": "멋져요"}, by=going),
            api.send("PUT", f"/projects/{made['id']}/bookmark", by=going),
        )

        assert results[0].status_code == 204
        assert {one.status_code for one in results[1:]} <= {200, 201, 401, 404}
        cards = (await api.send("GET", "/projects", query={"author": going.id})).json()["items"]
        assert cards == []
    assert await SqlCounterAudit(api.container.database).find_drifts() == []
