"""The editor over HTTP, as a browser without scripts uses it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.domain.projects.project import MAX_CONTENT
from tests.api.client import PASSWORD, Api, ApiUser
from tests.api.fixtures import serving
from tests.databases import both_databases
from tests.image_files import picture, saved
from tests.web.pages import SAME_ORIGIN, get, log_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.databases import Databases

pytestmark = pytest.mark.anyio

PICTURE = saved(picture())
TEXT = '## 제목\n\n<쓰던> **글** & "그림"\n'


def fields(**over: Any) -> dict[str, Any]:
    """What a person has filled in."""
    return {
        "title": "동네 지도",
        "summary": "모임을 지도에서 찾아요",
        "content": TEXT,
        "skills": ["Python", "jQuery"],
        "repository_url": "",
        **over,
    }


async def send(
    api: Api,
    path: str,
    cookie: str,
    form: dict[str, Any],
    thumbnail: bytes | None = None,
    **headers: str,
) -> httpx.Response:
    """Posts the form of the editor as browsers do."""
    parts: list[tuple[str, Any]] = [
        (name, (None, text.replace("\n", "\r\n")))
        for name, value in form.items()
        for text in ([value] if isinstance(value, str) else value)
    ]
    file = ("", b"") if thumbnail is None else ("cover.png", thumbnail)
    response = await api.http.post(
        path,
        files=[*parts, ("thumbnail", file)],
        headers={**SAME_ORIGIN, "Cookie": cookie, **headers},
    )
    api.http.cookies.clear()
    return response


def typed(page: httpx.Response) -> dict[str, Any]:
    """What the form of a page holds."""
    form = page.text.replace("\r\n", "\n").partition("data-form>")[2]
    values: dict[str, Any] = {
        name: unescape(text)
        for tag in re.findall("<input [^>]*>", form)
        if "checkbox" not in tag
        for name, text in re.findall(r'name="(\w+)".*? value="([^"]*)"', tag, re.DOTALL)
    }
    values["content"] = unescape(
        re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.DOTALL)[0]
    )
    values["skills"] = re.findall(r'name="skills" value="([^"]*)" checked', form)
    return values


def previewed(page: httpx.Response) -> str:
    """The preview on a page."""
    return between(
        page.text,
        'data-previewed role="region" aria-label="미리보기" tabindex="0">',
        '</div>\n<div class="below">',
    )


def published(page: httpx.Response) -> str:
    """The text on the page of a project."""
    text = between(page.text, '<div class="prose reading"', "</div>\n</article>")
    return text.partition(">")[2]


def between(text: str, start: str, end: str) -> str:
    assert start in text
    return text.partition(start)[2].partition(end)[0]


def id_of(response: httpx.Response) -> str:
    """The id of the project to which a response leads."""
    assert response.status_code == 303, response.text
    return response.headers["Location"].removeprefix("/projects/")


async def projects_of(api: Api, person: ApiUser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.send("GET", f"/users/{person.id}/projects")).json()[
        "items"
    ]
    return found


@pytest.fixture
async def person(api: Api) -> ApiUser:
    return await api.sign_up()


@pytest.fixture
async def cookie(api: Api, person: ApiUser) -> str:
    return await log_in(api, person)


# ------------------------------------------------------------------------------------ publishing


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
        (PICTURE + bytes(10 * 2**20), 413, "10MB보다 커서"),
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


# --------------------------------------------------------------------------------------- preview

CORPUS = [
    "# 제목\n\n**굵게** _기울여_ ~~지우고~~ `코드`\n\n> 인용\n\n- 하나\n- 둘\n",
    "```python\nprint('<b>')\n```\n\n| 가 | 나 |\n|---|--:|\n| 1 | 2 |\n",
    "- [x] 한 일\n- [ ] 할 일\n\n각주[^1]\n\n[^1]: 여기\n",
    "<script>x</script><img src=x onerror=alert(1)>\n\n<details><summary>더</summary>글</details>",
    "https://a.example [이웃](/chats) [나쁜](javascript:alert(1)) ![그림](https://evil.example/a.png)",
    "줄 하나  \n줄 둘\n\n\n\n    들여 쓴 코드\t탭\n\n\n<!-- 주석 --> &amp; &lt; 👩‍💻 ㅋㅋ ㄱ",
    "\n\n  앞의 빈 줄과 뒤의 빈 줄\n\n\n",
]


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
async def test_the_preview_is_what_publishing_makes_byte_for_byte(
    api: Api, person: ApiUser, cookie: str, text: str
) -> None:
    picture_url = (await api.image(person, PICTURE))["url"]
    form = fields(content=f"{text}\n![내 그림]({picture_url})")

    without_script = previewed(await send(api, "/projects/preview", cookie, form))
    for_a_script = await send(
        api, "/projects/preview", cookie, {"content": form["content"]}, Accept="application/json"
    )
    project_id = id_of(await send(api, "/projects", cookie, form))

    stored = (await api.send("GET", f"/projects/{project_id}")).json()["content_html"]
    assert picture_url in stored
    assert published(await get(api, f"/projects/{project_id}")) == stored
    assert without_script == stored
    assert for_a_script.json()["html"] == stored


async def test_a_preview_shows_the_form_again_and_stores_no_project(
    api: Api, person: ApiUser, cookie: str
) -> None:
    response = await send(api, "/projects/preview", cookie, fields(), PICTURE)

    assert response.status_code == 200
    form = typed(response)
    assert form["content"] == TEXT
    assert form["thumbnail_id"]
    assert await projects_of(api, person) == []


async def test_the_preview_of_no_text_says_so(api: Api, cookie: str) -> None:
    page = await send(api, "/projects/preview", cookie, fields(content=" "))
    answer = await send(
        api, "/projects/preview", cookie, {"content": " "}, Accept="application/json"
    )

    assert page.status_code == answer.status_code == 422
    assert 'id="content-error"' in page.text
    assert answer.json() == {"html": None, "text": "비워 둘 수 없어요."}


# --------------------------------------------------------------------------------------- editing


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


# ---------------------------------------------------------------------------------------- images


async def upload(api: Api, cookie: str, data: bytes | None) -> httpx.Response:
    response = await api.http.post(
        "/images",
        files={"file": ("a.png", data)} if data is not None else {"other": (None, "x")},
        headers={**SAME_ORIGIN, "Cookie": cookie},
    )
    api.http.cookies.clear()
    return response


async def test_an_image_of_the_text_is_stored(api: Api, person: ApiUser, cookie: str) -> None:
    response = await upload(api, cookie, PICTURE)

    assert response.status_code == 201
    listed = (await api.send("GET", "/images", by=person)).json()["items"]
    assert response.json() == {"id": listed[0]["id"], "url": listed[0]["url"]}


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"GIF? no", 415, "PNG, JPEG, WebP, GIF 이미지만 올릴 수 있어요."),
        (PICTURE[:60], 422, "열 수 없는 이미지예요."),
        (PICTURE + bytes(10 * 2**20), 413, "너무 커요. 내용이나 파일을 줄여서 다시 보내 주세요."),
        (None, 422, "받을 수 없는 값이 있어요."),
    ],
    ids=["another kind", "broken", "too large", "no file"],
)
async def test_a_refused_image_says_why(
    api: Api, cookie: str, data: bytes | None, status: int, text: str
) -> None:
    response = await upload(api, cookie, data)

    assert (response.status_code, response.json()["text"]) == (status, text)


async def test_an_image_needs_a_session(api: Api) -> None:
    assert (await upload(api, "", PICTURE)).status_code == 401
