"""The preview of the editor, and the images of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.client import Api, ApiUser
from tests.web.editor.forms import (
    PICTURE,
    TEXT,
    fields,
    id_of,
    previewed,
    projects_of,
    published,
    send,
    typed,
)
from tests.web.pages import SAME_ORIGIN, get

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio

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
