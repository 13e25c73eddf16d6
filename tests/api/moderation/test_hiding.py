"""Hidden everywhere at once, and restored exactly."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from sidepro.adapters import system
from sidepro.adapters.sql import catalogue_ids
from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.schema import tables
from sidepro.domain.ids import ProjectId
from sidepro.domain.moderation.case import PURGE_AFTER
from sidepro.domain.moderation.purge_service import PurgeService
from sidepro.domain.projects.trending import day_of
from sidepro.domain.visibility import Visibility
from tests import image_files
from tests.api.client import PASSWORD, Api, ApiUser, Json
from tests.api.moderation.reporting import (
    case_of,
    decide,
    decided,
    moderator,
    of_comment,
    of_message,
    of_project,
    report,
    reverse,
)
from tests.api.schemas import CARD, COMMENT, HISTORY, PROJECT, ROOM
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]

PNG = image_files.saved(image_files.picture((30, 20)))


@pytest.fixture(autouse=True)
def no_counts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue keeps counts for a while when counting them took long."""
    monkeypatch.setattr(catalogue_ids, "COUNTS_TTL_FACTOR", 0)


@pytest.fixture(scope="module")
async def judge(api: Api) -> ApiUser:
    return await moderator(api)


async def drifts(api: Api) -> int:
    audit = SqlCounterAudit(api.container.database)
    found = await audit.find_drifts()
    return len(found) + len(await audit.find_daily_drifts(day_of(system.clock())))


class Scene:
    """A project that somebody else bookmarked and commented on, with a picture."""

    def __init__(self, author: ApiUser, fan: ApiUser, project: Json, image: Json) -> None:
        self.author, self.fan, self.project, self.image = author, fan, project, image

    @classmethod
    async def build(cls, api: Api) -> "Scene":
        author, fan = await api.sign_up("author"), await api.sign_up("fan")
        image = await api.image(author, PNG)
        project = await api.publish(
            author,
            title="유일무이한 제목",
            content=f"![]({image['url']})",
            skills=["R"],
            thumbnail_id=image["id"],
        )
        await api.bookmark(fan, project)
        await api.comment(fan, project, "첫 댓글")
        return cls(author, fan, project, image)

    async def seen(self, api: Api, by: ApiUser | None) -> Json:
        """All that shows the project to somebody."""
        path, project_id = f"/projects/{self.project['id']}", self.project["id"]
        page = await api.send("GET", path, by=by)
        lists = {
            sort: await api.ids(CARD, "/projects", by=by, sort=sort, author=self.author.id)
            for sort in ("newest", "views", "popular", "trending")
        }
        board = await api.page(CARD, "/projects", by=by, q="유일무이한", total="true")
        skilled = await api.page(CARD, "/projects", by=by, skill="R", total="true")
        counts = (await api.send("GET", "/catalogue", query={"counts": True})).json()
        of_author = await api.ids(CARD, f"/users/{self.author.id}/projects", by=by)
        marked = []
        if by is not None:
            marked = await api.ids(CARD, f"/users/{self.fan.id}/bookmarks", by=by)
        comments = await api.send("GET", f"{path}/comments", by=by)
        feed = await api.http.get("/feed.atom")
        return {
            "page": page.status_code,
            "lists": {sort: project_id in ids for sort, ids in lists.items()},
            "search": (project_id in [one["id"] for one in board["items"]], board["total"]),
            "skill": (project_id in [one["id"] for one in skilled["items"]], skilled["total"]),
            "skill_count": counts["skill_counts"]["R"],
            "of_author": project_id in of_author,
            "bookmarks": project_id in marked,
            "comments": comments.status_code,
            "feed": project_id in feed.text,
        }


