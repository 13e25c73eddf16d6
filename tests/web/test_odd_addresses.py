"""Searches and numbers that nobody could mean: the page comes back, and nothing breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.pages import get, log_in, post
from tests.web.posted_forms import ReadPage

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio

NUMBERS = ("9" * 20, "9" * 5_000, "-1", "0", "1.5", "\u0663", "x")


@pytest.mark.parametrize(
    ("path", "field"),
    [("people", "q"), ("projects", "q"), ("projects", "author"), ("comments", "author")],
)
async def test_a_search_of_operators_that_fails_comes_back_with_its_text(
    api: Api, path: str, field: str
) -> None:
    cookie = await log_in(api, await api.administrator())
    text = "가" * 300

    answer = await get(api, f"/operator/{path}?{field}={text}", cookie)

    assert answer.status_code == 422
    page = ReadPage(answer.text)
    assert page.fields[field][-1] == text
    assert f"#{field}" in page.links
    assert f"{field}-error" in page.ids


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_room_before_no_message_shows_its_latest(api: Api, number: str) -> None:
    person, partner = await api.sign_up(), await api.sign_up()
    room = await api.room(person, partner)
    await api.send_message(partner, room, "안녕하세요")
    page = await get(api, f"/chats/{room['id']}?before={number}", await log_in(api, person))
    assert page.status_code == 200
    assert "안녕하세요" in page.text


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_project_is_not_saved_over_a_revision_that_does_not_exist(
    api: Api, number: str
) -> None:
    person = await api.sign_up()
    cookie, project = await log_in(api, person), await api.publish(person)
    fields = {"title": "내 제목", "summary": "요약", "content": "글", "skills": "Python"}
    path = f"/projects/{project['id']}"

    answer = await post(api, path, cookie, **fields, revision=number)

    assert answer.status_code == 412
    assert ReadPage(answer.text).fields["title"] == ["내 제목"]
