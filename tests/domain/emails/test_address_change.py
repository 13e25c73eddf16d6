"""A change of an email address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.domain.accounts.mailed_tokens.email_service import EmailService
from sidepro.domain.errors import (
    EmailTaken,
    InvalidInput,
    RateLimited,
    TokenProblem,
    WrongCredentials,
    WrongPassword,
)
from sidepro.domain.mail.mail import MailKind
from tests.domain.account_data import EMAIL, PASSWORD
from tests.domain.emails.mailbox import NEW, Mailbox, reason, sign_up, user
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS


@awaited
async def test_a_new_address_holds_once_it_is_verified(
    services: Services, mailbox: Mailbox
) -> None:
    me = await sign_up(services)
    await mailbox.read()
    await services.emails.change(me, NEW, PASSWORD)
    mailbox.seen.clear()
    (token,) = await mailbox.read()
    assert sorted(mailbox.seen) == [
        (MailKind.EMAIL_CHANGE_REQUESTED, EMAIL),
        (MailKind.EMAIL_VERIFICATION, NEW),
    ]
    assert (user(services, me).email, user(services, me).pending_email) == (EMAIL, NEW)
    await services.emails.verify(token)
    changed = user(services, me)
    assert (changed.email, changed.pending_email, changed.email_verified) == (NEW, None, True)
    mailbox.seen.clear()
    await mailbox.read()
    assert mailbox.seen == [(MailKind.EMAIL_CHANGED, EMAIL)]
    await services.sessions.log_in_browser(NEW, PASSWORD, address=ADDRESS)
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in_browser(EMAIL, PASSWORD, address=ADDRESS)


@awaited
async def test_a_third_address_supersedes_the_second(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    (first,) = await mailbox.read()
    services.clock.forward(1)
    await services.emails.change(me, NEW, PASSWORD)
    (second,) = await mailbox.read()
    services.clock.forward(1)
    await services.emails.change(me, "third@example.com", PASSWORD)
    (third,) = await mailbox.read()
    for token in (first, second):
        assert await reason(services.emails.verify(token)) is TokenProblem.SUPERSEDED
    await services.emails.verify(third)
    assert user(services, me).email == "third@example.com"


@awaited
async def test_the_current_address_cancels_a_change(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    await services.emails.change(me, NEW, PASSWORD)
    tokens = await mailbox.read()
    await services.emails.change(me, EMAIL.upper(), PASSWORD)
    assert user(services, me).pending_email is None
    assert await mailbox.read() == []
    for token in tokens:
        assert await reason(services.emails.verify(token)) is TokenProblem.SUPERSEDED


@awaited
async def test_a_change_takes_the_password_and_a_free_address(services: Services) -> None:
    me = await sign_up(services)
    await services.accounts.sign_up("taken@example.com", "another", PASSWORD)
    with pytest.raises(WrongPassword):
        await services.emails.change(me, NEW, "wrong password")
    with pytest.raises(EmailTaken):
        await services.emails.change(me, "TAKEN@example.com", PASSWORD)
    with pytest.raises(InvalidInput):
        await services.emails.change(me, "no address", PASSWORD)
    assert user(services, me).pending_email is None


@awaited
async def test_an_address_that_was_taken_meanwhile_leaves_the_token(
    services: Services, mailbox: Mailbox
) -> None:
    me = await sign_up(services)
    await mailbox.read()
    await services.emails.change(me, NEW, PASSWORD)
    (token,) = await mailbox.read()
    await services.accounts.sign_up(NEW, "another", PASSWORD)
    for _ in range(2):
        with pytest.raises(EmailTaken):
            await services.emails.verify(token)
    assert user(services, me).email == EMAIL


@awaited
async def test_a_person_has_ten_addresses_mailed_a_day(services: Services) -> None:
    limiter = InProcessRateLimiter(lambda: services.clock().timestamp())
    emails = EmailService(replace(services.accounts, limiter=limiter))
    me = await sign_up(services)
    for number in range(10):
        await emails.change(me, f"{number}@example.com", PASSWORD)
    with pytest.raises(RateLimited):
        await emails.change(me, NEW, PASSWORD)
    assert user(services, me).pending_email == "9@example.com"
