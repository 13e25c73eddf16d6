"""Verification and change of email addresses, and new passwords for forgotten ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.security.mail_tokens import HmacMailTokens
from sidepro.domain.accounts.account_token import TOKEN_TTL, TokenPurpose
from sidepro.domain.accounts.mailed_tokens.account_mails import MAX_LIVE_RESETS, AccountMails
from sidepro.domain.accounts.writer_gate import VerifiedWriterGate
from sidepro.domain.errors import (
    EmailNotVerified,
    EmailTaken,
    InvalidInput,
    InvalidToken,
    NotAuthenticated,
    TokenProblem,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from sidepro.domain.mail.mail import MailKind
from tests import factories
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS, at_once

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sidepro.domain.accounts.user import User
    from sidepro.domain.identity import Caller

NEW = "new.address@example.com"
NEW_PASSWORD = "another battery staple"


class Mailbox:
    """Prepares the mails of the outbox, as the sender does, and reads the tokens in them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tokens = HmacMailTokens([b"key"])
        mails = AccountMails(self.tokens, services.clock)
        self.preparers: dict[MailKind, Any] = {
            MailKind.EMAIL_VERIFICATION: mails.prepare_verification,
            MailKind.PASSWORD_RESET: mails.prepare_reset,
        }
        self.seen: list[tuple[MailKind, str]] = []

    async def read(self) -> list[str]:
        """The tokens of new mails. `seen` gets their kinds and addresses."""
        found = []
        for mail in list(self.services.store.state.mails.values()):
            async with self.services.store.unit_of_work() as work:
                prepare = self.preparers.get(mail.kind)
                prepared = mail if prepare is None else await prepare(work, mail)
                await work.mails.delete(mail.id)
                await work.commit()
            if prepared is not None:
                self.seen.append((prepared.kind, prepared.address))
                if prepared.token_digest is not None:
                    found.append(str(self.tokens.find(mail.id, prepared.token_digest)))
        return found


async def reason(attempt: Awaitable[object]) -> TokenProblem:
    with pytest.raises(InvalidToken) as refused:
        await attempt
    return refused.value.reason


@pytest.fixture
def mailbox(services: Services) -> Mailbox:
    return Mailbox(services)


async def sign_up(services: Services) -> Caller:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    return (await services.sessions.log_in_browser(EMAIL, PASSWORD, address=ADDRESS)).caller


def user(services: Services, me: Caller) -> User:
    return services.store.state.users[me.id]


# -------------------------------------------------------------------------------- verification


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


# ----------------------------------------------------------------------------- change of address


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


# ---------------------------------------------------------------------------- forgotten password


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
async def test_another_address_supersedes_a_reset(services: Services, mailbox: Mailbox) -> None:
    me = await sign_up(services)
    await mailbox.read()
    (reset,) = await asked_for_reset(services, mailbox)
    await services.emails.change(me, NEW, PASSWORD)
    (verification,) = await mailbox.read()
    await services.emails.verify(verification)
    late = services.password_resets.redeem(reset, NEW_PASSWORD)
    assert await reason(late) is TokenProblem.SUPERSEDED


# ------------------------------------------------------------------------------------- the gate


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
