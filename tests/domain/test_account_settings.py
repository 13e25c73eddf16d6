"""Username, language, time zone and chat policy of an account."""

from datetime import timedelta

import pytest

from sidepro.domain.accounts.preferences import RENAME_INTERVAL, ChatPolicy, time_zones
from sidepro.domain.errors import NotAuthenticated, RateLimited, UsernameTaken
from sidepro.domain.language import Language
from tests import factories
from tests.domain.account_data import UNKNOWN_ID, pointers_of
from tests.domain.services import Services, awaited


@awaited
async def test_settings_change_only_the_given_members(services: Services) -> None:
    me = await services.person(username="minji", time_zone="Europe/Berlin")
    before = services.store.state.users[me.id]
    changes = {"language": Language.ENGLISH, "chat_policy": ChatPolicy.CLOSED}
    account = await services.settings.edit(me, changes)
    assert (account.language, account.chat_policy) == (Language.ENGLISH, ChatPolicy.CLOSED)
    assert (account.username, account.time_zone) == ("minji", "Europe/Berlin")
    assert services.store.state.users[me.id].username_changed_at is None
    assert services.store.state.users[me.id].password_hash == before.password_hash


@awaited
async def test_a_username_changes_once_in_thirty_days(services: Services) -> None:
    me = await services.person(username="minji")
    assert (await services.settings.edit(me, {"username": "민지"})).username == "민지"
    services.clock.now += RENAME_INTERVAL - timedelta(seconds=90)
    with pytest.raises(RateLimited) as refused:
        await services.settings.edit(me, {"username": "minji", "language": Language.ENGLISH})
    assert refused.value.allowance is not None
    assert refused.value.allowance.retry_after == 90
    assert services.store.state.users[me.id].language is Language.KOREAN
    services.clock.now += timedelta(seconds=90)
    assert (await services.settings.edit(me, {"username": "minji"})).username == "minji"


@awaited
async def test_the_same_username_is_no_change(services: Services) -> None:
    me = await services.person(username="admin")  # reserved since
    for _ in range(2):
        await services.settings.edit(me, {"username": "admin"})
    assert services.store.state.users[me.id].username_changed_at is None


@awaited
async def test_a_taken_username_is_refused_and_costs_nothing(services: Services) -> None:
    me, other = await services.person(username="minji"), await services.person(username="민지")
    with pytest.raises(UsernameTaken):
        await services.settings.edit(me, {"username": "민지"})
    assert (await services.settings.edit(me, {"username": "MINJI"})).username == "MINJI"
    assert other.id != me.id


@pytest.mark.parametrize(
    "zone", ["", "Seoul", "asia/seoul", "../etc/passwd", "localtime", "UTC+9"]
)
@awaited
async def test_a_time_zone_has_an_iana_name(services: Services, zone: str) -> None:
    me = await services.person()
    attempt = services.settings.edit(me, {"time_zone": zone, "username": "x"})
    assert sorted(map(str, await pointers_of(attempt))) == ["/time_zone", "/username"]


def test_the_time_zones_are_known() -> None:
    assert {"Asia/Seoul", "America/New_York", "UTC"} <= time_zones()


@awaited
async def test_nobody_has_no_settings(services: Services) -> None:
    nobody = factories.caller(factories.user(id=UNKNOWN_ID))
    with pytest.raises(NotAuthenticated):
        await services.settings.edit(nobody, {})
