"""The form of the editor, as a browser without scripts sends and shows it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from tests.api.client import Api, ApiUser
from tests.image_files import picture, saved
from tests.web.pages import SAME_ORIGIN

if TYPE_CHECKING:
    import httpx

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
