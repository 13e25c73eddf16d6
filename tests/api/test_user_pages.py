"""A user's projects and bookmarks."""

import pytest

from tests.api.client import UNKNOWN_ID, Api
from tests.api.schemas import CARD, PROJECT

pytestmark = pytest.mark.anyio


async def test_projects_of_a_user_are_public_and_newest_first(api: Api) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    made = [(await api.publish(author))["id"] for _ in range(3)]
    await api.publish(other)

    assert await api.ids(CARD, f"/users/{author.id}/projects") == made[::-1]


async def test_a_user_without_projects_has_an_empty_list(api: Api) -> None:
    person = await api.sign_up()

    page = await api.page(CARD, f"/users/{person.id}/projects", total=True)

    assert page == {"items": [], "next": None, "previous": None, "total": 0}


async def test_bookmarks_are_latest_first_with_the_viewers_own_marked(api: Api) -> None:
    author, collector = await api.sign_up(), await api.sign_up()
    made = [await api.publish(author) for _ in range(3)]
    for project in (made[1], made[2], made[0]):
        await api.bookmark(collector, project)
    await api.bookmark(author, made[0])
    path = f"/users/{collector.id}/bookmarks"

    seen = (await api.page(CARD, path, by=author))["items"]

    assert [card["id"] for card in seen] == [made[n]["id"] for n in (0, 2, 1)]
    assert [card["bookmarked"] for card in seen] == [True, False, False]


async def test_a_repeated_bookmark_keeps_its_place(api: Api) -> None:
    author = await api.sign_up()
    made = [await api.publish(author) for _ in range(2)]
    for project in (made[0], made[1], made[0]):
        await api.bookmark(author, project)

    found = await api.ids(CARD, f"/users/{author.id}/bookmarks", by=author)

    assert found == [made[1]["id"], made[0]["id"]]


async def test_a_removed_bookmark_is_not_listed(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    await api.bookmark(author, made)
    await api.send("DELETE", f"/projects/{made['id']}/bookmark", by=author)

    assert await api.ids(CARD, f"/users/{author.id}/bookmarks", by=author) == []
    assert (await api.get(PROJECT, f"/projects/{made['id']}"))["bookmark_count"] == 0


async def test_bookmarks_require_a_token(api: Api) -> None:
    person = await api.sign_up()

    await api.refused(401, "not-authenticated", "GET", f"/users/{person.id}/bookmarks")


@pytest.mark.parametrize("what", ["projects", "bookmarks"])
@pytest.mark.parametrize("user_id", [UNKNOWN_ID, "nonsense"])
async def test_lists_of_an_unknown_user_are_not_found(api: Api, what: str, user_id: str) -> None:
    person = await api.sign_up()

    await api.refused(404, "not-found", "GET", f"/users/{user_id}/{what}", by=person)
