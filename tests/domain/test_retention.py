"""Retention: what is deleted when its time is over."""

from dataclasses import astuple
from datetime import timedelta

import pytest

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.deletion.retention import (
    BATCH_SIZE,
    FAILED_MAIL_KEPT_FOR,
    SENT_MAIL_KEPT_FOR,
    RetentionService,
)
from sidepro.domain.errors import Unavailable
from sidepro.domain.idempotency import RESPONSE_TTL, IdempotencyKey
from tests import factories
from tests.domain.services import Services, awaited

TOKEN_TTL = timedelta(days=14)


def service(services: Services) -> RetentionService:
    return RetentionService(
        services.store.unit_of_work,
        services.clock,
        TOKEN_TTL,
        services.request_expiry,
        services.purge,
    )


@awaited
async def test_expired_sessions_tokens_and_keys_are_deleted_however_many(
    services: Services,
) -> None:
    caller = await services.person()
    now = services.clock.now
    count = BATCH_SIZE + 1
    async with services.store.unit_of_work() as work:
        for number in range(count):
            key = IdempotencyKey(caller.id, "POST /projects", f"key-{number}")
            await work.idempotency.acquire(key, b"content", now)
        await work.commit()
    for _ in range(count):
        expired = factories.session(caller.id, expires_at=now + timedelta(seconds=1))
        services.store.state.sessions[expired.id] = expired
    services.clock.forward(RESPONSE_TTL.total_seconds())
    assert astuple(await service(services).delete_expired()) == (count, 0, count, 0, 0, 0, 0)
    assert astuple(await service(services).delete_expired()) == (0, 0, 0, 0, 0, 0, 0)


@awaited
async def test_tokens_of_mails_and_mails_are_deleted_after_their_time(services: Services) -> None:
    user = factories.user()
    sent = factories.mail(user).sent(services.clock.now)
    failed, waiting = factories.mail(user).failed("no"), factories.mail(user)
    purpose = TokenPurpose.PASSWORD_RESET
    token = AccountToken.issue(b"digest", user, purpose, user.email, services.clock.now)
    async with services.store.unit_of_work() as work:
        await work.users.add(user)
        await work.account_tokens.add(token)
        for mail in (sent, failed, waiting):
            await work.mails.add(mail)
        await work.commit()
    services.clock.now += SENT_MAIL_KEPT_FOR + timedelta(seconds=1)
    assert (await service(services).delete_expired()).mails == 1
    assert services.store.state.mails.keys() == {failed.id, waiting.id}
    assert services.store.state.account_tokens
    services.clock.now += FAILED_MAIL_KEPT_FOR
    deleted = await service(services).delete_expired()
    assert (deleted.mails, deleted.account_tokens) == (1, 1)
    assert services.store.state.mails.keys() == {waiting.id}


@awaited
async def test_a_used_token_is_kept_for_the_life_of_a_refresh_token(services: Services) -> None:
    user = factories.user()
    session = factories.session(user.id, expires_at=services.clock.now + timedelta(days=90))
    token = factories.refresh_token(session)
    async with services.store.unit_of_work() as work:
        await work.users.add(user)
        await work.sessions.add(session, token)
        successor = factories.refresh_token(session, text="second")
        await work.sessions.rotate(session, token, successor, services.clock.now)
        await work.commit()
    services.clock.forward(TOKEN_TTL.total_seconds())
    assert (await service(services).delete_expired()).refresh_tokens == 0
    services.clock.forward(1)
    assert (await service(services).delete_expired()).refresh_tokens == 1
    assert list(services.store.state.refresh_tokens) == [successor.hash]


@awaited
async def test_what_was_deleted_before_a_failure_stays_deleted(services: Services) -> None:
    user = factories.user()
    async with services.store.unit_of_work() as work:
        await work.users.add(user)
        await work.commit()
    for _ in range(BATCH_SIZE + 1):
        expired = factories.session(user.id, expires_at=services.clock.now)
        services.store.state.sessions[expired.id] = expired
    services.fail_commits(after=1)
    with pytest.raises(Unavailable):
        await service(services).delete_expired()
    services.fail_commits(after=None)
    assert len(services.store.state.sessions) == 1