async def test_a_hidden_project_is_missing_everywhere_and_restored_exactly(
    fresh_api: Api,
) -> None:
    api, judge = fresh_api, await moderator(fresh_api)
    scene = await Scene.build(api)
    path = f"/projects/{scene.project['id']}"
    stranger = await api.sign_up()
    people = (None, stranger, scene.fan, scene.author, judge)
    before = [await scene.seen(api, by) for by in people]
    whole = await api.get(PROJECT, path, by=scene.author)

    case = await decided(api, judge, of_project(scene.project), stranger, "hide")

    missing = {
        "page": 404,
        "lists": dict.fromkeys(("newest", "views", "popular", "trending"), False),
        "search": (False, 0),
        "skill": (False, 0),
        "skill_count": 0,
        "of_author": False,
        "bookmarks": False,
        "comments": 404,
        "feed": False,
    }
    for by in (None, stranger, scene.fan):
        assert await scene.seen(api, by) == missing
        for method, called, body in (
            ("PUT", f"{path}/bookmark", None),
            ("DELETE", f"{path}/bookmark", None),
            ("POST", f"{path}/comments", {"body": "x"}),
            ("PATCH", path, {"title": "x"}),
            ("DELETE", path, None),
        ):
            sent = await api.send(method, called, body, by=by)
            assert sent.status_code == (401 if by is None else 404)
    for by in (scene.author, judge):
        assert (await api.get(PROJECT, path, by=by))["hidden"]
        seen = await scene.seen(api, by)
        assert (seen["page"], seen["search"], seen["bookmarks"]) == (200, (True, 1), True)
    assert await drifts(api) == 0
    export = (await api.send("GET", "/me/export", by=scene.fan)).json()
    assert export["bookmarks"] == []

    await reverse(api, judge, case)

    # A view of a hidden project did not count. Each look before counted one, and so do these.
    restored = await api.get(PROJECT, path, by=scene.author)
    assert restored["view_count"] == whole["view_count"] + 1
    assert {**restored, "view_count": 0} == {**whole, "view_count": 0}
    assert [await scene.seen(api, by) for by in people] == before
    assert await drifts(api) == 0


async def test_a_removed_project_is_gone_for_its_author_too_and_then_for_good(
    api: Api, judge: ApiUser
) -> None:
    scene = await Scene.build(api)
    path = f"/projects/{scene.project['id']}"
    reporter = await api.sign_up()
    case = await decided(api, judge, of_project(scene.project), reporter, "remove")
    assert (await scene.seen(api, scene.author))["page"] == 404
    assert (await api.get(PROJECT, path, by=judge))["hidden"]

    def clock() -> datetime:
        return system.clock() + PURGE_AFTER + timedelta(minutes=1)

    unit_of_work = api.container.api.services.reports.unit_of_work
    assert await PurgeService(unit_of_work, system.clock).purge() == 0
    assert await PurgeService(unit_of_work, clock).purge() == 1
    assert (await api.send("GET", path, by=judge)).status_code == 404
    undo = {"version": case["version"], "reason": "x"}
    called = f"/moderation/cases/{case['id']}/reversals"
    await api.refused(409, "case-changed", "POST", called, undo, by=judge)


async def test_a_hidden_comment_is_not_counted(api: Api, judge: ApiUser) -> None:
    scene, writer = await Scene.build(api), await api.sign_up()
    path = f"/projects/{scene.project['id']}"
    comment = await api.comment(writer, scene.project, "나쁜 댓글")
    case = await decided(api, judge, of_comment(comment), scene.fan, "hide")
    for by, number in ((None, 1), (scene.author, 1), (writer, 2), (judge, 2)):
        page = await api.page(COMMENT, f"{path}/comments", by=by)
        assert [one["hidden"] for one in page["items"]] == [False, True][:number]
        assert (await api.get(PROJECT, path, by=by))["comment_count"] == 1
        one = await api.send("GET", f"{path}/comments/{comment['id']}", by=by)
        assert one.status_code == (200 if number == 2 else 404)
    path_of_comment = f"{path}/comments/{comment['id']}"
    assert (await api.send("DELETE", path_of_comment, by=scene.author)).status_code == 404
    assert await drifts(api) == 0
    await reverse(api, judge, case)
    assert (await api.get(PROJECT, path))["comment_count"] == 2
    assert await drifts(api) == 0


async def test_deleting_a_hidden_comment_does_not_count_twice(api: Api, judge: ApiUser) -> None:
    scene, writer = await Scene.build(api), await api.sign_up()
    for how in ("delete", "withdraw"):
        comment = await api.comment(writer, scene.project)
        await decided(api, judge, of_comment(comment), scene.fan, "hide")
        if how == "delete":
            path = f"/projects/{scene.project['id']}/comments/{comment['id']}"
            assert (await api.send("DELETE", path, by=writer)).status_code == 204
        else:
            left = await api.send("DELETE", "/me", {"password": PASSWORD}, by=writer)
            assert left.status_code == 204
        assert await drifts(api) == 0


