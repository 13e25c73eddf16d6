"""Reporting: by whoever can see something, once while the report stands; three hide."""

import pytest

from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json
from tests.api.moderation.reporting import (
    case_of,
    decide,
    decided,
    moderator,
    of_comment,
    of_message,
    of_project,
    of_user,
    report,
    reverse,
    trusted,
)
from tests.api.schemas import PROJECT, REPORT
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


@pytest.fixture(scope="module")
async def judge(api: Api) -> ApiUser:
    return await moderator(api)


async def refuse(api: Api, by: ApiUser, status: int, code: str, body: Json) -> list[str]:
    return await api.refused(status, code, "POST", "/reports", {"reason": "spam", **body}, by=by)


async def test_each_kind_of_target_gets_a_case_with_a_snapshot(api: Api, judge: ApiUser) -> None:
    author, reporter = await api.sign_up("author"), await api.sign_up("reporter")
    await api.profile(author, bio="광고합니다")
    project = await api.publish(author, title="광고판")
    comment = await api.comment(author, project, "광고 댓글")
    room = await api.room(author, reporter)
    message = await api.send_message(author, room, "광고 메시지")
    for target in (of_project(project), of_comment(comment), of_message(message), of_user(author)):
        made = await report(api, reporter, target)
        assert (made["kind"], made["target_id"]) == (target.kind, target.target_id)
        assert made["state"] == "open"
        case = await case_of(api, judge, target)
        assert (case["state"], case["version"], case["report_count"]) == ("open", 1, 1)
        assert case["reasons"] == {"spam": 1}
        assert case["reports"] == [made]
        snapshot = case["snapshot"]
        assert snapshot["author"]["id"] == author.id
        shown = {
            "project": snapshot["project"] and snapshot["project"]["title"] == "광고판",
            "comment": snapshot["comment"] and snapshot["comment"]["body"] == "광고 댓글",
            "message": [one["body"] for one in snapshot["messages"]] == ["광고 메시지"],
            "user": snapshot["user"] and snapshot["user"]["bio"] == "광고합니다",
        }
        assert [kind for kind, is_shown in shown.items() if is_shown] == [target.kind]


async def test_a_snapshot_of_a_message_has_ten_around_it_and_outlives_the_room(
    api: Api, judge: ApiUser
) -> None:
    sender, reporter = await api.sign_up(), await api.sign_up()
    room = await api.room(sender, reporter)
    messages = [await api.send_message(sender, room, f"{number}") for number in range(1, 31)]
    middle, last = of_message(messages[14]), of_message(messages[29])
    for target in (middle, last):
        await report(api, reporter, target)
    for person in (sender, reporter):
        left = await api.send("DELETE", f"/rooms/{room['id']}", by=person)
        assert left.status_code == 204
    for target, first in ((middle, 10), (last, 20)):
        snapshot = (await case_of(api, judge, target))["snapshot"]
        assert [one["seq"] for one in snapshot["messages"]] == list(range(first, first + 11))


async def test_an_open_report_is_returned_again(api: Api, judge: ApiUser) -> None:
    reporter = await api.sign_up()
    target = of_project(await api.publish(await api.sign_up()))
    first = await report(api, reporter, target)
    body = {**target.body, "reason": "hate", "note": "다시"}
    assert await api.ok(REPORT, "POST", "/reports", body, by=reporter) == first
    await decide(api, judge, await case_of(api, judge, target), "dismiss")
    again = await report(api, reporter, target)
    assert await api.ids(REPORT, "/reports", by=reporter) == [again["id"], first["id"]]


async def test_a_message_that_the_reporter_cannot_see_is_missing(api: Api) -> None:
    one, other, stranger = [await api.sign_up() for _ in range(3)]
    room = await api.room(one, other)
    message = await api.send_message(one, room)
    await refuse(api, stranger, 404, "not-found", of_message(message).body)
    beyond = {"kind": "message", "room_id": room["id"], "seq": 2**31}
    await refuse(api, other, 404, "not-found", beyond)


async def test_a_hidden_message_is_missing_for_its_reader(api: Api, judge: ApiUser) -> None:
    sender, reader = await api.sign_up(), await api.sign_up()
    target = of_message(await api.send_message(sender, await api.room(sender, reader)))
    case = await decided(api, judge, target, reader, "hide")
    await refuse(api, reader, 404, "not-found", target.body)
    await reverse(api, judge, case)
    await report(api, reader, target)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"kind": "project"}, ["/id"]),
        ({"kind": "project", "id": UNKNOWN_ID, "seq": 1}, ["/seq"]),
        ({"kind": "message", "id": UNKNOWN_ID}, ["/id", "/room_id", "/seq"]),
        ({"kind": "room", "id": UNKNOWN_ID}, ["/kind"]),
        ({"kind": "user", "id": UNKNOWN_ID, "reason": "boring"}, ["/reason"]),
    ],
)
async def test_the_ids_must_fit_the_kind(
    api: Api, author: ApiUser, body: Json, pointers: list[str]
) -> None:
    assert await refuse(api, author, 422, "invalid", body) == pointers


async def test_three_trusted_reports_hide_until_somebody_decides(api: Api, judge: ApiUser) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    target, path = of_project(project), f"/projects/{project['id']}"
    for reporter in (await api.sign_up(), await trusted(api), await trusted(api)):
        await report(api, reporter, target)
        assert (await api.send("GET", path)).status_code == 200
    await report(api, await trusted(api), target)
    assert (await api.send("GET", path)).status_code == 404
    assert (await api.get(PROJECT, path, by=author))["hidden"]
    case = await case_of(api, judge, target)
    assert (case["state"], case["hidden"], case["report_count"]) == ("open", True, 4)
    case = await decide(api, judge, case, "dismiss")
    assert not case["hidden"]
    assert (await api.send("GET", path)).status_code == 200


async def test_the_reporter_learns_that_it_was_decided(api: Api, judge: ApiUser) -> None:
    reporter = await api.sign_up()
    target = of_project(await api.publish(await api.sign_up()))
    await report(api, reporter, target)
    await decide(api, judge, await case_of(api, judge, target), "warn")
    (mine,) = (await api.page(REPORT, "/reports", by=reporter))["items"]
    assert mine["state"] == "decided"
