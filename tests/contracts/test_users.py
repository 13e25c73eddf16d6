"""`UserRepository`: people, unique by email and by name."""

import unicodedata
from uuid import uuid4

import pytest

from sidepro.domain.errors import EmailTaken, UsernameTaken
from sidepro.domain.shared import UserId
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.races import MANY, race
from tests.contracts.world import World

pytestmark = pytest.mark.anyio

# Pairs that differ in case, in width, in composition or in all of them.
ALIKE = [
    pytest.param("mina", "MINA", id="case"),
    pytest.param("mina", "ｍｉｎａ", id="width"),
    pytest.param("미나", unicodedata.normalize("NFD", "미나"), id="composition"),
    pytest.param("straße", "STRASSE", id="sharp-s"),
    pytest.param("ﬁlip", "FILIP", id="ligature"),
]


async def test_a_user_comes_back_as_stored(world: World) -> None:
    user = factories.user(email="Mina.Kim@Example.KR", username="미나_Kim-1", is_admin=True)
    await world.store(user, factories.user())
    async with world.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_a_deactivated_user_comes_back_as_one(world: World) -> None:
    user = factories.user(is_active=False)
    await world.store(user)
    async with world.unit_of_work() as work:
        assert await work.users.get(user.id) == user


async def test_there_is_none_with_an_unknown_id(world: World) -> None:
    await world.store(factories.user())
    async with world.unit_of_work() as work:
        assert await work.users.get(nobody()) is None


@pytest.mark.parametrize(("stored", "asked"), ALIKE)
async def test_get_by_email_finds_what_folds_alike(world: World, stored: str, asked: str) -> None:
    user = factories.user(email=f"{stored}@example.kr")
    await world.store(user, factories.user())
    async with world.unit_of_work() as work:
        assert await work.users.get_by_email(f"{asked}@EXAMPLE.kr") == user
        assert await work.users.get_by_email(f"{asked}x@example.kr") is None


@pytest.mark.parametrize(("first", "second"), ALIKE)
async def test_add_refuses_an_email_that_folds_alike(
    world: World, first: str, second: str
) -> None:
    await world.store(factories.user(email=f"{first}@example.kr"))
    with pytest.raises(EmailTaken):
        await world.store(factories.user(email=f"{second}@example.kr"))


@pytest.mark.parametrize(("first", "second"), ALIKE)
async def test_add_refuses_a_username_that_folds_alike(
    world: World, first: str, second: str
) -> None:
    await world.store(factories.user(username=first))
    with pytest.raises(UsernameTaken):
        await world.store(factories.user(username=second))


async def test_a_refused_user_is_not_stored(world: World) -> None:
    first, second = factories.user(username="mina"), factories.user(username="Mina")
    await world.store(first)
    with pytest.raises(UsernameTaken):
        await world.store(second)
    async with world.unit_of_work() as work:
        assert await work.users.get(second.id) is None
        assert await work.users.get_by_email(second.email) is None
        assert await work.users.get(first.id) == first


async def test_of_many_sign_ups_with_one_email_one_wins(world: World) -> None:
    spellings = ["mina@example.kr", "MINA@example.kr", "ｍｉｎａ@Example.kr", "Mina@EXAMPLE.KR"]

    async def sign_up(index: int) -> UserId:
        user = factories.user(email=spellings[index % len(spellings)])
        await world.store(user)
        return user.id

    results = await race(world, MANY, sign_up)
    losers = [result for result in results if isinstance(result, EmailTaken)]
    assert len(losers) == MANY - 1
    [winner] = [result for result in results if not isinstance(result, EmailTaken)]
    async with world.unit_of_work() as work:
        found = await work.users.get_by_email("mina@example.kr")
    assert found is not None
    assert found.id == winner


async def test_of_many_sign_ups_with_one_username_one_wins(world: World) -> None:
    name = "미나Kim"
    spellings = [name, name.upper(), unicodedata.normalize("NFD", name), "미나ｋｉｍ"]

    async def sign_up(index: int) -> UserId:
        user = factories.user(username=spellings[index % len(spellings)])
        await world.store(user)
        return user.id

    results = await race(world, MANY, sign_up)
    losers = [result for result in results if isinstance(result, UsernameTaken)]
    assert len(losers) == MANY - 1
    [winner] = [result for result in results if not isinstance(result, UsernameTaken)]
    assert isinstance(winner, type(uuid4()))
    account = await world.accounts.account(winner)
    assert account is not None


async def test_many_different_sign_ups_all_win(world: World) -> None:
    users = [factories.user() for _ in range(MANY)]
    results = await race(world, MANY, lambda index: world.store(users[index]))
    assert results == [None] * MANY
    async with world.unit_of_work() as work:
        assert [await work.users.get(user.id) for user in users] == users


async def test_a_replaced_password_hash_changes_that_user_alone(world: World) -> None:
    user, other = factories.user(), factories.user()
    await world.store(user, other)
    async with world.unit_of_work() as work:
        await work.users.replace_password_hash(user.id, "$argon2id$new")
        await work.commit()
    async with world.unit_of_work() as work:
        changed = await work.users.get(user.id)
        assert changed is not None
        assert changed.password_hash == "$argon2id$new"
        assert await work.users.get(other.id) == other


async def test_a_password_hash_of_a_user_who_is_gone_is_no_error(world: World) -> None:
    async with world.unit_of_work() as work:
        await work.users.replace_password_hash(nobody(), "$argon2id$new")
        await work.commit()
