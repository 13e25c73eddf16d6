"""`UserRepository`: users, unique by email and by name."""

import asyncio
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sidepro.adapters.sql.repositories.board import search_rows
from sidepro.domain.accounts.ports import MAX_KNOWN_ADDRESSES
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import EmailTaken, UsernameTaken
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.language import Language
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, after_change, race
from tests.factories import ADDRESS

pytestmark = pytest.mark.anyio

# Pairs that differ in case, in width, in composition or in all of them.
ALIKE = [
    pytest.param("mina", "MINA", id="case"),
    pytest.param("mina", "ｍｉｎａ", id="width"),
    pytest.param("미나", unicodedata.normalize("NFD", "미나"), id="composition"),
    pytest.param("straße", "STRASSE", id="sharp-s"),
    pytest.param("ﬁlip", "FILIP", id="ligature"),
]


async def test_a_user_comes_back_as_stored(adapters: Adapters) -> None:
    user = factories.user(email="Mina.Kim@Example.KR", username="미나_Kim-1", is_admin=True)
    await adapters.add(user, factories.user())
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_a_deactivated_user_comes_back_as_one(adapters: Adapters) -> None:
    user = factories.user(is_active=False)
    await adapters.add(user)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_there_is_none_with_an_unknown_id(adapters: Adapters) -> None:
    await adapters.add(factories.user())
    async with adapters.unit_of_work() as work:
        assert await work.users.get(nobody()) is None


@pytest.mark.parametrize(("first", "second"), ALIKE)
async def test_add_refuses_an_email_that_folds_alike(
    adapters: Adapters, first: str, second: str
) -> None:
    await adapters.add(factories.user(email=f"{first}@example.kr"))
    with pytest.raises(EmailTaken):
        await adapters.add(factories.user(email=f"{second}@example.kr"))


@pytest.mark.parametrize(("first", "second"), ALIKE)
async def test_add_refuses_a_username_that_folds_alike(
    adapters: Adapters, first: str, second: str
) -> None:
    await adapters.add(factories.user(username=first))
    with pytest.raises(UsernameTaken):
        await adapters.add(factories.user(username=second))


async def test_a_refused_user_is_not_stored(adapters: Adapters) -> None:
    first, second = factories.user(username="mina"), factories.user(username="Mina")
    await adapters.add(first)
    with pytest.raises(UsernameTaken):
        await adapters.add(second)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(second.id) is None
        assert await work.users.get(first.id) == first
    assert await adapters.accounts.log_in_candidate(second.email, ADDRESS) is None


async def test_of_many_sign_ups_with_one_email_one_wins(adapters: Adapters) -> None:
    spellings = ["mina@example.kr", "MINA@example.kr", "ｍｉｎａ@Example.kr", "Mina@EXAMPLE.KR"]

    async def sign_up(index: int) -> UserId:
        user = factories.user(email=spellings[index % len(spellings)])
        await adapters.add(user)
        return user.id

    results = await race(adapters, MANY, sign_up)
    losers = [result for result in results if isinstance(result, EmailTaken)]
    assert len(losers) == MANY - 1
    [winner] = [result for result in results if not isinstance(result, EmailTaken)]
    found = await adapters.accounts.log_in_candidate("mina@example.kr", ADDRESS)
    assert found is not None
    assert found.user.id == winner


async def test_of_many_sign_ups_with_one_username_one_wins(adapters: Adapters) -> None:
    name = "미나Kim"
    spellings = [name, name.upper(), unicodedata.normalize("NFD", name), "미나ｋｉｍ"]

    async def sign_up(index: int) -> UserId:
        user = factories.user(username=spellings[index % len(spellings)])
        await adapters.add(user)
        return user.id

    results = await race(adapters, MANY, sign_up)
    losers = [result for result in results if isinstance(result, UsernameTaken)]
    assert len(losers) == MANY - 1
    [winner] = [result for result in results if not isinstance(result, UsernameTaken)]
    assert isinstance(winner, type(uuid4()))
    account = await adapters.accounts.account(winner)
    assert account is not None


async def test_many_different_sign_ups_all_win(adapters: Adapters) -> None:
    users = [factories.user() for _ in range(MANY)]
    results = await race(adapters, MANY, lambda index: adapters.add(users[index]))
    assert results == [None] * MANY
    async with adapters.unit_of_work() as work:
        assert [await work.users.get(user.id) for user in users] == users


@pytest.mark.parametrize(
    "changes",
    [{"password_hash": "$argon2id$new"}, {"is_active": False}],
    ids=["password", "activity"],
)
async def test_save_changes_only_that_user(adapters: Adapters, changes: dict[str, Any]) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other)
    async with adapters.unit_of_work() as work:
        await work.users.save(replace(user, **changes))
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == replace(user, **changes)
        assert await work.users.get(other.id) == other


async def test_get_delays_another_get_of_the_same_user(adapters: Adapters) -> None:
    user = factories.user()
    changed = replace(user, password_hash="new")
    await adapters.add(user)
    found = await after_change(
        adapters, lambda work: work.users.get(user.id), lambda work: work.users.save(changed)
    )
    assert found == changed


# Elsewhere units of work follow one another.
@pytest.mark.parametrize(
    "backend", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)
