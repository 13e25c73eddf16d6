"""The pages of administrators: who sees them, what they find, and what they ask before it goes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import update

from sidepro.adapters import logs, system
from sidepro.adapters.sql.job_run_store import SqlJobRunStore
from sidepro.adapters.sql.schema.tables import project_counters
from sidepro.domain.errors import Unavailable
from sidepro.domain.operations.views import Job, JobRun
from sidepro.http.monitoring.health import Degraded
from tests.api.client import PASSWORD
from tests.api.fixtures import serving
from tests.api.moderation.reporting import of_user, report
from tests.databases import both_databases
from tests.web.pages import SAFE, SAME_ORIGIN, call, get, log_in, post, routes

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    import httpx

    from sidepro.http.monitoring.health import HealthCheck
    from tests.api.client import Api, ApiUser
    from tests.databases import Databases

pytestmark = pytest.mark.anyio

REASON = "광고를 되풀이해서 올렸어요"
CONFIRMED = {"password": PASSWORD, "reason": REASON}
SCREENS = ("", "/people", "/projects", "/comments", "/counters", "/jobs", "/health")


class RecordedLog:
    """The lines of the log of administrators."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, str]]] = []

    def info(self, event: str, **members: str) -> None:
        self.lines.append((event, members))

    @property
    def of_operators(self) -> list[tuple[str, dict[str, str]]]:
        return [line for line in self.lines if line[0].startswith("operator_")]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> RecordedLog:
    recorded = RecordedLog()
    monkeypatch.setattr(logs, "log", recorded)
    return recorded


@pytest.fixture
async def operator(api: Api) -> ApiUser:
    person = await api.sign_up("keeper")
    await api.execute("UPDATE users SET is_admin = true WHERE email = :email", person)
    return person


@pytest.fixture
async def cookie(api: Api, operator: ApiUser) -> str:
    return await log_in(api, operator)


async def found(api: Api, cookie: str, part: str, **filters: str) -> str:
    """The main part of a list."""
    response = await get(api, f"/operator/{part}?{urlencode(filters)}", cookie)
    assert response.status_code == 200
    return response.text.partition("<main")[2].partition("</main>")[0]


# ----------------------------------------------------------------------------------------- rights


async def test_only_administrators_see_that_the_pages_exist(api: Api, cookie: str) -> None:
    member = await log_in(api, await api.sign_up())
    mine = [route for route in routes(api) if route[1].startswith("/operator")]
    assert len(mine) == 16
    for method, path in mine:
        fields = None if method in SAFE else CONFIRMED
        anonymous = await call(api, method, path, SAME_ORIGIN, fields)
        if method in SAFE:
            assert anonymous.headers["Location"].startswith("/log-in?next=%2Foperator"), path
        else:
            assert anonymous.status_code == 401, path
            assert PASSWORD not in anonymous.text
        refused = await call(api, method, path, {**SAME_ORIGIN, "Cookie": member}, fields)
        assert refused.status_code == 404, (method, path)
    for part in SCREENS:
        assert (await get(api, f"/operator{part}", cookie)).status_code == 200, part


async def test_who_is_no_administrator_any_more_sees_nothing(api: Api, operator: ApiUser) -> None:
    cookie = await log_in(api, operator)
    await api.execute("UPDATE users SET is_admin = false WHERE email = :email", operator)
    assert (await get(api, "/operator", cookie)).status_code == 404


# ----------------------------------------------------------------------------------------- people


@both_databases
async def test_people_are_found_by_the_beginning_of_their_name_and_by_their_email(
    api: Api, cookie: str
) -> None:
    one, other = await api.sign_up("Haneul"), await api.sign_up("hanok")
    assert one.email in (both := await found(api, cookie, "people", q="han"))
    assert other.email in both
    assert one.email not in await found(api, cookie, "people", q="hano")
    by_email = await found(api, cookie, "people", q=one.email.upper())
    assert one.username in by_email
    assert other.username not in by_email
    assert "검색 결과가 없어요" in await found(api, cookie, "people", q="@example.com")


