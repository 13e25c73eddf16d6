"""`AccountTokenRepository` and `UnsubscribeTokenRepository`: the tokens in mails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.errors import NotFound
from sidepro.domain.identity import token_digest
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, race
from tests.factories import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from sidepro.domain.accounts.user import User
    from tests.contracts.adapters import Adapters

pytestmark = pytest.mark.anyio


def token(
    of: User,
    text: str,
    purpose: TokenPurpose = TokenPurpose.PASSWORD_RESET,
    now: datetime = NOW,
) -> AccountToken:
    return AccountToken.issue(token_digest(text), of, purpose, of.email, now)


async def keep(adapters: Adapters, *tokens: AccountToken) -> None:
    async with adapters.unit_of_work() as work:
        for one in tokens:
            await work.account_tokens.add(one)
        await work.commit()


async def test_a_token_is_found_by_its_digest(adapters: Adapters) -> None:
    user = factories.user(email="Mina@example.com")
    await adapters.add(user)
    stored = token(user, "a")
    await keep(adapters, stored, token(user, "b"))
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.find(token_digest("a")) == stored
        assert await work.account_tokens.find(token_digest("c")) is None


async def test_the_tokens_of_a_user_for_one_purpose(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other)
    later, first = token(user, "a", now=NOW + timedelta(days=1)), token(user, "b")
    verification = token(user, "c", TokenPurpose.EMAIL_VERIFICATION)
    await keep(adapters, later, first, verification, token(other, "d"))
    async with adapters.unit_of_work() as work:
        resets = await work.account_tokens.of_user(user.id, TokenPurpose.PASSWORD_RESET)
        assert resets == [first, later]


async def test_of_many_who_consume_a_token_one_succeeds(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    await keep(adapters, token(user, "a"), token(user, "b"))

    async def consume(_: int) -> bool:
        async with adapters.unit_of_work() as work:
            consumed = await work.account_tokens.consume(token_digest("a"))
            await work.commit()
        return consumed

    results = await race(adapters, MANY, consume)
    assert (results.count(True), results.count(False)) == (1, MANY - 1)
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.find(token_digest("b")) is not None


async def test_a_rolled_back_use_consumes_nothing(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    await keep(adapters, token(user, "a"))
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.consume(token_digest("a"))
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.find(token_digest("a")) is not None


async def test_expired_tokens_are_deleted_in_batches(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    tokens = [token(user, str(hour), now=NOW + timedelta(hours=hour)) for hour in range(4)]
    await keep(adapters, *tokens)
    counts = []
    for _ in range(3):
        async with adapters.unit_of_work() as work:
            counts.append(
                await work.account_tokens.delete_expired(NOW + timedelta(hours=3, minutes=30), 2)
            )
            await work.commit()
    assert counts == [2, 1, 0]
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.of_user(user.id, tokens[0].purpose) == [tokens[3]]


async def test_an_unsubscribe_token_is_for_a_person_and_a_kind(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    async with adapters.unit_of_work() as work:
        for _ in range(2):
            await work.unsubscribe_tokens.add(token_digest("a"), user.id, "comment", NOW)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.unsubscribe_tokens.find(token_digest("a")) == (user.id, "comment")
        assert await work.unsubscribe_tokens.find(token_digest("b")) is None


async def test_the_tokens_of_a_deleted_user_go(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    async with adapters.unit_of_work() as work:
        await work.account_tokens.add(token(user, "a"))
        await work.unsubscribe_tokens.add(token_digest("b"), user.id, "comment", NOW)
        await work.commit()
    async with adapters.unit_of_work() as work:
        await work.users.delete(user.id)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.account_tokens.find(token_digest("a")) is None
        assert await work.unsubscribe_tokens.find(token_digest("b")) is None


async def test_nobody_gets_a_token(adapters: Adapters) -> None:
    unknown = factories.user(id=nobody())
    with pytest.raises(NotFound):
        await keep(adapters, token(unknown, "a"))
    async with adapters.unit_of_work() as work:
        with pytest.raises(NotFound):
            await work.unsubscribe_tokens.add(token_digest("a"), unknown.id, "comment", NOW)
