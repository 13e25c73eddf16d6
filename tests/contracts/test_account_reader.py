"""`AccountReader`: people with their profiles, what is taken, the catalogue."""

import time
import unicodedata
from types import SimpleNamespace

import pytest

from sidepro.adapters.sql.readers import catalogue_ids as sql_catalogue
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.catalogue.catalogue import Catalogue
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.world import World

pytestmark = pytest.mark.anyio


async def test_an_account_without_a_profile(world: World) -> None:
    user = factories.user(is_admin=True)
    await world.store(user)
    assert await world.accounts.account(user.id) == AccountView(
        id=user.id,
        username=user.username,
        created_at=user.created_at,
        profile=None,
        email=user.email,
        is_admin=True,
    )


async def test_an_account_with_its_profile(world: World, catalogue: Catalogue) -> None:
    user = factories.user()
    profile = factories.profile(
        user.id,
        bio="",
        skills=("C++", "Django", "Python"),
        region=catalogue.regions[3],
        meet_time=catalogue.meet_times[-1],
    )
    other = factories.user()
    await world.store(user, other, profile, factories.profile(other.id, bio="Another one."))
    account = await world.accounts.account(user.id)
    assert account is not None
    assert account.profile == ProfileView(
        bio="",
        image_url=None,
        github_url=profile.github_url,
        skills=("C++", "Django", "Python"),
        region=catalogue.regions[3],
        meet_time=catalogue.meet_times[-1],
    )


async def test_nobody_has_no_account(world: World) -> None:
    await world.store(factories.user())
    assert await world.accounts.account(nobody()) is None


@pytest.mark.parametrize(
    "asked", ["Mina@Example.kr", "mina@example.kr", "ＭＩＮＡ@example.kr", "mina@EXAMPLE.KR"]
)
async def test_an_email_that_folds_alike_is_taken(world: World, asked: str) -> None:
    assert not await world.accounts.email_taken(asked)
    await world.store(factories.user(email="Mina@Example.kr"))
    assert await world.accounts.email_taken(asked)
    assert not await world.accounts.email_taken("x" + asked)


@pytest.mark.parametrize("asked", ["미나kim", "미나KIM", "미나ｋｉｍ"])
async def test_a_username_that_folds_alike_is_taken(world: World, asked: str) -> None:
    asked = unicodedata.normalize("NFD", asked)
    assert not await world.accounts.username_taken(asked)
    await world.store(factories.user(username="미나Kim"))
    assert await world.accounts.username_taken(asked)
    assert not await world.accounts.username_taken(asked + "x")


async def test_the_catalogue_is_whole_and_in_order(world: World, catalogue: Catalogue) -> None:
    assert await world.catalogue.current() == catalogue


async def test_the_catalogue_shows_additions_within_a_minute(
    world: World, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.catalogue.current()
    await world.grow_catalogue(Catalogue(("Zig",), ("제주 동부",), ("새벽",)))
    in_a_minute = time.monotonic() + 60.001
    clock = SimpleNamespace(monotonic=lambda: in_a_minute)
    monkeypatch.setattr(sql_catalogue, "time", clock)
    assert await world.catalogue.current() == Catalogue(
        (*catalogue.skills, "Zig"),
        (*catalogue.regions, "제주 동부"),
        (*catalogue.meet_times, "새벽"),
    )
