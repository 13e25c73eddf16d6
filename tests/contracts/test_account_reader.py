"""`AccountReader`: users with their profiles, taken names, the catalogue."""

import time
import unicodedata
from types import SimpleNamespace

import pytest

from sidepro.adapters.sql import catalogue_ids as sql_catalogue
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.views import AccountView, ProfileView, UserQuery
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.identity import Role
from sidepro.domain.language import Language
from sidepro.domain.pagination import PageRequest
from sidepro.domain.text import casefold_key
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.paging import read_all_pages
from tests.factories import NOW

pytestmark = pytest.mark.anyio


async def test_an_account_without_a_profile(adapters: Adapters) -> None:
    user = factories.user(
        is_admin=True,
        email_verified=False,
        pending_email="new@example.com",
        language=Language.ENGLISH,
        time_zone="Europe/Berlin",
        chat_policy=ChatPolicy.CLOSED,
    )
    await adapters.add(user)
    assert await adapters.accounts.account(user.id) == AccountView(
        id=user.id,
        username=user.username,
        created_at=user.created_at,
        profile=None,
        email=user.email,
        is_admin=True,
        email_verified=False,
        pending_email="new@example.com",
        language=Language.ENGLISH,
        time_zone="Europe/Berlin",
        role=Role.ADMIN,
        chat_policy=ChatPolicy.CLOSED,
    )


@pytest.mark.parametrize(
    ("members", "role"),
    [
        ({}, Role.MEMBER),
        ({"is_moderator": True}, Role.MODERATOR),
        ({"is_moderator": True, "is_admin": True}, Role.ADMIN),
    ],
)
async def test_the_role_of_an_account(
    adapters: Adapters, members: dict[str, bool], role: Role
) -> None:
    user = factories.user(**members)
    await adapters.add(user)
    account = await adapters.accounts.account(user.id)
    assert account is not None
    assert account.role is role


async def test_an_account_with_its_profile(adapters: Adapters, catalogue: Catalogue) -> None:
    user = factories.user()
    profile = factories.profile(
        user.id,
        bio="",
        skills=("C++", "Django", "Python"),
        region=catalogue.regions[3],
        meet_time=catalogue.meet_times[-1],
    )
    other = factories.user()
    await adapters.add(user, other, profile, factories.profile(other.id, bio="Another one."))
    account = await adapters.accounts.account(user.id)
    assert account is not None
    assert account.profile == ProfileView(
        bio="",
        image_url=None,
        github_url=profile.github_url,
        skills=("C++", "Django", "Python"),
        region=catalogue.regions[3],
        meet_time=catalogue.meet_times[-1],
    )


async def test_an_unknown_user_has_no_account(adapters: Adapters) -> None:
    await adapters.add(factories.user())
    assert await adapters.accounts.account(nobody()) is None


NAMES = [
    "zoe",
    "Mina",
    "mina2",
    "MI_NA",
    "mi-na",
    "min",
    "미나",
    "미",
    "민아",
    "한글",
    "Élan",
    "𠀀자",
]


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
@pytest.mark.parametrize("prefix", ["", "m", "MIN", "미", "미나", "é", "𠀀", "x", "%", "m_"])
async def test_a_search_by_prefix_finds_usernames_by_code_point(
    adapters: Adapters, prefix: str, limit: int
) -> None:
    await adapters.add(*(factories.user(username=name) for name in NAMES))
    query = UserQuery(casefold_key(prefix), is_prefix=True)

    found = await read_all_pages(
        lambda page: adapters.accounts.search(query, page, None, NOW), limit
    )

    keys = sorted(key for key in map(casefold_key, NAMES) if key.startswith(query.key))
    assert [casefold_key(view.username) for view in found] == keys
    assert await adapters.accounts.search_size(query) == len(keys)


async def test_a_search_by_username_finds_one_account_with_its_profile(
    adapters: Adapters,
) -> None:
    user, other = factories.user(username="Mina"), factories.user(username="Mina2")
    await adapters.add(user, other, factories.profile(user.id))
    for name, expected in {"ＭＩＮＡ": [user], "mina2": [other], "min": []}.items():
        query = UserQuery(casefold_key(name), is_prefix=False)
        page = await adapters.accounts.search(query, PageRequest(), user.id, NOW)
        people = [await adapters.accounts.person(one.id, user.id, NOW) for one in expected]
        assert list(page.items) == people
        assert await adapters.accounts.search_size(query) == len(expected)


@pytest.mark.parametrize(
    "asked", ["Mina@Example.kr", "mina@example.kr", "ＭＩＮＡ@example.kr", "mina@EXAMPLE.KR"]
)
async def test_an_email_that_folds_alike_is_taken(adapters: Adapters, asked: str) -> None:
    assert not await adapters.accounts.email_taken(asked)
    await adapters.add(factories.user(email="Mina@Example.kr"))
    assert await adapters.accounts.email_taken(asked)
    assert not await adapters.accounts.email_taken("x" + asked)


@pytest.mark.parametrize("asked", ["미나kim", "미나KIM", "미나ｋｉｍ"])
async def test_a_username_that_folds_alike_is_taken(adapters: Adapters, asked: str) -> None:
    asked = unicodedata.normalize("NFD", asked)
    assert not await adapters.accounts.username_taken(asked)
    await adapters.add(factories.user(username="미나Kim"))
    assert await adapters.accounts.username_taken(asked)
    assert not await adapters.accounts.username_taken(asked + "x")


async def test_the_catalogue_is_whole_and_in_order(
    adapters: Adapters, catalogue: Catalogue
) -> None:
    assert await adapters.catalogue.current() == catalogue


async def test_projects_are_counted_by_skill_in_catalogue_order(
    adapters: Adapters, catalogue: Catalogue
) -> None:
    author = factories.user()
    used = [("Python",), ("Python", "R"), ("R", "Python", "Django"), ("Java",)]
    projects = [factories.project(author.id, skills=skills) for skills in used]
    await adapters.add(author, *projects)

    counts = await adapters.catalogue.skill_counts()

    assert list(counts) == list(catalogue.skills)
    assert {skill: number for skill, number in counts.items() if number} == {
        "Django": 1,
        "Java": 1,
        "Python": 3,
        "R": 2,
    }
    async with adapters.unit_of_work() as work:
        await work.projects.delete(projects[-1].id)
        await work.commit()
    assert (await adapters.catalogue.skill_counts())["Java"] == 0


async def test_the_catalogue_shows_additions_within_a_minute(
    adapters: Adapters, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await adapters.catalogue.current()
    await adapters.grow_catalogue(Catalogue(("Zig",), ("제주 동부",), ("새벽",)))
    in_a_minute = time.monotonic() + 60.001
    clock = SimpleNamespace(monotonic=lambda: in_a_minute)
    monkeypatch.setattr(sql_catalogue, "time", clock)
    assert await adapters.catalogue.current() == Catalogue(
        (*catalogue.skills, "Zig"),
        (*catalogue.regions, "제주 동부"),
        (*catalogue.meet_times, "새벽"),
    )