async def test_get_does_not_delay_a_get_of_another_user(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other)
    async with adapters.unit_of_work() as first, adapters.unit_of_work() as second:
        assert await first.users.get(user.id) == user
        assert await asyncio.wait_for(second.users.get(other.id), 5) == other


async def test_get_returns_none_for_a_deleted_user(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    found = await after_change(
        adapters, lambda work: work.users.get(user.id), lambda work: work.users.delete(user.id)
    )
    assert found is None


# ------------------------------------------------------------------------------ known addresses


async def knows(adapters: Adapters, user: User, address: str) -> bool:
    found = await adapters.accounts.log_in_candidate(user.email, address)
    assert found is not None
    assert found.user == user
    return found.address_seen_at is not None


async def remember(
    adapters: Adapters, user: User, address: str, now: datetime = factories.NOW
) -> None:
    async with adapters.unit_of_work() as work:
        await work.users.remember_address(user.id, address, now)
        await work.commit()


async def test_an_address_is_known_only_to_the_account_that_used_it(
    adapters: Adapters,
) -> None:
    mina, jun = factories.user(), factories.user()
    await adapters.add(mina, jun)
    await remember(adapters, mina, ADDRESS)
    assert await knows(adapters, mina, ADDRESS)
    assert not await knows(adapters, mina, "203.0.113.8")
    assert not await knows(adapters, jun, ADDRESS)


async def test_only_the_latest_addresses_are_kept(adapters: Adapters) -> None:
    mina, jun = factories.user(), factories.user()
    await adapters.add(mina, jun)
    await remember(adapters, jun, ADDRESS)
    addresses = [f"192.0.2.{number}" for number in range(MAX_KNOWN_ADDRESSES + 1)]
    for seconds, address in enumerate([*addresses[:-1], addresses[0], addresses[-1]]):
        await remember(adapters, mina, address, factories.NOW + timedelta(seconds=seconds))
    known = [address for address in addresses if await knows(adapters, mina, address)]
    assert known == [addresses[0], *addresses[2:]]
    assert await knows(adapters, jun, ADDRESS)


async def test_an_address_may_be_remembered_concurrently(adapters: Adapters) -> None:
    mina = factories.user()
    await adapters.add(mina)
    await race(adapters, MANY, lambda _: remember(adapters, mina, ADDRESS))
    assert await knows(adapters, mina, ADDRESS)


# ----------------------------------------------------------------------------------- usernames


async def found_by(adapters: Adapters, term: str) -> list[ProjectId]:
    page = await adapters.board.board(BoardQuery(text=search_term(term)), PageRequest(100), None)
    return [card.id for card in page.items]


async def test_projects_are_found_by_a_new_username(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_rows, "_BATCH", 2)
    mina, jun = factories.user(username="미나아나운서"), factories.user(username="미나리")
    mine = [factories.project(mina.id) for _ in range(5)]
    other = factories.project(jun.id)
    await adapters.add(mina, jun, *mine, other)
    async with adapters.unit_of_work() as work:
        await work.users.save(replace(mina, username="수나-_새이름"))
        await work.commit()
    assert sorted(await found_by(adapters, "새이름")) == [project.id for project in mine]
    assert await found_by(adapters, "미나") == [other.id]


async def test_a_project_published_during_a_renaming_is_found_by_the_new_name(
    adapters: Adapters,
) -> None:
    users = [factories.user(username=f"이전{number}") for number in range(MANY // 2)]
    await adapters.add(*users)
    projects = [factories.project(user.id) for user in users]

    async def rename(user: User) -> None:
        async with adapters.unit_of_work() as work:
            current = await work.users.get(user.id)
            assert current is not None
            await work.users.save(replace(current, username=f"이후-{user.username}"))
            await work.commit()

    async def act(index: int) -> None:
        if index % 2:
            await rename(users[index // 2])
        else:
            await adapters.add(projects[index // 2])

    assert await race(adapters, MANY, act) == [None] * MANY
    assert sorted(await found_by(adapters, "이후-")) == [project.id for project in projects]


async def test_of_two_who_take_one_username_one_wins(adapters: Adapters) -> None:
    users = [factories.user() for _ in range(4)]
    await adapters.add(*users)

    async def rename(index: int) -> None:
        async with adapters.unit_of_work() as work:
            await work.users.save(replace(users[index], username="미나"))
            await work.commit()

    results = await race(adapters, len(users), rename)
    assert sorted(isinstance(result, UsernameTaken) for result in results) == [False, *[True] * 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "New@example.com", "email_verified": False, "pending_email": "p@example.com"},
        {"language": Language.ENGLISH, "time_zone": "UTC", "chat_policy": ChatPolicy.OPEN},
        {"username": "새이름", "username_changed_at": factories.NOW},
        {"is_moderator": True, "suspended_until": factories.NOW},
    ],
)
async def test_all_members_of_a_user_are_saved(
    adapters: Adapters, changes: dict[str, Any]
) -> None:
    user = factories.user()
    await adapters.add(user)
    async with adapters.unit_of_work() as work:
        await work.users.save(replace(user, **changes))
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == replace(user, **changes)
    found = await adapters.accounts.find_user(changes.get("email", user.email).upper())
    assert found == replace(user, **changes)
