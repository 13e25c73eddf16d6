"""Profiles and accounts: writing, editing and reading them."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sidepro.domain.accounts.views import ProfileView
from sidepro.domain.errors import (
    NoProfile,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId
from tests.domain.account_data import UNKNOWN_ID, pointers_of
from tests.domain.services import Services, awaited
from tests.factories import new_id

PROFILE: dict[str, Any] = {
    "bio": "커피챗 환영\n합니다.",
    "image_id": None,
    "github_url": "https://github.com/minji",
    "skills": ["Python", "C언어"],
    "region": "부산",
    "meet_time": "주말 선호",
}


SHOWN = ProfileView(
    bio=PROFILE["bio"],
    image_url=None,
    github_url=PROFILE["github_url"],
    skills=("C언어", "Python"),
    region="부산",
    meet_time="주말 선호",
)


@awaited
async def test_a_written_profile_is_shown_with_skills_in_catalogue_order(
    services: Services,
) -> None:
    caller = await services.person()
    account = await services.profiles.write_profile(caller, **PROFILE)
    assert account.profile == SHOWN
    assert await services.accounts.account(caller) == account


@awaited
async def test_writing_a_profile_replaces_the_whole(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    bare = {**PROFILE, "bio": "", "github_url": None, "region": None, "meet_time": None}
    account = await services.profiles.write_profile(caller, **bare)
    assert account.profile == ProfileView("", None, None, ("C언어", "Python"), None, None)


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("bio", "x" * 501, "/bio"),
        ("bio", "a\0b", "/bio"),
        ("image_id", new_id(), "/image_id"),
        ("github_url", "javascript:alert(1)", "/github_url"),
        ("github_url", "https://github.com/" + "x" * 182, "/github_url"),
        ("skills", [], "/skills"),
        ("skills", ["Python", "COBOL 2000"], "/skills/1"),
        ("skills", ["Python", "Python"], "/skills/1"),
        ("region", "화성", "/region"),
        ("meet_time", "never", "/meet_time"),
    ],
)
@awaited
async def test_a_profile_that_breaks_a_rule_is_refused(
    services: Services, member: str, value: object, pointer: str
) -> None:
    caller = await services.person()
    attempt = services.profiles.write_profile(caller, **{**PROFILE, member: value})
    assert await pointers_of(attempt) == [pointer]
    assert not services.store.state.profiles


@awaited
async def test_a_profile_has_one_to_thirty_skills(services: Services) -> None:
    skills = tuple(f"skill {number}" for number in range(31))
    services.store.catalogue = replace(services.store.catalogue, skills=skills)
    caller = await services.person()
    write = partial(services.profiles.write_profile, caller)
    for count in (1, 30):
        profile = (await write(**{**PROFILE, "skills": skills[:count]})).profile
        assert profile
        assert profile.skills == skills[:count]
    assert await pointers_of(write(**{**PROFILE, "skills": skills})) == ["/skills"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"bio": "새로운 소개"}, {"bio": "새로운 소개"}),
        ({"region": None}, {"region": None}),
        (
            {"github_url": None, "meet_time": "상관없음"},
            {"github_url": None, "meet_time": "상관없음"},
        ),
        ({"skills": ["iOS", "AWS"]}, {"skills": ("AWS", "iOS")}),
    ],
)
@awaited
async def test_an_edit_keeps_what_it_does_not_name(
    services: Services, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    now = services.clock.forward(60)
    account = await services.profiles.edit_profile(caller, changes)
    assert account.profile == replace(SHOWN, **shown)
    assert services.store.state.profiles[caller.id].updated_at == now


@pytest.mark.parametrize("members", [(), ("bio",), ("skills", "region")])
@awaited
async def test_an_edit_to_the_same_values_keeps_the_time(
    services: Services, members: tuple[str, ...]
) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    before = services.store.state.profiles[caller.id]
    services.clock.forward(60)

    await services.profiles.edit_profile(caller, {name: PROFILE[name] for name in members})

    assert services.store.state.profiles[caller.id] == before


@awaited
async def test_an_edit_that_breaks_a_rule_changes_nothing(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    attempt = services.profiles.edit_profile(caller, {"bio": "새로운 소개", "skills": []})
    assert await pointers_of(attempt) == ["/skills"]
    assert (await services.accounts.account(caller)).profile == SHOWN


@awaited
async def test_an_edit_judges_nothing_that_it_does_not_name(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    profiles = services.store.state.profiles
    older = "ftp://older.example/than-the-rule"
    profiles[caller.id] = replace(profiles[caller.id], github_url=older)
    shown = (await services.profiles.edit_profile(caller, {"bio": "새로운 소개"})).profile
    assert shown
    assert (shown.bio, shown.github_url) == ("새로운 소개", older)


@awaited
async def test_a_profile_that_was_never_written_cannot_be_edited(services: Services) -> None:
    with pytest.raises(NoProfile):
        await services.profiles.edit_profile(await services.person(), {"bio": "x" * 501})


@awaited
async def test_a_tick_is_asked_for_when_the_skills_change_and_not_otherwise() -> None:
    services = Services()
    caller = await services.person()
    asked = services.tick_requests

    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Python"]})
    assert asked.asked == 1, "the first profile"
    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Python"]})
    await services.profiles.edit_profile(caller, {"bio": "또 다른 소개"})
    await services.profiles.edit_profile(caller, {"skills": ["Python"]})
    assert asked.asked == 1, "the same skills"
    await services.profiles.edit_profile(caller, {"skills": ["Python", "React"]})
    assert asked.asked == 2
    await services.profiles.edit_profile(caller, {"skills": ["React", "Python"]})
    assert asked.asked == 2, "in another order"
    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Java"]})
    assert asked.asked == 3


@awaited
async def test_no_tick_is_asked_for_when_nothing_was_stored() -> None:
    services = Services()
    caller = await services.person("Python")
    services.fail_commits(after=0)
    attempts = [
        services.profiles.write_profile(caller, **{**PROFILE, "skills": ["React"]}),
        services.profiles.edit_profile(caller, {"skills": ["React"]}),
    ]
    for attempt in attempts:
        with pytest.raises(Unavailable):
            await attempt
    assert services.tick_requests.asked == 0


@awaited
async def test_an_account_that_is_gone(services: Services) -> None:
    unknown = Caller(UNKNOWN_ID, SessionId(new_id()))
    with pytest.raises(NotAuthenticated):
        await services.accounts.account(unknown)
    with pytest.raises(NotFound):
        await services.accounts.user(UNKNOWN_ID, None)


@awaited
async def test_the_catalogue_is_the_stored_one(services: Services) -> None:
    assert await services.catalogue.current() == services.store.catalogue