@both_databases
async def test_a_deactivated_person_is_logged_out_and_may_come_back(
    api: Api, cookie: str, operator: ApiUser, log: RecordedLog
) -> None:
    person = await api.sign_up()
    theirs = await log_in(api, person)
    path = f"/operator/people/{person.id}"
    back = "/operator/people?q=person"
    assert person.email in (await get(api, f"{path}/deactivate", cookie)).text

    response = await post(api, f"{path}/deactivate", cookie, **CONFIRMED, next=back)

    assert (response.status_code, response.headers["Location"]) == (303, back)
    assert 'action="/log-out"' not in (await get(api, "/", theirs)).text
    assert (await api.send("GET", "/me", by=person)).status_code == 401
    refused = await post(api, "/log-in", email=person.email, password=PASSWORD)
    assert refused.status_code == 403
    assert "정지됨" in await found(api, cookie, "people", q=person.username)
    assert (await post(api, f"{path}/activate", cookie, next=back)).headers["Location"] == back
    assert await log_in(api, person)
    by = {"operator": operator.id, "target": person.id}
    assert log.of_operators == [
        ("operator_deactivated_account", {**by, "reason": REASON}),
        ("operator_activated_account", by),
    ]


async def test_administrators_cannot_deactivate_themselves(
    api: Api, cookie: str, operator: ApiUser, log: RecordedLog
) -> None:
    path = f"/operator/people/{operator.id}/deactivate"
    assert (await post(api, path, cookie, **CONFIRMED)).status_code == 403
    assert path not in await found(api, cookie, "people", q=operator.username)
    assert (await get(api, "/operator", cookie)).status_code == 200
    assert log.of_operators == []


# ------------------------------------------------------------------------- password and reason


async def refused(api: Api, cookie: str, **fields: str) -> httpx.Response:
    """The page after a confirmation that fails, for a person who stays active."""
    person = await api.sign_up()
    path = f"/operator/people/{person.id}/deactivate"
    response = await post(api, path, cookie, **fields)
    assert (await api.send("GET", "/me", by=person)).status_code == 200
    assert person.username in response.text
    return response


async def test_a_wrong_password_changes_nothing_and_keeps_the_reason(
    api: Api, cookie: str, log: RecordedLog
) -> None:
    response = await refused(api, cookie, password="wrong words", reason=REASON)
    assert response.status_code == 422
    assert 'id="password-error"' in response.text
    assert REASON in response.text
    assert "wrong words" not in response.text
    assert log.of_operators == []
    assert [line[0] for line in log.lines if "password" in line[0]] == ["password_refused"]


@pytest.mark.parametrize("reason", ["", "  \n", "가" * 301], ids=["missing", "blank", "long"])
async def test_a_reason_has_1_to_300_characters(api: Api, cookie: str, reason: str) -> None:
    response = await refused(api, cookie, password=PASSWORD, reason=reason)
    assert response.status_code == 422
    assert 'id="reason-error"' in response.text


async def test_a_missing_password_is_told_beside_its_field(api: Api, cookie: str) -> None:
    response = await refused(api, cookie, reason=REASON)
    assert response.status_code == 422
    assert 'id="password-error"' in response.text


