"""Suspension, roles, and the log that is only added to."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from sidepro.adapters.sql.schema.moderation_tables import moderation_log
from sidepro.domain.errors import SideProError
from sidepro.domain.identity import Role
from tests.api.client import PASSWORD, Api, ApiUser, Json
from tests.api.moderation.reporting import (
    case_of,
    decided,
    log,
    moderator,
    of_project,
    of_user,
    reverse,
)
from tests.api.schemas import LISTED_CASE, TOKENS
from tests.databases import both_databases
from tests.statement_log import statements

pytestmark = [pytest.mark.anyio, both_databases]


@pytest.fixture(scope="module")
async def judge(api: Api) -> ApiUser:
    return await moderator(api)


async def suspend(api: Api, judge: ApiUser, person: ApiUser, days: int = 3) -> Json:
    return await decided(api, judge, of_user(person), await api.sign_up(), "suspend", days=days)


async def test_a_suspended_person_is_out_until_it_ends(api: Api, judge: ApiUser) -> None:
    person = await api.sign_up()
    credentials = {"email": person.email, "password": PASSWORD}
    tokens = await api.ok(TOKENS, "POST", "/sessions", credentials, status=201)
    case = await suspend(api, judge, person)
    assert (case["decision"]["action"], case["decision"]["days"]) == ("suspend", 3)
    await api.refused(401, "not-authenticated", "GET", "/me", by=person)
    refresh = {"refresh_token": tokens["refresh_token"]}
    for called, body in (("/sessions", credentials), ("/sessions/refresh", refresh)):
        await api.refused(403, "account-suspended", "POST", called, body)
    wrong = {**credentials, "password": "wrong"}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", wrong)
    assert (await api.send("GET", f"/users/{person.id}")).status_code == 200
    # It ends by itself.
    await api.execute(
        "UPDATE users SET suspended_until = '2026-01-01 00:00:00+00:00' WHERE email = :email",
        person,
    )
    await api.log_in(person.email)
    await api.refused(401, "session-ended", "POST", "/sessions/refresh", refresh)


async def test_administrators_give_and_take_roles(api: Api) -> None:
    admin, person = await api.administrator(), await api.sign_up()
    path = f"/moderation/users/{person.id}/role"
    await api.refused(403, "forbidden", "GET", "/moderation/cases", by=person)
    for role, status in (("moderator", 200), ("member", 403), ("admin", 200)):
        changed = await api.send("PUT", path, {"role": role}, by=admin)
        assert (changed.status_code, changed.json()) == (200, {"user_id": person.id, "role": role})
        found = await api.send("GET", "/moderation/cases", by=person)
        assert found.status_code == status
    entries = [one for one in await log(api, admin) if one["target_id"] == person.id]
    assert [(one["action"], one["reason"]) for one in entries] == [
        ("role", "admin"),
        ("role", "member"),
        ("role", "moderator"),
    ]
    own = f"/moderation/users/{admin.id}/role"
    await api.refused(422, "invalid", "PUT", own, {"role": "member"}, by=admin)
    await api.refused(422, "invalid", "PUT", path, {"role": "king"}, by=admin)


async def test_the_command_line_gives_roles(api: Api) -> None:
    person = await api.sign_up()
    await api.container.roles.set_role_of(person.username, Role.MODERATOR)
    await api.page(LISTED_CASE, "/moderation/cases", by=person)
    entry = (await log(api, person))[0]
    assert (entry["moderator"], entry["target_id"]) == (None, person.id)


async def test_moderation_never_changes_the_log(api: Api, judge: ApiUser) -> None:
    with statements(api.container.database) as seen:
        case = await suspend(api, judge, await api.sign_up())
        await reverse(api, judge, case)
    about = [one for one in seen if "moderation_log" in one]
    assert any(one.startswith("INSERT INTO moderation_log") for one in about)
    assert [one for one in about if one.startswith(("UPDATE moderation", "DELETE"))] == [
        one for one in about if one.startswith("UPDATE moderation_cases")
    ]


@pytest.mark.parametrize(
    "change",
    [
        delete(moderation_log),
        update(moderation_log).values(reason="x"),
        update(moderation_log).values(moderator_id=moderation_log.c.id),
        update(moderation_log).values(moderator_id=None, case_id=None),
    ],
    ids=["delete", "reason", "moderator", "case"],
)
async def test_the_database_refuses_changes_of_the_log(
    api: Api, judge: ApiUser, change: object
) -> None:
    await suspend(api, judge, await api.sign_up())
    async with api.container.database.writing() as connection:
        with pytest.raises((DBAPIError, SideProError)):
            await connection.execute(change)  # type: ignore[call-overload]  # any statement


async def test_withdrawal_leaves_cases_and_log_without_names(api: Api) -> None:
    admin, leaving = await api.administrator(), await moderator(api)
    author, reporter = await api.sign_up("nameless"), await api.sign_up()
    await api.profile(author, bio="제 소개")
    project = await api.publish(author)
    for target in (of_user(author), of_project(project)):
        await decided(api, leaving, target, reporter, "warn")
    for person in (leaving, author, reporter):
        left = await api.send("DELETE", "/me", {"password": PASSWORD}, by=person)
        assert left.status_code == 204, left.text
    for target in (of_user(author), of_project(project)):
        case = await case_of(api, admin, target)
        assert case["snapshot"]["author"] is None
        assert case["snapshot"]["user"] is None
        assert case["decision"]["moderator"] is None
        assert (case["report_count"], len(case["reports"])) == (1, 1)
        assert author.username not in str(case)
    assert [one["moderator"] for one in (await log(api, admin))[:2]] == [None, None]
    async with api.container.database.reading() as connection:
        for column in ("reporter_id FROM reports", "author_id FROM moderation_items"):
            ids = (await connection.execute(text(f"SELECT {column}"))).scalars().all()
            assert author.id not in map(str, ids)


async def test_the_export_has_reports_and_decisions(api: Api, judge: ApiUser) -> None:
    author, reporter = await api.sign_up(), await api.sign_up()
    project = await api.publish(author)
    await decided(api, judge, of_project(project), reporter, "warn", reason="광고예요")
    mine = (await api.send("GET", "/me/export", by=author)).json()
    (decision,) = mine["decisions"]
    assert (decision["action"], decision["reason"]) == ("warn", "광고예요")
    assert decision["target_id"] == project["id"]
    assert mine["reports"] == []
    theirs = (await api.send("GET", "/me/export", by=reporter)).json()
    (made,) = theirs["reports"]
    assert (made["target_id"], made["decided_at"] is None) == (project["id"], False)
    assert theirs["decisions"] == []
