"""Finding users by their username."""

import pytest

from tests.api.client import Api, ApiUser
from tests.api.schemas import USER

pytestmark = pytest.mark.anyio


@pytest.fixture
async def people(api: Api) -> list[ApiUser]:
    """Three people, the first two with the same beginning of their usernames."""
    first = await api.sign_up("Findme")
    number = first.username.removeprefix("Findme-")
    return [first, await api.sign_up(f"Findme-{number}"), await api.sign_up(f"x{first.username}")]


async def test_a_username_is_found_in_any_case_and_width(api: Api, people: list[ApiUser]) -> None:
    await api.profile(people[0])
    expected = await api.ok(USER, "GET", f"/users/{people[0].id}", by=people[2])
    name = people[0].username
    for username in (name, name.upper(), f" {name.lower()} ", name.replace("F", "Ｆ")):
        page = await api.page(USER, "/users", by=people[2], username=username)
        assert page == {"items": [expected], "next": None, "previous": None}
    assert await api.ids(USER, "/users", by=people[0], username=name[:-1] + "x") == []


async def test_usernames_are_found_by_their_beginning(api: Api, people: list[ApiUser]) -> None:
    prefix = people[0].username
    for q in (prefix, prefix.upper(), f" {prefix}"):
        found = await api.ids(USER, "/users", by=people[2], q=q)
        assert found == [people[0].id, people[1].id]
    page = await api.page(USER, "/users", by=people[2], q=prefix, total=True, limit=1)
    assert page["total"] == 2
    for q in (prefix[1:], "%", f"{prefix[:-1]}_", "\U0010ffff"):
        assert people[0].id not in await api.ids(USER, "/users", by=people[0], q=q, limit=100)


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({}, ["q"]),
        ({"q": "a", "username": "a"}, ["q"]),
        ({"q": ""}, ["q"]),
        ({"q": " \u200b"}, ["q"]),
        ({"q": "a\0"}, ["q"]),
        ({"q": "a" * 31}, ["q"]),
        ({"username": " "}, ["username"]),
        ({"username": "a" * 31}, ["username"]),
    ],
)
async def test_an_invalid_search_for_users_is_refused(
    api: Api, people: list[ApiUser], query: dict[str, str], faults: list[str]
) -> None:
    found = await api.refused(422, "invalid", "GET", "/users", by=people[0], query=query)
    assert found == faults


async def test_only_people_who_are_signed_in_search_for_users(api: Api) -> None:
    await api.refused(401, "not-authenticated", "GET", "/users", query={"q": "a"})