async def test_a_removed_comment_is_gone_for_its_author_too(api: Api, judge: ApiUser) -> None:
    scene, writer = await Scene.build(api), await api.sign_up()
    comment = await api.comment(writer, scene.project)
    await decided(api, judge, of_comment(comment), scene.fan, "remove")
    path = f"/projects/{scene.project['id']}/comments"
    for by, number in ((writer, 1), (judge, 2)):
        assert len((await api.page(COMMENT, path, by=by))["items"]) == number
        one = await api.send("GET", f"{path}/{comment['id']}", by=by)
        assert one.status_code == (200 if by is judge else 404)


async def test_a_hidden_message_keeps_its_number(api: Api, judge: ApiUser) -> None:
    sender, reader = await api.sign_up(), await api.sign_up()
    room = await api.room(sender, reader)
    await api.send_message(sender, room, "하나")
    message = await api.send_message(sender, room, "둘", client_id="둘")
    target = of_message(message)
    case = await decided(api, judge, target, reader, "hide")
    path = f"/rooms/{room['id']}/messages"

    async def bodies(by: ApiUser) -> list[tuple[str, bool]]:
        history = await api.get(HISTORY, path, by=by)
        assert [one["seq"] for one in history["items"]] == [1, 2]
        last = (await api.get(ROOM, f"/rooms/{room['id']}", by=by))["last_message"]
        assert last == history["items"][-1]
        return [(one["body"], one["hidden"]) for one in history["items"]]

    assert await bodies(reader) == [("하나", False), ("", True)]
    assert await bodies(sender) == [("하나", False), ("둘", True)]
    case = await decide(api, judge, await reverse(api, judge, case), "remove")
    assert await bodies(sender) == [("하나", False), ("", True)]
    repeated = await api.send("POST", path, {"body": "둘", "client_id": "둘"}, by=sender)
    assert (repeated.status_code, repeated.json()["body"]) == (200, "")
    await reverse(api, judge, case)
    assert await bodies(reader) == [("하나", False), ("둘", False)]


async def stored_images(api: Api) -> list[str]:
    async with api.container.database.reading() as connection:
        return list(await connection.scalars(select(tables.images.c.key)))


async def test_images_of_a_hidden_project_are_missing_but_for_who_sees_it(
    api: Api, judge: ApiUser
) -> None:
    scene, reporter = await Scene.build(api), await api.sign_up()
    path, url = f"/projects/{scene.project['id']}", scene.image["url"]
    data = (await api.http.get(url)).content
    other = await api.publish(scene.author, content="다른 글")
    case = await decided(api, judge, of_project(scene.project), reporter, "hide")
    assert (await api.http.get(url)).status_code == 404
    for by in (scene.author, judge):
        shown = await api.get(PROJECT, path, by=by)
        assert shown["thumbnail_url"] != url
        assert shown["thumbnail_url"] in shown["content_html"]
        assert (await api.http.get(shown["thumbnail_url"])).content == data
    secret = (await api.get(PROJECT, path, by=judge))["thumbnail_url"]
    case = await reverse(api, judge, case)
    assert (await api.http.get(url)).content == data
    assert (await api.http.get(secret)).status_code == 404
    assert (await api.get(PROJECT, path))["thumbnail_url"] == url
    # What a visible project shows, too, stays.
    shared = {"content": f"![]({url})"}
    other_path = f"/projects/{other['id']}"
    assert (await api.send("PATCH", other_path, shared, by=scene.author)).is_success
    await decide(api, judge, case, "hide")
    assert (await api.http.get(url)).content == data
    # An image is deleted with its secret name, too.
    assert (await api.send("DELETE", other_path, by=scene.author)).is_success
    await api.container.api.services.images.remove_unused()
    assert (await api.http.get(url)).status_code == 404


async def test_an_interrupted_move_of_an_image_is_completed(api: Api, judge: ApiUser) -> None:
    scene = await Scene.build(api)
    withholding = api.container.api.services.reports.withholding
    service = api.container.api.services.moderation
    await report(api, await api.sign_up(), of_project(scene.project))
    case = await case_of(api, judge, of_project(scene.project))
    async with service.unit_of_work() as work:
        project = await work.projects.get(ProjectId(UUID(scene.project["id"])))
        assert project is not None
        await work.projects.set_visibility(project, Visibility.HIDDEN)
        await work.commit()
    await withholding._plan()  # the process dies here
    assert (await api.http.get(scene.image["url"])).status_code == 200
    await asyncio.gather(*(withholding.reconcile() for _ in range(3)))
    assert (await api.http.get(scene.image["url"])).status_code == 404
    assert case["state"] == "open"
