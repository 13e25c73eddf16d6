"""Publishing a project by the form of the editor."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.domain.projects.project import MAX_CONTENT
from tests.api.client import PASSWORD, Api, ApiUser
from tests.api.fixtures import serving
from tests.databases import both_databases
from tests.web.editor.forms import (
    PICTURE,
    TEXT,
    fields,
    id_of,
    projects_of,
    published,
    send,
    typed,
)
from tests.web.pages import SAME_ORIGIN, get, log_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases

pytestmark = pytest.mark.anyio


@both_databases
async def test_publishing_leads_to_the_project_and_says_so(
    api: Api, person: ApiUser, cookie: str
) -> None:
    response = await send(api, "/projects", cookie, fields(), PICTURE)

    page = await api.http.get(
        response.headers["Location"], headers={"Cookie": f"{cookie}; sidepro-done=published"}
    )
    assert "sidepro-done=published" in response.headers["Set-Cookie"]
    assert "프로젝트를 올렸어요." in page.text
    project = (await api.send("GET", f"/projects/{id_of(response)}")).json()
    assert project["content"] == TEXT
    assert project["skills"] == ["Python", "jQuery"]
    assert project["repository_url"] is None
    assert project["thumbnail_url"]
    assert published(page) == project["content_html"]


@both_databases
async def test_a_form_that_is_sent_twice_publishes_once(
    api: Api, person: ApiUser, cookie: str
) -> None:
    form = typed(await get(api, "/projects/new", cookie)) | fields()

    first = await send(api, "/projects", cookie, form, PICTURE)
    second = await send(api, "/projects", cookie, form, PICTURE)

    assert id_of(first) == id_of(second)
    assert len(await projects_of(api, person)) == 1
    images = (await api.send("GET", "/images", by=person)).json()["items"]
    assert len(images) == 1


async def test_a_form_that_was_changed_after_it_was_published_asks_before_it_publishes_again(
    api: Api, person: ApiUser, cookie: str
) -> None:
    form = typed(await get(api, "/projects/new", cookie)) | fields()
    await send(api, "/projects", cookie, form)

    changed = await send(api, "/projects", cookie, form | {"title": "다른 제목"})
    assert changed.status_code == 422
    assert "이미 올렸어요" in changed.text
    again = await send(api, "/projects", cookie, typed(changed))

    assert again.status_code == 303
    assert len(await projects_of(api, person)) == 2


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"title": "가" * 51}, "title"),
        ({"summary": " "}, "summary"),
        ({"content": "가" * (MAX_CONTENT + 1)}, "content"),
        ({"content": "\N{GRINNING FACE}" * 400_000}, "content"),
        ({"skills": []}, "skills"),
        ({"skills": ["없는 기술", "Python"]}, "skills"),
        ({"repository_url": "ftp://example.com"}, "repository_url"),
        ({"thumbnail_id": "none"}, "thumbnail"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_form_with_an_error_comes_back_with_what_was_typed(
    api: Api, cookie: str, wrong: dict[str, Any], place: str
) -> None:
    form = fields(**wrong)

    response = await send(api, "/projects", cookie, form)

    assert response.status_code == 422
    assert f'id="{place}-error"' in response.text
    assert "data-errors" in response.text
    found = typed(response)
    assert sorted(found["skills"]) == sorted(form["skills"])
    assert {name: found[name] for name in form if name != "skills"} == {
        name: value for name, value in form.items() if name != "skills"
    }


async def test_a_thumbnail_stays_with_a_form_that_has_an_error(
    api: Api, person: ApiUser, cookie: str
) -> None:
    response = await send(api, "/projects", cookie, fields(title=""), PICTURE)

    form = typed(response)
    assert f'<img src="{form["thumbnail_url"]}"' in response.text
    project_id = id_of(await send(api, "/projects", cookie, form | {"title": "제목"}))
    project = (await api.send("GET", f"/projects/{project_id}")).json()
    assert project["thumbnail_url"] == form["thumbnail_url"]


@pytest.mark.parametrize(
    ("file", "status", "text"),
    [
        (b"%PDF-1.7 no image", 415, "PNG, JPEG, WebP, GIF"),
        (PICTURE[:60], 422, "열 수 없는 이미지예요."),
        (PICTURE + bytes(10 * 2**20), 413, "10 MB보다 커서"),
    ],
    ids=["another kind", "broken", "too large"],
)
async def test_a_wrong_thumbnail_comes_back_with_the_text(
    api: Api, cookie: str, file: bytes, status: int, text: str
) -> None:
    response = await send(api, "/projects", cookie, fields(), file)

    assert response.status_code == status
    assert text in re.findall(r'id="thumbnail-error">(.*?)</p>', response.text, re.DOTALL)[0]
    assert typed(response)["content"] == TEXT


async def test_a_form_whose_session_ended_comes_back_after_logging_in(
    api: Api, person: ApiUser, cookie: str
) -> None:
    await api.send("DELETE", "/sessions", by=person)

    ended = await send(api, "/projects", cookie, fields(idempotency_key="k"), PICTURE)
    assert ended.status_code == 401
    carried = dict(re.findall(r'name="(unsent[^"]*)" value="([^"]*)"', ended.text))
    remaining = {name: unescape(text) for name, text in carried.items()}
    assert remaining["unsent.content"] == TEXT
    log_in_form = {"email": person.email, "password": PASSWORD, **remaining}
    resumed = await api.http.post("/log-in", data=log_in_form, headers=SAME_ORIGIN)
    cookie = resumed.headers["Set-Cookie"].partition(";")[0]
    resent = {
        name: unescape(text)
        for name, text in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', resumed.text)
    }
    form = await api.http.post(
        "/projects/preview", data=resent, headers={**SAME_ORIGIN, "Cookie": cookie}
    )
    api.http.cookies.clear()

    assert 'action="/projects/preview"' in resumed.text
    assert form.status_code == 200
    assert typed(form)["content"] == TEXT
    assert await projects_of(api, person) == []


async def test_a_form_of_another_person_publishes_nothing(
    api: Api, person: ApiUser, cookie: str
) -> None:
    other = await api.sign_up()

    response = await send(api, "/projects", cookie, fields(viewer=other.id), PICTURE)

    assert response.status_code == 401
    assert 'name="unsent.title" value="동네 지도"' in response.text
    assert await projects_of(api, person) == []


async def test_a_limited_form_keeps_its_text(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            cookie = await log_in(api, await api.sign_up())
            for _ in range(30):
                await send(api, "/projects", cookie, {"title": "x"})
            response = await send(api, "/projects", cookie, fields(), PICTURE)

    assert response.status_code == 429
    assert f'name="content" value="{TEXT.replace("&", "&amp;")[:5]}' in response.text
    assert 'action="/projects/preview"' in response.text


async def test_thumbnails_count_as_uploads(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            person = await api.sign_up()
            cookie = await log_in(api, person)
            project = await api.publish(person)
            path = f"/projects/{project['id']}"
            form = {"title": ""}
            statuses = [
                (await send(api, path, cookie, form, PICTURE)).status_code for _ in range(61)
            ]
            text_alone = await send(api, path, cookie, form)

    assert statuses == [422] * 60 + [429]
    assert text_alone.status_code == 422
