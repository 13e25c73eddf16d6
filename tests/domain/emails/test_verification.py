"""Verification of an email address, and whom it lets write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.domain.accounts.account_token import TOKEN_TTL, TokenPurpose
from sidepro.domain.accounts.mailed_tokens.email_service import EmailService
from sidepro.domain.accounts.writer_gate import VerifiedWriterGate
from sidepro.domain.errors import (
    EmailNotVerified,
    InvalidToken,
    NotAuthenticated,
    RateLimited,
    TokenProblem,
)
from sidepro.domain.mail.mail import MailKind
from tests import factories
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME
from tests.domain.emails.mailbox import NEW, NEW_PASSWORD, Mailbox, reason, sign_up, user
from tests.domain.services import Services, awaited
from tests.factories import at_once


@awaited
async def test_signing_up_sends_a_mail_that_verifies_the_address(
    services: Services, mailbox: Mailbox
) -> None:
    me = await sign_up(services)
    (token,) = await mailbox.read()
    assert mailbox.seen == [(MailKind.EMAIL_VERIFICATION, EMAIL)]
    assert not user(services, me).email_verified
    await services.emails.verify(token)
    assert user(services, me).email_verified
    assert await reason(services.emails.verify(token)) is TokenProblem.UNKNOWN
    assert token not in repr(services.store.state)


@awaited
async def test_a_verified_account_gets_no_further_mail(
    services: Services, mailbox: Mailbox
) -> None:
    me = await sign_up(services)
    (token,) = await mailbox.read()
    await services.emails.verify(token)
    await services.emails.request_verification(me)
    assert await mailbox.read() == []


@awaited
async def test_a_person_gets_one_mail_a_minute_and_six_a_day(services: Services) -> None:
    limiter = InProcessRateLimiter(lambda: services.clock().timestamp())
    emails = EmailService(replace(services.accounts, limiter=limiter))
    me = await sign_up(services)

    async def refused_by() -> str:
        with pytest.raises(RateLimited) as refused:
            await emails.request_verification(me)
        assert refused.value.allowance
        return refused.value.allowance.limit.name

    for _ in range(6):
        await emails.request_verification(me)
        assert await refused_by() == "email-verification"
        services.clock.forward(60)
    assert await refused_by() == "email-verifications"


@awaited
async def test_a_newer_mail_supersedes_the_older_one(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    (older,) = await mailbox.read()
    services.clock.forward(60)
    await services.emails.request_verification(me)
    (newer,) = await mailbox.read()
    assert await reason(services.emails.verify(older)) is TokenProblem.SUPERSEDED
    await services.emails.verify(newer)


@awaited
async def test_a_token_expires_and_holds_for_one_purpose(
    services: Services, mailbox: Mailbox
) -> None:
    await sign_up(services)
    (token,) = await mailbox.read()
    attempt = services.password_resets.redeem(token, NEW_PASSWORD)
    assert await reason(attempt) is TokenProblem.UNKNOWN
    services.clock.now += TOKEN_TTL[TokenPurpose.EMAIL_VERIFICATION]
    assert await reason(services.emails.verify(token)) is TokenProblem.EXPIRED
    assert await reason(services.emails.verify("nonsense")) is TokenProblem.UNKNOWN


@awaited
async def test_another_password_supersedes_a_token(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    (token,) = await mailbox.read()
    await services.accounts.change_password(me, PASSWORD, NEW_PASSWORD)
    assert await reason(services.emails.verify(token)) is TokenProblem.SUPERSEDED


@awaited
async def test_of_many_concurrent_verifications_one_succeeds(
    services: Services, mailbox: Mailbox
) -> None:
    await sign_up(services)
    (token,) = await mailbox.read()

    async def attempt() -> str:
        try:
            await services.emails.verify(token)
        except InvalidToken as error:
            return error.reason
        return "verified"

    outcomes = await at_once([attempt] * 10)
    assert sorted(outcomes) == ["unknown"] * 9 + ["verified"]


@awaited
async def test_the_gate_lets_people_pass_once_they_are_verified(
    services: Services, mailbox: Mailbox
) -> None:
    authorize_writer = VerifiedWriterGate(services.reader)
    me = await sign_up(services)
    with pytest.raises(EmailNotVerified):
        await authorize_writer(me)
    (token,) = await mailbox.read()
    await services.emails.verify(token)
    await authorize_writer(me)
    await services.emails.change(me, NEW, PASSWORD)
    await authorize_writer(me)
    nobody = factories.caller(factories.user())
    await authorize_writer(nobody)
    with pytest.raises(NotAuthenticated):
        await services.emails.request_verification(nobody)


@awaited
async def test_accounts_of_the_command_line_are_verified(services: Services) -> None:
    admin = await services.administration.create_admin(EMAIL, "boss", PASSWORD)
    assert admin.email_verified
    assert not services.store.state.mails


@awaited
async def test_a_changed_password_is_told(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    await mailbox.read()
    mailbox.seen.clear()
    await services.accounts.change_password(me, PASSWORD, NEW_PASSWORD)
    await services.administration.reset_password(USERNAME, PASSWORD)
    await mailbox.read()
    assert mailbox.seen == [(MailKind.PASSWORD_CHANGED, EMAIL)] * 2


@awaited
async def test_a_message_over_any_wire_asks_the_gate(services: Services) -> None:
    me, other = await sign_up(services), await services.person()
    room = factories.room(me.id, other.id)
    async with services.store.unit_of_work() as work:
        assert await work.rooms.add_if_absent(room)
        await work.commit()
    rooms = replace(services.rooms, authorize_writer=VerifiedWriterGate(services.reader))
    with pytest.raises(EmailNotVerified):
        await rooms.send(me, room.id, "안녕하세요", None)
    assert (await rooms.send(other, room.id, "안녕하세요", None)).message.seq == 1