async def test_the_password_is_limited_like_a_log_in(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            cookie = await log_in(api, await api.administrator())
            path = f"/operator/people/{(await api.sign_up()).id}/deactivate"
            responses = []
            for _ in range(10):
                guess = {"password": "guess", "reason": REASON}
                responses.append(await post(api, path, cookie, **guess))
    assert {response.status_code for response in responses} == {422, 429}
    limited = responses[-1]
    assert limited.status_code == 429
    assert REASON in limited.text
    assert "guess" not in limited.text


# --------------------------------------------------------------------------- projects and comments


@both_databases
async def test_a_project_is_found_and_removed(
    api: Api, cookie: str, operator: ApiUser, log: RecordedLog
) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    project = await api.publish(author, title="수상한 지도")
    await api.comment(other, project)
    assert "수상한 지도" in await found(
        api, cookie, "projects", q="수상한", author=author.username
    )
    assert "수상한 지도" in await found(api, cookie, "projects", author=author.email)
    assert "수상한 지도" not in await found(api, cookie, "projects", author=other.username)
    assert "수상한 지도" not in await found(api, cookie, "projects", author="nobody-here")
    path = f"/operator/projects/{project['id']}/remove"
    assert "댓글 1개" in (await get(api, path, cookie)).text

    response = await post(api, path, cookie, **CONFIRMED)

    assert response.headers["Location"] == "/operator/projects"
    assert (await api.send("GET", f"/projects/{project['id']}")).status_code == 404
    assert (await post(api, path, cookie, **CONFIRMED)).status_code == 404
    facts = {"operator": operator.id, "target": project["id"], "reason": REASON}
    assert log.of_operators == [("operator_removed_project", facts)]


@both_databases
async def test_a_comment_is_found_and_removed(
    api: Api, cookie: str, operator: ApiUser, log: RecordedLog
) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    project = await api.publish(author)
    comment = await api.comment(other, project, "지금 Buy 100% 하세요")
    for filters in ({"q": "buy 100%"}, {"author": other.username}, {"q": "하세요"}):
        assert "지금 Buy 100%" in await found(api, cookie, "comments", **filters)
    for filters in ({"q": "buy_100"}, {"author": author.username}, {"author": "nobody-here"}):
        assert "지금 Buy 100%" not in await found(api, cookie, "comments", **filters)
    path = f"/operator/comments/{comment['id']}/remove"
    assert "지금 Buy 100%" in (await get(api, path, cookie)).text

    response = await post(api, path, cookie, **CONFIRMED, next="//evil.example")

    assert response.headers["Location"] == "/operator/comments"
    assert (await api.send("GET", f"/projects/{project['id']}")).json()["comment_count"] == 0
    facts = {"operator": operator.id, "target": comment["id"], "reason": REASON}
    assert log.of_operators == [("operator_removed_comment", facts)]


async def test_what_administrators_change_of_others_without_their_pages_is_logged(
    api: Api, log: RecordedLog
) -> None:
    admin, author = await api.administrator(), await api.sign_up()
    project = await api.publish(author)
    path, title = f"/projects/{project['id']}", {"title": "다른 제목"}
    comment = await api.comment(await api.sign_up(), project)

    for method, each, body in (
        ("PATCH", path, title),
        ("PATCH", path, title),  # changes nothing
        ("DELETE", f"{path}/comments/{comment['id']}", None),
        ("DELETE", path, None),
    ):
        assert (await api.send(method, each, body, by=admin)).status_code in (200, 204)

    assert log.of_operators == [
        ("operator_edited_project", {"operator": admin.id, "target": project["id"]}),
        ("operator_removed_comment", {"operator": admin.id, "target": comment["id"]}),
        ("operator_removed_project", {"operator": admin.id, "target": project["id"]}),
    ]


async def test_what_people_change_of_their_own_is_not_in_the_log_of_administrators(
    api: Api, log: RecordedLog
) -> None:
    other = await api.sign_up()
    for person in (await api.administrator(), await api.sign_up()):
        project = await api.publish(person)
        path = f"/projects/{project['id']}"
        comments = [await api.comment(each, project) for each in (person, other)]
        await api.send("PATCH", path, {"title": "다른 제목"}, by=person)
        for comment in comments:
            await api.send("DELETE", f"{path}/comments/{comment['id']}", by=person)
        assert (await api.send("DELETE", path, by=person)).status_code == 204

    assert log.of_operators == []


async def test_lists_have_pages_that_keep_the_filters(api: Api, cookie: str) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    for number in range(21):
        await api.comment(author, project, f"쪽 넘기기 {number}번")
    first = await found(api, cookie, "comments", q="쪽 넘기기", author=author.username)
    assert first.count("쪽 넘기기 0번") == 0
    (following,) = re.findall(r'rel="next" href="([^"]*)"', first)
    second = (await get(api, following.replace("&amp;", "&"), cookie)).text
    assert "쪽 넘기기 0번" in second
    assert f'value="{author.username}"' in second


@pytest.mark.parametrize("part", ["people", "projects", "comments"])
async def test_a_search_that_cannot_match_is_refused(api: Api, cookie: str, part: str) -> None:
    response = await get(api, f"/operator/{part}?q=%00", cookie)
    assert response.status_code == 422


# ------------------------------------------------------------------------ counters, jobs, health


@both_databases
async def test_wrong_counters_are_shown_and_repaired(
    api: Api, cookie: str, operator: ApiUser, log: RecordedLog
) -> None:
    project = await api.publish(await api.sign_up())
    assert "모두 맞아요" in await found(api, cookie, "counters")
    async with api.container.database.writing() as connection:
        await connection.execute(
            update(project_counters)
            .where(project_counters.c.project_id == UUID(project["id"]))
            .values(comments=1234)
        )
        await connection.commit()
    wrong = await found(api, cookie, "counters")
    assert project["id"] in wrong
    assert "1,234" in wrong
    unsure = await post(api, "/operator/counters", cookie, password="wrong", reason=REASON)
    assert unsure.status_code == 422
    assert "1,234" in unsure.text

    response = await post(api, "/operator/counters", cookie, **CONFIRMED)

    assert response.headers["Location"] == "/operator/counters"
    assert "모두 맞아요" in await found(api, cookie, "counters")
    facts = {"operator": operator.id, "reason": REASON}
    assert log.of_operators == [("operator_repaired_counters", facts)]


@both_databases
async def test_an_overdue_job_is_shown_on_its_page_and_on_the_first(api: Api, cookie: str) -> None:
    store, now = SqlJobRunStore(api.container.database), system.clock()
    await store.save(JobRun(Job.RETENTION, now - timedelta(hours=2), 1.25, 1234))
    assert "할 일이 없어요" in await found(api, cookie, "")
    await store.save(JobRun(Job.IMAGE_REMOVAL, now - timedelta(hours=2), 0.5, 7))
    jobs = await found(api, cookie, "jobs")
    assert re.findall(r'class="state[^"]*">([^<]*)', jobs) == [
        "아직 실행 전",
        "아직 실행 전",
        "정상",
        "늦음",
        "아직 실행 전",
    ]
    assert "1.25초 걸림" in jobs
    assert "1,234건 삭제" in jobs
    assert "안 쓰는 이미지 정리 작업이 늦어지고 있어요" in await found(api, cookie, "")


async def test_a_report_that_waits_is_shown_on_the_first_page(api: Api, cookie: str) -> None:
    await report(api, await api.sign_up(), of_user(await api.sign_up()))
    overview = await found(api, cookie, "")
    assert "할 일이 없어요" not in overview
    assert '<a href="/moderation">기다리는 신고 1건</a>' in overview


async def test_the_similarity_job_may_be_requested(
    api: Api, cookie: str, log: RecordedLog
) -> None:
    response = await post(api, "/operator/jobs/similarity", cookie)
    assert (response.status_code, response.headers["Location"]) == (303, "/operator/jobs")
    assert [line[0] for line in log.of_operators] == ["operator_requested_similarity"]


async def test_a_component_that_fails_is_shown(api: Api, cookie: str) -> None:
    async def away() -> None:
        raise ConnectionError

    checks = cast("MutableMapping[str, HealthCheck]", api.container.health.optional)
    assert "모든 구성 요소가 정상이에요" in await found(api, cookie, "health")
    checks["redis"] = cast("Any", away)
    try:
        health, first = [await found(api, cookie, part) for part in ("health", "")]
    finally:
        del checks["redis"]
    assert "연결할 수 없음" in health
    assert "일부만 동작" in health
    assert "Redis: 연결할 수 없음" in first


async def test_health_says_what_its_figures_measure(api: Api, cookie: str) -> None:
    assert ">응답 시간(ms)</th>" in await found(api, cookie, "health")


@pytest.mark.parametrize(
    ("language", "troubles"),
    [
        ("ko", ("읽을 수는 있지만 쓸 수 없어요", "Redis보다 이 서버가 2.5초 느려요")),
        ("en", ("It can be read, but not written to", "Redis: this server is 2.5 s behind")),
    ],
)
async def test_health_says_what_does_not_work_and_where_the_reason_is(
    api: Api,
    cookie: str,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    troubles: tuple[str, ...],
) -> None:
    async def full() -> None:
        raise Degraded("not_writable") from Unavailable("redis.internal is full")

    async def late() -> None:
        raise Degraded("wrong_clock", {"redis": 2.5})

    checks = cast("MutableMapping[str, HealthCheck]", api.container.health.optional)
    monkeypatch.setitem(checks, "redis", full)
    monkeypatch.setitem(checks, "clock", late)
    headers = {"Cookie": cookie, "Accept-Language": language}
    shown = (await call(api, "GET", "/operator/health", headers)).text
    for trouble in troubles:
        assert trouble in shown
    assert "component_degraded" in shown
    assert "redis.internal" not in shown
