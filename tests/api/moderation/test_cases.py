"""Cases: the queue, claims, decisions, reversals and their races."""

import asyncio

import pytest

from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json
from tests.api.moderation.reporting import (
    case_of,
    decide,
    log,
    moderator,
    of_project,
    of_user,
    report,
    reverse,
)
from tests.api.schemas import CASE, LISTED_CASE
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


@pytest.fixture(scope="module")
async def judge(api: Api) -> ApiUser:
    return await moderator(api)


async def new_case(api: Api, judge: ApiUser) -> Json:
    target = of_project(await api.publish(await api.sign_up()))
    await report(api, await api.sign_up(), target)
    return await case_of(api, judge, target)


def path(case: Json, what: str) -> str:
    return f"/moderation/cases/{case['id']}/{what}"


async def test_members_are_refused(api: Api, judge: ApiUser) -> None:
    member, case = await api.sign_up(), await new_case(api, judge)
    for called in ("/moderation/cases", f"/moderation/cases/{case['id']}", "/moderation/log"):
        await api.refused(403, "forbidden", "GET", called, by=member)
        await api.refused(403, "forbidden", "GET", called, by=member, query={"limit": 0})
    decision = {"version": 1, "action": "dismiss", "reason": "x"}
    for what, body in (
        ("claim", {"version": 1}),
        ("decisions", decision),
        ("reversals", {"version": 1, "reason": "x"}),
    ):
        await api.refused(403, "forbidden", "POST", path(case, what), body, by=member)
        await api.refused(403, "forbidden", "POST", path(case, what), {}, by=member)


async def test_the_queue_has_most_reports_first_then_the_oldest(fresh_api: Api) -> None:
    api, author = fresh_api, await fresh_api.sign_up()
    judge = await moderator(api)
    projects = [await api.publish(author) for _ in range(5)]
    for number, project in enumerate(projects):
        for _ in range(1 + (number == 3)):
            await report(api, await api.sign_up(), of_project(project))
    await report(api, await api.sign_up(), of_user(author))
    expected = [projects[number]["id"] for number in (3, 0, 1, 2, 4)] + [author.id]
    whole = await api.page(LISTED_CASE, "/moderation/cases", by=judge, total="true")
    assert [case["target_id"] for case in whole["items"]] == expected
    assert whole["total"] == 6
    walked, cursor = [], None
    while True:
        more: Json = {"cursor": cursor} if cursor else {}
        page = await api.page(LISTED_CASE, "/moderation/cases", by=judge, limit=2, **more)
        walked += [case["target_id"] for case in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert walked == expected
    claimed = await case_of(api, judge, of_project(projects[1]))
    await api.ok(CASE, "POST", path(claimed, "claim"), {"version": 1}, by=judge)
    found = await api.page(LISTED_CASE, "/moderation/cases", by=judge, state="claimed")
    assert [case["target_id"] for case in found["items"]] == [projects[1]["id"]]
    found = await api.page(LISTED_CASE, "/moderation/cases", by=judge, kind="user", state="open")
    assert [case["target_id"] for case in found["items"]] == [author.id]


async def test_a_case_is_claimed_decided_and_reversed(api: Api, judge: ApiUser) -> None:
    case = await new_case(api, judge)
    case = await api.ok(CASE, "POST", path(case, "claim"), {"version": 1}, by=judge)
    assert (case["state"], case["version"]) == ("claimed", 2)
    assert case["claimed_by"]["id"] == judge.id
    case = await decide(api, judge, case, "hide", reason="혐오 표현")
    assert (case["state"], case["version"], case["hidden"]) == ("decided", 3, True)
    decision = case["decision"]
    assert (decision["action"], decision["reason"]) == ("hide", "혐오 표현")
    assert decision["moderator"]["id"] == judge.id
    assert [one["state"] for one in case["reports"]] == ["decided"]
    case = await reverse(api, judge, case)
    assert (case["state"], case["version"], case["hidden"]) == ("open", 4, False)
    assert (case["decision"], case["claimed_by"]) == (None, None)
    undo, done = (await log(api, judge))[:2]
    assert (undo["action"], undo["reverses"], undo["case_id"]) == (
        "reverse",
        done["id"],
        case["id"],
    )
    assert (done["action"], done["reason"], done["reverses"]) == ("hide", "혐오 표현", None)
    assert done["moderator"]["id"] == judge.id


@pytest.mark.parametrize("what", ["claim", "decisions", "reversals"])
async def test_of_moderators_who_act_at_once_one_wins(api: Api, judge: ApiUser, what: str) -> None:
    judges = [judge, *[await moderator(api) for _ in range(4)]]
    case = await new_case(api, judge)
    if what == "reversals":
        case = await decide(api, judge, case, "hide")
    body = {
        "claim": {},
        "decisions": {"action": "hide", "reason": "x"},
        "reversals": {"reason": "x"},
    }[what]
    start = asyncio.Event()

    async def act(by: ApiUser) -> int:
        await start.wait()
        sent = {"version": case["version"], **body}
        return (await api.send("POST", path(case, what), sent, by=by)).status_code

    acts = [asyncio.create_task(act(by)) for by in judges]
    await asyncio.sleep(0)
    start.set()
    assert sorted(await asyncio.gather(*acts)) == [200, 409, 409, 409, 409]
    entries = [one for one in await log(api, judge) if one["case_id"] == case["id"]]
    assert len(entries) == {"claim": 0, "decisions": 1, "reversals": 2}[what]


async def test_reversals_and_roles_are_no_decisions(api: Api, judge: ApiUser) -> None:
    case = await new_case(api, judge)
    for action in ("reverse", "role"):
        body = {"version": 1, "reason": "x", "action": action}
        found = await api.refused(422, "invalid", "POST", path(case, "decisions"), body, by=judge)
        assert found == ["/action"]


async def test_an_unknown_case_is_missing(api: Api, judge: ApiUser) -> None:
    unknown = {"id": UNKNOWN_ID}
    await api.refused(404, "not-found", "GET", f"/moderation/cases/{UNKNOWN_ID}", by=judge)
    for what in ("claim", "decisions", "reversals"):
        await api.refused(404, "not-found", "POST", path(unknown, what), {}, by=judge)
