"""Reporting, and the pages of moderators: who sees them, and what they do, without JavaScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.api.client import PASSWORD, UNKNOWN_ID
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
)
from tests.api.schemas import LISTED_CASE
from tests.databases import both_databases
from tests.web.pages import get, log_in, post

if TYPE_CHECKING:
    from tests.api.client import Api, Json

pytestmark = pytest.mark.anyio


def version_on(text: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', text)
    assert found
    return found[1]


async def test_a_report_goes_from_the_page_to_the_decision_that_both_read(api: Api) -> None:
    author, reporter, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    project = await api.publish(author, title="광고판")
    page = f"/projects/{project['id']}"
    theirs, mine, keeper = [await log_in(api, one) for one in (reporter, author, judge)]

    address_of_report = f"/report?kind=project&target={project['id']}&going_to={quote(page)}"
    assert address_of_report.replace("&", "&amp;") in (await get(api, page, theirs)).text
    assert "/report?kind=project" not in (await get(api, page, mine)).text
    form = await get(api, address_of_report, theirs)
    assert (form.status_code, "광고판" in form.text) == (200, True)
    fields = {"kind": "project", "target": project["id"], "going_to": page}
    refused = await post(api, "/report", theirs, **fields, note="광고예요")
    assert (refused.status_code, "광고예요" in refused.text) == (422, True)
    sent = await post(api, "/report", theirs, **fields, reason="spam", note="광고예요")
    assert (sent.status_code, sent.headers["Location"]) == (303, page)
    assert "검토 중" in (await get(api, "/me/reports", theirs)).text

    case = await case_of(api, judge, of_project(project))
    address = f"/moderation/cases/{case['id']}"
    assert address in (await get(api, "/moderation?state=open", keeper)).text
    shown = (await get(api, address, keeper)).text
    assert "광고예요" in shown
    await post(api, f"{address}/claim", keeper, version=version_on(shown))
    stale = await post(
        api, f"{address}/decision", keeper, version="1", action="hide", reason="광고라서요"
    )
    assert (stale.status_code, "광고라서요" in stale.text) == (409, True)
    fresh = version_on(stale.text)
    none = await post(api, f"{address}/decision", keeper, version=fresh, reason="광고라서요")
    assert none.status_code == 422
    decided = await post(
        api, f"{address}/decision", keeper, version=fresh, action="hide", reason="광고라서요"
    )
    assert (decided.status_code, decided.headers["Location"]) == (303, address)

    assert (await get(api, page, theirs)).status_code == 404
    own = (await get(api, page, mine)).text
    assert "숨겨진 프로젝트예요" in own
    assert "광고라서요" in own
    assert judge.username not in own
    assert "처리됨" in (await get(api, "/me/reports", theirs)).text
    assert "광고라서요" in (await get(api, "/moderation/log", keeper)).text

    version = version_on((await get(api, address, keeper)).text)
    undone = await post(api, f"{address}/reversal", keeper, version=version, reason="오해였어요")
    assert undone.status_code == 303
    assert (await get(api, page, theirs)).status_code == 200


@both_databases
async def test_an_author_reads_in_their_notifications_what_was_decided_and_why(api: Api) -> None:
    author, reporter, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    comment = await api.comment(author, await api.publish(author), "나쁜 댓글")
    target = of_comment(comment)
    hidden = await decided(api, judge, target, reporter, "hide", reason="욕설이라서요")
    await decided(api, judge, of_user(author), reporter, "warn", reason="또 그러지 마세요")
    mine, theirs = await log_in(api, author), await log_in(api, reporter)
    text = (await get(api, "/notifications", mine)).text
    for part in ("나쁜 댓글", "숨겼어요", "욕설이라서요", "경고를 보내요", "또 그러지 마세요"):
        assert part in text
    assert judge.username not in text
    assert reporter.username not in text
    assert "되돌렸어요" not in text
    told = (await get(api, "/notifications", theirs)).text
    assert '<a href="/me/reports">신고한 내용을' in told
    assert "욕설이라서요" not in told
    await reverse(api, judge, hidden)
    assert "이 결정을 되돌렸어요" in (await get(api, "/notifications", mine)).text
    removed = await case_of(api, judge, target)
    await decide(api, judge, removed, "remove", reason="지웠어요")
    text = (await get(api, "/notifications", mine)).text
    assert "이유: 지웠어요" in text
    assert "나쁜 댓글" not in text


async def test_each_kind_of_report_has_a_page(api: Api) -> None:
    author, reporter = await api.sign_up(), await api.sign_up()
    project = await api.publish(author)
    comment = await api.comment(author, project, "나쁜 댓글")
    room = await api.room(author, reporter)
    await api.send_message(author, room, "나쁜 메시지")
    cookie = await log_in(api, reporter)
    targets = {
        "comment": (comment["id"], "나쁜 댓글"),
        "message": (f"{room['id']}/1", "나쁜 메시지"),
        "user": (author.id, author.username),
    }
    for kind, (target, text) in targets.items():
        form = await get(api, f"/report?kind={kind}&target={quote(target)}", cookie)
        assert (form.status_code, text in form.text) == (200, True)
    chat = (await get(api, f"/chats/{room['id']}", cookie)).text
    assert f"kind=message&amp;target={room['id']}/1&amp;" in chat


@both_databases
async def test_the_queue_shows_what_was_reported_and_who_wrote_it(api: Api) -> None:
    author, reporter, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    project = await api.publish(author, title="광고판 " + "길" * 40)
    comment = await api.comment(author, project, "나쁜 댓글")
    room = await api.room(author, reporter)
    messages = [await api.send_message(author, room, f"{number}번째 말") for number in range(12)]
    targets = (of_project(project), of_comment(comment), of_message(messages[1]), of_user(author))
    for target in targets:
        await report(api, reporter, target)

    queue = (await get(api, "/moderation", await log_in(api, judge))).text

    of_author = [entry for entry in queue.split("<li>") if f">{author.username}</span>" in entry]
    assert [re.findall(r'<p class="excerpt"[^>]*>([^<]*)', entry) for entry in of_author] == [
        [project["title"]],
        ["나쁜 댓글"],
        ["1번째 말"],
        [],
    ]


async def test_a_decided_case_leads_to_the_next_one_that_waits(api: Api) -> None:
    judge, target = await moderator(api), of_user(await api.sign_up())
    for reported in (target, of_user(await api.sign_up())):
        await report(api, await api.sign_up(), reported)
    case, cookie = await case_of(api, judge, target), await log_in(api, judge)
    address = f"/moderation/cases/{case['id']}"
    assert "다음 신고 보기" not in (await get(api, address, cookie)).text
    await decide(api, judge, case, "dismiss")
    waiting = await api.page(LISTED_CASE, "/moderation/cases", by=judge, state="open")
    expected = f'href="/moderation/cases/{waiting["items"][0]["id"]}">다음 신고 보기</a>'
    assert expected in (await get(api, address, cookie)).text


async def test_a_hidden_message_says_so_in_the_list_of_rooms(api: Api) -> None:
    author, reader, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    room = await api.room(author, reader)
    target = of_message(await api.send_message(author, room, "나쁜 메시지"))
    await report(api, reader, target)
    await decide(api, judge, await case_of(api, judge, target), "hide")
    rooms = (await get(api, "/chats", await log_in(api, reader))).text
    assert "숨겨진 메시지예요." in rooms
    assert "나쁜 메시지" not in rooms


async def test_a_hidden_message_is_not_quoted_to_who_would_report_it(api: Api) -> None:
    author, reader, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    room = await api.room(author, reader)
    target = of_message(await api.send_message(author, room, "나쁜 메시지"))
    cookie = await log_in(api, reader)
    address = f"/report?kind=message&target={target.target_id}"
    assert "나쁜 메시지" in (await get(api, address, cookie)).text
    await decided(api, judge, target, reader, "hide")
    assert "나쁜 메시지" not in (await get(api, address, cookie)).text


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("project", "nonsense"),
        ("project", UNKNOWN_ID),
        ("project", f"{UNKNOWN_ID}/1"),
        ("message", UNKNOWN_ID),
        ("message", f"{UNKNOWN_ID}/x"),
        ("room", UNKNOWN_ID),
        ("", ""),
    ],
)
async def test_the_report_of_nothing_is_missing(api: Api, kind: str, target: str) -> None:
    cookie = await log_in(api, await api.sign_up())
    form = await get(api, f"/report?kind={kind}&target={quote(target)}", cookie)
    assert form.status_code == 404


async def test_the_pages_of_moderators_are_missing_for_others(api: Api) -> None:
    cookie, judge = await log_in(api, await api.sign_up()), await moderator(api)
    target = of_user(await api.sign_up())
    await report(api, await api.sign_up(), target)
    case: Json = await case_of(api, judge, target)
    for path in ("", "/log", f"/cases/{case['id']}"):
        assert (await get(api, f"/moderation{path}", cookie)).status_code == 404
        assert (await get(api, f"/moderation{path}", await log_in(api, judge))).status_code == 200


async def test_a_suspended_person_reads_until_when(api: Api) -> None:
    person = await api.sign_up()
    await api.execute(
        "UPDATE users SET suspended_until = '2099-01-02 03:00:00+00:00' WHERE email = :email",
        person,
    )
    refused = await post(api, "/log-in", email=person.email, password=PASSWORD)
    assert refused.status_code == 403
    assert "2099" in refused.text
