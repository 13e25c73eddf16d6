"""`ProfileRepository`: the profiles of users."""

from dataclasses import replace

import pytest

from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.errors import NotFound
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import MANY, after_change, race

pytestmark = pytest.mark.anyio


async def test_a_profile_comes_back_as_stored(adapters: Adapters, catalogue: Catalogue) -> None:
    user = factories.user()
    profile = factories.profile(
        user.id,
        bio="낮에는 백엔드,\n밤에는 게임 🎮 %_\\ '\"; DROP TABLE profiles; --",
        region=catalogue.regions[-1],
        meet_time=catalogue.meet_times[0],
        skills=catalogue.skills[:30],
        updated_at=after(1),
    )
    await adapters.add(user, profile)
    async with adapters.unit_of_work() as work:
        assert await work.profiles.get(user.id) == profile


async def test_a_profile_with_nothing_optional_comes_back_as_stored(adapters: Adapters) -> None:
    user = factories.user()
    profile = factories.profile(user.id, bio="", github_url=None, skills=("Python",))
    await adapters.add(user, profile)
    async with adapters.unit_of_work() as work:
        assert await work.profiles.get(user.id) == profile


async def test_a_new_user_has_no_profile(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other, factories.profile(other.id))
    async with adapters.unit_of_work() as work:
        assert await work.profiles.get(user.id) is None


async def test_save_replaces_the_whole_profile(adapters: Adapters, catalogue: Catalogue) -> None:
    user, other = factories.user(), factories.user()
    full = factories.profile(
        user.id,
        region=catalogue.regions[0],
        meet_time=catalogue.meet_times[0],
        skills=("Django", "Docker", "Python"),
    )
    bare = factories.profile(
        user.id, bio="", github_url=None, skills=("Kotlin",), updated_at=after(5)
    )
    neighbour = factories.profile(other.id)
    await adapters.add(user, other, full, neighbour, bare)
    async with adapters.unit_of_work() as work:
        assert await work.profiles.get(user.id) == bare
        assert await work.profiles.get(other.id) == neighbour
    await adapters.add(full)
    async with adapters.unit_of_work() as work:
        assert await work.profiles.get(user.id) == full


async def test_save_raises_not_found_when_the_user_is_gone(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await adapters.add(factories.profile(nobody()))


async def test_get_waits_for_a_concurrent_edit_and_returns_its_result(
    adapters: Adapters, catalogue: Catalogue
) -> None:
    user = factories.user()
    first = factories.profile(user.id)
    second = factories.profile(
        user.id, bio="edited", skills=("Kotlin", "Vue.js"), region=catalogue.regions[1]
    )
    await adapters.add(user, first)
    got = await after_change(
        adapters, lambda work: work.profiles.get(user.id), lambda work: work.profiles.save(second)
    )
    assert got == second


async def test_concurrent_edits_are_all_kept(adapters: Adapters, catalogue: Catalogue) -> None:
    user = factories.user()
    skills = catalogue.skills[:MANY]
    await adapters.add(user, factories.profile(user.id, bio="", skills=("jQuery",)))

    async def learn(index: int) -> None:
        async with adapters.unit_of_work() as work:
            profile = await work.profiles.get(user.id)
            assert profile is not None
            known = (*profile.skills, skills[index])
            await work.profiles.save(replace(profile, bio=profile.bio + "x", skills=known))
            await work.commit()

    assert await race(adapters, MANY, learn) == [None] * MANY
    async with adapters.unit_of_work() as work:
        profile = await work.profiles.get(user.id)
    assert profile is not None
    assert profile.bio == "x" * MANY
    assert set(profile.skills) == {"jQuery", *skills}


@pytest.mark.parametrize("has_one", [True, False], ids=["replace", "create"])
async def test_one_of_several_concurrent_profiles_is_stored_whole(
    adapters: Adapters, catalogue: Catalogue, has_one: bool
) -> None:
    user = factories.user()
    await adapters.add(user)
    if has_one:
        await adapters.add(factories.profile(user.id))
    profiles = [
        factories.profile(user.id, bio=str(n), skills=catalogue.skills[n : 2 * n + 1])
        for n in range(MANY)
    ]
    results = await race(adapters, MANY, lambda index: adapters.add(profiles[index]))
    assert results == [None] * MANY
    async with adapters.unit_of_work() as work:
        left = await work.profiles.get(user.id)
    assert left in profiles
