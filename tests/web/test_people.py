"""The pages of people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.databases import both_databases
from tests.web.pages import call, cookie_of, get, log_in, post

if TYPE_CHECKING:
    from tests.api.client import Api, ApiUser

pytestmark = pytest.mark.anyio

PROFILE = {
    "bio": "퇴근하고 지도를 만들어요 <b>",
    "skills": ["Java", "Kotlin"],
    "region": "서울",
    "github_url": "https://github.com/hangul",
}


async def sign_up(api: Api, username: str) -> str:
    """The session cookie of a new person with this name."""
    form = {"email": f"{len(username)}{quote(username)}@example.com".replace("%", "")}
    return cookie_of(
        await post(api, "/sign-up", username=username, password="정확한 horse battery 9", **form)
    )


async def path_of(person: ApiUser) -> str:
    return f"/people/{quote(person.username)}"


@both_databases
async def test_anyone_sees_a_profile_and_its_projects(api: Api) -> None:
    person = await api.sign_up()
    await api.send("PUT", "/me/profile", PROFILE, by=person)
    project = await api.publish(person, title="골목 지도")

    page = await get(api, await path_of(person))

    assert page.status_code == 200
    assert "퇴근하고 지도를 만들어요 &lt;b&gt;" in page.text
    assert f"/projects/{project['id']}" in page.text
    for shown in ("Kotlin", "서울", "https://github.com/hangul"):
        assert shown in page.text
    assert '<meta property="og:title"' in page.text
    assert person.email not in page.text


async def test_a_name_has_its_language(api: Api) -> None:
    person, viewer = await api.sign_up("외국어이름"), await api.sign_up()
    headers = {"Accept-Language": "en", "Cookie": await log_in(api, viewer)}

    page = await call(api, "GET", f"/people/{quote(person.username)}", headers)
    report = await call(api, "GET", f"/report?kind=user&target={person.id}", headers)

    assert f'<h1><span lang="ko">{person.username}</span></h1>' in page.text
    assert f'<p><span lang="ko">{person.username}</span></p>' in report.text


async def test_skills_and_senders_have_their_language(api: Api) -> None:
    person, partner = await api.sign_up("하늘"), await api.sign_up("바다")
    await api.publish(partner, skills=["C언어", "Python"])
    room = await api.room(person, partner)
    await api.send_message(partner, room, "안녕하세요")
    headers = {"Accept-Language": "en", "Cookie": await log_in(api, person)}

    board = (await call(api, "GET", "/", headers)).text
    chat = (await call(api, "GET", f"/chats/{room['id']}", headers)).text

    tags = re.findall(r"<(?:label|span)[^>]*>(?:<input[^>]*>)?C언어</", board)
    assert len(tags) >= 2
    assert all('lang="ko"' in tag for tag in tags)
    name = f'<span lang="ko">{partner.username}</span>'
    assert chat.count(f'<span class="visually-hidden">{name}: </span>') == 2  # and the template


@pytest.mark.parametrize(
    ("username", "asked"),
    [
        ("하늘바다", quote("하늘바다")),
        ("decomposed_가람", quote("Decomposed_가람")),
        ("MixedCase_7", "mixedcase_7"),
    ],
)
async def test_other_spellings_of_a_name_lead_to_its_page(
    api: Api, username: str, asked: str
) -> None:
    await sign_up(api, username)
    canonical = f"/people/{quote(username)}"

    response = await get(api, f"/people/{asked}")

    if asked != quote(username):
        assert (response.status_code, response.headers["Location"]) == (301, canonical)
        response = await get(api, canonical)
    assert response.status_code == 200
    assert f'rel="canonical" href="http://sidepro.test{canonical}"' in response.text


@pytest.mark.parametrize("name", ["nobody-here", "%FF", "a" * 31, "%20", "%00", "a%2Fb"])
async def test_an_unknown_person_is_a_page_that_says_so(api: Api, name: str) -> None:
    response = await get(api, f"/people/{name}")

    assert response.status_code == 404
    assert response.headers["X-Request-ID"] in response.text


async def test_bookmarks_are_for_people_who_are_logged_in(api: Api) -> None:
    person, reader = await api.sign_up(), await api.sign_up()
    project = await api.publish(person, title="모두의 북마크")
    await api.send("PUT", f"/projects/{project['id']}/bookmark", by=person)
    address = f"{await path_of(person)}/bookmarks"

    anonymous = await get(api, address)
    seen = await get(api, address, await log_in(api, reader))

    assert anonymous.status_code == 303
    assert anonymous.headers["Location"] == f"/log-in?next={quote(address, safe='')}"
    assert "모두의 북마크" in seen.text


async def test_a_coffee_chat_is_asked_for_by_others_only(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    address = await path_of(person)
    form = f'name="user_id" value="{person.id}"'

    assert f"/log-in?next={quote(address, safe='')}" in (await get(api, address)).text
    assert form in (await get(api, address, await log_in(api, other))).text
    own = (await get(api, address, await log_in(api, person))).text

    assert form not in own
    assert "/me/profile" in own


async def test_a_walk_through_the_projects_shows_each_once(api: Api) -> None:
    person = await api.sign_up()
    made = {(await api.publish(person, title=f"작품 {n}"))["id"] for n in range(14)}
    address = await path_of(person)
    seen: list[str] = []
    page: str | None = address
    while page:
        text = (await get(api, page)).text
        seen += [each for each in made if f'<a href="/projects/{each}"' in text]
        found = text.partition('rel="next" href="')[2].partition('"')[0]
        page = found.replace("&amp;", "&") or None
    assert sorted(seen) == sorted(made)
    assert (await get(api, f"{address}?cursor=forged")).status_code == 400
