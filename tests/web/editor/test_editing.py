"""Editing a project by the form of the editor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Api, ApiUser
from tests.databases import both_databases
from tests.image_files import picture, saved
from tests.web.editor.forms import PICTURE, fields, send, typed
from tests.web.pages import get, log_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def project(api: Api, person: ApiUser) -> dict[str, Any]:
    image = await api.image(person, PICTURE)
    return await api.publish(
        person,
        title="처음 제목",
        thumbnail_id=image["id"],
        repository_url="https://example.com/",
        content="처음 글\r\n다음 줄",
    )


async def stored(api: Api, project: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.send("GET", f"/projects/{project['id']}")).json()
    return found


@both_databases
async def test_saving_changes_what_was_changed_alone(
    api: Api, cookie: str, project: dict[str, Any]
) -> None:
    form = typed(await get(api, f"/projects/{project['id']}/edit", cookie))

    unchanged = await send(api, f"/projects/{project['id']}", cookie, form)
    same = await stored(api, project)
    response = await send(api, f"/projects/{project['id']}", cookie, form | {"title": "새 제목"})

    assert unchanged.status_code == response.status_code == 303
    assert "sidepro-done=saved" in response.headers["Set-Cookie"]
    assert same["updated_at"] == project["updated_at"]
    changed = await stored(api, project)
    assert changed["title"] == "새 제목"
    remaining = ("summary", "content", "skills", "repository_url", "thumbnail_url")
    assert [changed[name] for name in remaining] == [project[name] for name in remaining]


async def test_a_thumbnail_is_replaced_and_removed(
    api: Api, cookie: str, project: dict[str, Any]
) -> None:
    path = f"/projects/{project['id']}"
    form = typed(await get(api, f"{path}/edit", cookie))

    await send(api, path, cookie, form, saved(picture((30, 20))))
    replaced = await stored(api, project)
    form = typed(await get(api, f"{path}/edit", cookie)) | {"remove_thumbnail": "true"}
    await send(api, path, cookie, form)

    assert replaced["thumbnail_url"] not in (None, project["thumbnail_url"])
    assert (await stored(api, project))["thumbnail_url"] is None


@both_databases
async def test_a_conflict_shows_both_texts_and_the_person_chooses(
    api: Api, person: ApiUser, cookie: str, project: dict[str, Any]
) -> None:
    path = f"/projects/{project['id']}"
    mine = typed(await get(api, f"{path}/edit", cookie)) | {"content": "내 글"}
    theirs = {"content": "다른 창의 <글>", "title": "다른 창의 제목"}
    await api.send("PATCH", path, theirs, by=person)

    conflict = await send(api, path, cookie, mine)
    assert conflict.status_code == 412
    assert "다른 창의 &lt;글&gt;" in conflict.text
    assert "다른 창의 제목" in conflict.text
    assert typed(conflict)["content"] == "내 글"
    assert (await stored(api, project))["content"] == "다른 창의 <글>"
    chosen = await send(api, path, cookie, typed(conflict))

    assert chosen.status_code == 303
    assert (await stored(api, project))["content"] == "내 글"


async def test_an_edit_that_is_sent_twice_is_no_conflict(
    api: Api, cookie: str, project: dict[str, Any]
) -> None:
    path = f"/projects/{project['id']}"
    form = typed(await get(api, f"{path}/edit", cookie)) | {"content": "내 글"}

    responses = [await send(api, path, cookie, form, PICTURE) for _ in range(2)]

    assert [response.status_code for response in responses] == [303, 303]


async def test_the_text_of_a_deleted_project_comes_back_as_a_new_one(
    api: Api, person: ApiUser, cookie: str, project: dict[str, Any]
) -> None:
    path = f"/projects/{project['id']}"
    form = typed(await get(api, f"{path}/edit", cookie)) | {"content": "내 글"}
    await api.send("DELETE", path, by=person)

    response = await send(api, path, cookie, form)

    assert response.status_code == 404
    assert 'action="/projects"' in response.text
    assert typed(response)["content"] == "내 글"


async def test_only_the_author_and_administrators_edit(api: Api, project: dict[str, Any]) -> None:
    path = f"/projects/{project['id']}"
    stranger = await log_in(api, await api.sign_up())
    administrator = await log_in(api, await api.administrator())

    assert (await get(api, f"{path}/edit", stranger)).status_code == 403
    assert (await send(api, path, stranger, fields())).status_code == 403
    assert (await get(api, f"{path}/edit", administrator)).status_code == 200


async def test_a_script_learns_where_the_project_is_and_its_revision(
    api: Api, cookie: str, project: dict[str, Any]
) -> None:
    path = f"/projects/{project['id']}"
    form = typed(await get(api, f"{path}/edit", cookie)) | {"title": "새 제목"}

    stays = await send(api, path, cookie, form | {"stay": "true"}, Accept="application/json")
    leaves = await send(api, path, cookie, form, Accept="application/json")

    assert stays.json() == leaves.json() == {"address": path, "revision": 2}
    assert "Set-Cookie" not in stays.headers
    assert "sidepro-done=saved" in leaves.headers["Set-Cookie"]
