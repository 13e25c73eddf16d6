"""The busiest person of the demo data withdraws: nothing is left, and no count is wrong."""

import asyncio
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from sidepro.adapters.demo import population
from sidepro.adapters.sql import tables
from sidepro.adapters.sql.counters import drifts
from sidepro.adapters.sql.database import Database
from sidepro.cli.data import seed_if_empty
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.shared import UserId
from tests.api.client import PASSWORD, Api, Person, answer, problem, project
from tests.api.shapes import ROOM, TOKENS
from tests.pictures import picture, saved

pytestmark = pytest.mark.anyio


async def busiest(database: Database) -> UserId:
    """Who has most rows that refer to them."""
    people: dict[UUID, int] = {}
    async with database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table is tables.users:
                    for user_id in await connection.scalars(select(key.parent)):
                        people[user_id] = people.get(user_id, 0) + 1
    people.pop(None, None)  # type: ignore[call-overload]  # a reference may be empty
    return UserId(max(people, key=lambda user_id: people[user_id]))


async def entered(api: Api, user_id: UserId) -> tuple[AccountView, Person]:
    """Somebody of the demo data, logged in."""
    account = await api.platform.parts.services.accounts.user(user_id)
    log_in = {"email": account.email, "password": population.DEMO_PASSWORD}
    tokens = await api.ok(TOKENS, "POST", "/sessions", log_in, status=201)
    token = tokens["access_token"]
    return account, Person(str(user_id), account.email, account.username, token)


def legible(value: object) -> str:
    """A value as text, of bytes both the digits and what they may mean."""
    if isinstance(value, bytes):
        return f"{value.hex()} {value.decode('utf-8', 'replace')}"
    return str(value)


async def everything(database: Database) -> dict[str, str]:
    """All rows of all tables, as text."""
    found = {}
    async with database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            rows = (await connection.execute(select(table))).all()
            found[table.name] = "\n".join(" ".join(map(legible, row)) for row in rows)
    return found


async def test_nothing_is_left_of_who_withdraws_and_no_count_is_wrong(fresh_api: Api) -> None:
    api, platform = fresh_api, fresh_api.platform
    services, database = platform.parts.services, fresh_api.platform.database
    assert await seed_if_empty(platform)
    account, person = await entered(api, await busiest(database))
    image = await api.image(person, saved(picture()))
    await api.profile(person, "Python", image_id=image["id"])
    await api.publish(person, thumbnail_id=image["id"], content=f"![a picture]({image['url']})")
    asker = await api.sign_up()
    asked = await api.send(
        "POST", "/rooms", {"user_id": person.id}, by=asker, headers={"Idempotency-Key": "coffee"}
    )
    assert asked.status_code == 201
    await platform.similarity.run()
    names = [person.id, UUID(person.id).hex, account.username, account.email]
    before = await everything(database)
    for table in (
        "neighbours",
        "rooms",
        "messages",
        "comments",
        "bookmarks",
        "known_addresses",
        "attempts",
    ):
        assert any(name in before[table] for name in names), f"{table} says nothing of them"

    withdrawal = {"password": population.DEMO_PASSWORD}
    assert (await api.send("DELETE", "/me", withdrawal, by=person)).status_code == 204
    assert await services.images.remove_unused() == 1

    after = await everything(database)
    left = {table: [name for name in names if name in after[table]] for table in after}
    assert {table: found for table, found in left.items() if found} == {}
    assert await drifts(database) == []
    assert (await api.send("GET", f"/{image['url']}")).status_code == 404
    problem(await api.send("GET", "/me", by=person), 401, "not-authenticated")
    problem(await api.send("GET", f"/users/{person.id}"), 404, "not-found")


async def test_rooms_that_are_asked_for_during_a_withdrawal_have_nobody_in_them_who_is_gone(
    api: Api,
) -> None:
    for _ in range(5):
        going = await api.sign_up()
        askers = [await api.sign_up() for _ in range(4)]
        withdrawal = {"password": PASSWORD}

        gone, *answers = await asyncio.gather(
            api.send("DELETE", "/me", withdrawal, by=going),
            *(api.send("POST", "/rooms", {"user_id": going.id}, by=one) for one in askers),
        )

        assert gone.status_code == 204, gone.text
        for asker, response in zip(askers, answers, strict=True):
            await left_behind(api, asker, response)


async def left_behind(api: Api, asker: Person, response: httpx.Response) -> None:
    """Whoever came too late hears that nobody is there, everybody else has a room of their own."""
    rooms = (await api.send("GET", "/rooms", by=asker)).json()["items"]
    if response.status_code == 404:
        assert rooms == []
        return
    asked = answer(response, ROOM)
    (room,) = rooms
    assert (room["id"], room["participant"], room["status"]) == (asked["id"], None, "pending")


async def test_a_project_published_during_a_withdrawal_stays_with_nobody(api: Api) -> None:
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
    assert await drifts(api.platform.database) == []
