"""The board over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.databases import both_databases
from tests.statement_log import statements
from tests.web.pages import get, log_in

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio


def titles(text: str) -> list[str]:
    """The titles of the cards in a page."""
    return re.findall(r"<h3[^>]*><a [^>]*>([^<]*)</a></h3>", text)


def address_of(text: str, relation: str) -> str | None:
    """Where the link with this `rel` leads."""
    found = re.search(rf'rel="{relation}" href="([^"]*)"', text)
    return found and found[1].replace("&amp;", "&")


@both_databases
async def test_every_filter_is_in_the_address(fresh_api: Api) -> None:
    api = fresh_api
    author, other = await api.sign_up(), await api.sign_up()
    await api.publish(author, title="동네 지도", skills=["Python", "React"])
    await api.publish(author, title="동네 서점", skills=["React"])
    await api.publish(other, title="러닝 메이트", skills=["Kotlin"])

    for query, expected in [
        ("", ["러닝 메이트", "동네 서점", "동네 지도"]),
        ("q=동네", ["동네 서점", "동네 지도"]),
        ("skill=Python&skill=Kotlin", ["러닝 메이트", "동네 지도"]),
        ("skill=Python&skill=React&match=all", ["동네 지도"]),
        (f"author={author.id}", ["동네 서점", "동네 지도"]),
        ("q=동네&skill=Python", ["동네 지도"]),
    ]:
        assert titles((await get(api, f"/?{query}")).text) == expected, query


async def test_pages_lead_forth_and_back(fresh_api: Api) -> None:
    api = fresh_api
    author = await api.sign_up()
    for number in range(45):
        await api.publish(author, title=f"일 {number:02}")
    expected = [f"일 {number:02}" for number in reversed(range(45))]

    addresses, seen = ["/?skill=Python"], []
    while address := addresses[-1]:
        text = (await get(api, address)).text
        seen += titles(text)
        addresses.append(address_of(text, "next") or "")
        assert parse_qs(urlsplit(address).query)["skill"] == ["Python"]
    assert seen == expected

    text = (await get(api, addresses[-2])).text
    assert titles((await get(api, address_of(text, "prev") or "")).text) == expected[18:36]
    assert 'href="/?skill=Python"' in text  # the first page


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("skill=Nope&q=x", "기술 스택"),
        ("q=" + "x" * 101, "검색어"),
        ("sort=upside-down", "정렬"),
        ("match=some", "고른 기술"),
        ("author=me", "만든 사람"),
        ("skill=" + "&skill=".join(f"S{number}" for number in range(21)), "기술 스택"),
    ],
)
async def test_a_wrong_filter_is_an_error_for_people(api: Api, query: str, label: str) -> None:
    response = await get(api, f"/?{query}")

    assert response.status_code == 422
    assert f"<li>{label}: " in response.text
    assert "찾는 프로젝트가 없어요" not in response.text  # nobody looked for them
    if "q=x" in query:
        assert 'value="x' in response.text


async def test_a_cursor_of_another_list_leads_to_the_first_page(api: Api) -> None:
    response = await get(api, "/?q=x&cursor=forged")

    assert response.status_code == 400
    assert "목록이 바뀌었어요" in response.text
    assert 'href="/"' in response.text


async def test_nothing_found_offers_to_drop_each_filter(api: Api) -> None:
    text = (await get(api, "/?q=zzzz&skill=Python&skill=React&sort=views")).text

    for expected in [
        "/?skill=Python&amp;skill=React&amp;sort=views",
        "/?q=zzzz&amp;skill=React&amp;sort=views",
        "/?q=zzzz&amp;skill=Python&amp;sort=views",
    ]:
        assert f'class="button" href="{expected}"' in text


async def test_the_picker_has_the_chosen_skills_first(api: Api) -> None:
    text = (await get(api, "/?skill=React&skill=Python")).text

    skills = re.findall(r'type="checkbox" name="skill" value="([^"]+)"( checked)?', text)
    assert skills[:3] == [("Python", " checked"), ("React", " checked"), (".NET", "")]
    assert len(skills) == len(set(skills)) == 129


async def test_recommendations_say_why_and_stay_until_others_are_asked_for(
    fresh_api: Api,
) -> None:
    api = fresh_api
    reader, similar = await api.sign_up(), await api.sign_up("하은")
    for person in (reader, similar):
        await api.profile(person, "Python", "React")
    for number in range(9):
        await api.publish(similar, title=f"비슷한 {number}")
    await api.container.similarity.run()
    cookie = await log_in(api, reader)

    text = (await get(api, "/", cookie)).text

    assert f"{similar.username} 님도 쓰는 Python, React" in text
    assert titles((await get(api, "/", cookie)).text) == titles(text)
    assert re.search(r'href="/\?seed=\d+"', text)
    chosen = {tuple(titles((await get(api, f"/?seed={n}", cookie)).text)) for n in range(9)}
    assert len(chosen) > 1


async def test_a_newcomer_is_led_to_the_profile(api: Api) -> None:
    newcomer = await api.sign_up()
    cookie = await log_in(api, newcomer)
    assert 'href="/me/profile">프로필 쓰기</a>' in (await get(api, "/", cookie)).text

    await api.profile(newcomer)

    assert "프로필 쓰기" not in (await get(api, "/", cookie)).text


async def test_the_header_counts_unread_messages(api: Api) -> None:
    reader, partner = await api.sign_up(), await api.sign_up()
    room = await api.room(partner, reader)
    for _ in range(2):
        await api.send_message(partner, room)

    text = (await get(api, "/", await log_in(api, reader))).text

    assert "안 읽은 메시지 2개" in text


async def test_a_page_takes_two_statements_more_than_the_lists_of_the_api(fresh_api: Api) -> None:
    api = fresh_api
    author, reader = await api.sign_up(), await api.sign_up()
    await api.profile(reader)
    for _ in range(3):
        await api.publish(author)
    cookie = await log_in(api, reader)
    await get(api, "/", cookie)  # the catalogue is kept for a while
    database = api.container.database

    with statements(database) as listed:
        await api.send("GET", "/projects?total=true", by=reader)
        await api.send("GET", "/recommendations", by=reader)
    with statements(database) as used:
        assert (await get(api, "/", cookie)).status_code == 200

    assert len(used) <= len(listed) + 2, used
    with statements(database) as used:
        await get(api, "/")
    assert len(used) == 2, used
