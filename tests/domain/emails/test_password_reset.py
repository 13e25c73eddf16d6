"""New passwords for forgotten ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidepro.domain.accounts.account_token import TOKEN_TTL, TokenPurpose
from sidepro.domain.accounts.mailed_tokens.account_mails import MAX_LIVE_RESETS
from sidepro.domain.errors import InvalidInput, InvalidToken, TokenProblem, WeakPassword
from sidepro.domain.mail.mail import MailKind
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME
from tests.domain.emails.mailbox import NEW, NEW_PASSWORD, Mailbox, reason, sign_up, user
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS


async def asked_for_reset(services: Services, mailbox: Mailbox, email: str = EMAIL) -> list[str]:
    await services.password_resets.request(email)
    return await mailbox.read()


@awaited
async def test_a_new_password_ends_all_sessions_and_verifies_the_address(
    services: Services, mailbox: Mailbox
) -> None:
    me = await sign_up(services)
    await services.emails.change(me, NEW, PASSWORD)
    await mailbox.read()
    (token,) = await asked_for_reset(services, mailbox)
    assert await services.session_registry.is_active(me.session_id)  # and is for a second
    await services.password_resets.redeem(token, NEW_PASSWORD)
    changed = user(services, me)
    assert (changed.email, changed.email_verified, changed.pending_email) == (EMAIL, True, None)
    assert not await services.session_registry.is_active(me.session_id)
    await services.sessions.log_in_browser(EMAIL, NEW_PASSWORD, address=ADDRESS)
    mailbox.seen.clear()
    await mailbox.read()
    assert mailbox.seen == [(MailKind.PASSWORD_CHANGED, EMAIL)]
    again = services.password_resets.redeem(token, NEW_PASSWORD)
    assert await reason(again) is TokenProblem.UNKNOWN


@pytest.mark.parametrize("email", ["nobody@example.com", "no address", USERNAME, "x" * 300])
@awaited
async def test_nobody_learns_whether_an_account_exists(
    services: Services, mailbox: Mailbox, email: str
) -> None:
    await sign_up(services)
    await mailbox.read()
    assert await asked_for_reset(services, mailbox, email) == []
    assert not services.store.state.mails


@awaited
async def test_a_request_stores_the_same_for_known_and_unknown_addresses(
    services: Services,
) -> None:
    await sign_up(services)
    services.store.state.mails.clear()
    for email in (EMAIL, "nobody@example.com"):
        await services.password_resets.request(email)
    known, unknown = services.store.state.mails.values()
    assert replace(known, id=unknown.id, address=unknown.address) == unknown


@awaited
async def test_a_deactivated_person_gets_no_mail(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    await mailbox.read()
    await services.administration.set_account_active(me.id, active=False)
    assert await asked_for_reset(services, mailbox) == []


@awaited
async def test_strangers_cannot_fill_a_mailbox(services: Services, mailbox: Mailbox) -> None:
    await sign_up(services)
    await mailbox.read()
    tokens = [token for _ in range(9) for token in await asked_for_reset(services, mailbox)]
    assert len(tokens) == MAX_LIVE_RESETS
    services.clock.now += TOKEN_TTL[TokenPurpose.PASSWORD_RESET]
    assert len(await asked_for_reset(services, mailbox)) == 1
    late = services.password_resets.redeem(tokens[0], NEW_PASSWORD)
    assert await reason(late) is TokenProblem.EXPIRED


@awaited
async def test_a_used_token_supersedes_the_others(services: Services, mailbox: Mailbox) -> None:
    await sign_up(services)
    await mailbox.read()
    (first,) = await asked_for_reset(services, mailbox)
    (second,) = await asked_for_reset(services, mailbox)
    await services.password_resets.redeem(first, NEW_PASSWORD)
    late = services.password_resets.redeem(second, "a third password")
    assert await reason(late) is TokenProblem.SUPERSEDED


@pytest.mark.parametrize("weak", ["password", f"{USERNAME}님의 비밀번호", "short"])
@awaited
async def test_a_refused_password_leaves_the_token(
    services: Services, mailbox: Mailbox, weak: str
) -> None:
    name = "longer-name"
    await services.accounts.sign_up(EMAIL, name, PASSWORD)
    await mailbox.read()
    (token,) = await asked_for_reset(services, mailbox)
    refused = weak.replace(USERNAME, name)
    with pytest.raises((WeakPassword, InvalidInput)) as error:
        await services.password_resets.redeem(token, refused)
    assert not isinstance(error.value, InvalidToken)
    await services.password_resets.redeem(token, NEW_PASSWORD)


@awaited
async def test_a_password_is_checked_against_the_name_that_is_in_use(
    services: Services, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = await sign_up(services)
    await mailbox.read()
    (token,) = await asked_for_reset(services, mailbox)
    hash_password = services.passwords.hash

    async def rename_meanwhile(password: str, *, key: str | None = None) -> str:
        services.change(me.id, username="battery")
        return await hash_password(password, key=key)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(services.passwords, "hash", rename_meanwhile)
        attempt = services.password_resets.redeem(token, NEW_PASSWORD)
        assert await reason(attempt) is TokenProblem.SUPERSEDED
    await services.password_resets.redeem(token, "a third password")


@awaited
async def test_another_address_supersedes_a_reset(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    await mailbox.read()
    (reset,) = await asked_for_reset(services, mailbox)
    await services.emails.change(me, NEW, PASSWORD)
    (verification,) = await mailbox.read()
    await services.emails.verify(verification)
    late = services.password_resets.redeem(reset, NEW_PASSWORD)
    assert await reason(late) is TokenProblem.SUPERSEDED
