"""The job that sends mails: attempts, pauses, and what it does with each outcome."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.security.mail_tokens import HmacMailTokens
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import FIRST_PAUSE, MAX_PAUSE, RETRY_FOR, Mail, MailKind, MailState
from sidepro.domain.mail.mail_sender import MailRun, MailSender
from sidepro.domain.mail.ports import Letter, MailDelayed, MailRefused, MailServerUnavailable
from tests import factories
from tests.domain.services import Services, awaited
from tests.fakes.store import MemoryUnitOfWork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sidepro.domain.accounts.user import User


class PlainComposer:
    """Writes what it was given."""

    def compose(self, mail: Mail, token: str | None, unsubscribe_token: str | None) -> Letter:
        return Letter(
            message_id=str(mail.message_id),
            date=mail.created_at,
            to=mail.address,
            language=mail.language,
            subject=mail.kind,
            text=f"{token} {dict(mail.content)}",
            html="",
            unsubscribe_url=unsubscribe_token,
        )


class RecordingTransport:
    """Takes mails, or fails as the test says."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.problems: list[Exception] = []
        self.closed = 0
        self.before: Callable[[], Awaitable[None]] | None = None

    async def send(self, letter: Letter) -> None:
        if self.before is not None:
            await self.before()
        if self.problems:
            raise self.problems.pop(0)
        self.letters.append(letter)

    async def close(self) -> None:
        self.closed += 1


class Outbox:
    """A sender over a store in memory."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.transport = RecordingTransport()
        self.tokens = HmacMailTokens([b"new key", b"old key"])
        self.sender: MailSender[MemoryUnitOfWork] = MailSender(
            unit_of_work=services.store.unit_of_work,
            preparers={},
            composer=PlainComposer(),
            transport=self.transport,
            tokens=self.tokens,
            clock=services.clock,
            domain="example.com",
        )

    async def put(self, *mails: Mail) -> None:
        async with self.services.store.unit_of_work() as work:
            for mail in mails:
                await work.mails.add(mail)
            await work.commit()

    async def user(self) -> User:
        me = await self.services.person()
        return self.services.store.state.users[me.id]

    def stored(self, mail: Mail) -> Mail:
        return self.services.store.state.mails[mail.id]

    def prepare(
        self, kind: MailKind, prepare: Callable[[MemoryUnitOfWork, Mail], Awaitable[Mail | None]]
    ) -> None:
        self.sender = replace(self.sender, preparers={kind: prepare})


@awaited
async def test_due_mails_are_sent_once(services: Services) -> None:
    outbox = Outbox(services)
    user = await outbox.user()
    mails = [factories.mail(user) for _ in range(3)]
    later = factories.mail(user, due_at=factories.NOW + timedelta(minutes=10))
    await outbox.put(*mails, later)
    assert await outbox.sender.run() == MailRun(sent=3)
    assert await outbox.sender.run() == MailRun()
    assert [letter.message_id for letter in outbox.transport.letters] == [
        f"<{mail.id}@example.com>" for mail in mails
    ]
    assert outbox.stored(mails[0]).state is MailState.SENT
    assert outbox.stored(mails[0]).sent_at == factories.NOW
    assert outbox.stored(later) == later
    assert outbox.transport.closed == 2


@awaited
async def test_a_delayed_mail_is_tried_for_a_day_with_growing_pauses(services: Services) -> None:
    outbox = Outbox(services)
    mail = factories.mail(await outbox.user())
    await outbox.put(mail)
    attempts = []
    while outbox.stored(mail).state is MailState.WAITING:
        services.clock.now = outbox.stored(mail).due_at
        attempts.append(services.clock.now)
        outbox.transport.problems = [MailDelayed("451 try later")]
        await outbox.sender.run()
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_PAUSE
    assert RETRY_FOR - MAX_PAUSE <= attempts[-2] - factories.NOW < RETRY_FOR
    given_up = outbox.stored(mail)
    assert (given_up.state, given_up.reason) == (MailState.FAILED, "451 try later")
    assert not outbox.transport.letters


@awaited
async def test_a_refused_mail_is_given_up_and_the_next_one_is_sent(services: Services) -> None:
    outbox = Outbox(services)
    user = await outbox.user()
    first, second = factories.mail(user), factories.mail(user)
    await outbox.put(first, second)
    outbox.transport.problems = [MailRefused("550 no such user")]
    assert await outbox.sender.run() == MailRun(sent=1, failed=1)
    assert outbox.stored(first).state is MailState.FAILED
    assert outbox.stored(first).reason == "550 no such user"


@awaited
async def test_a_run_ends_while_the_server_is_away(services: Services) -> None:
    outbox = Outbox(services)
    user = await outbox.user()
    first, second = factories.mail(user), factories.mail(user)
    await outbox.put(first, second)
    outbox.transport.problems = [MailServerUnavailable("connection refused")]
    run = await outbox.sender.run()
    assert run == MailRun(delayed=1, server_problem="connection refused")
    assert outbox.stored(second).attempts == 0
    services.clock.forward(FIRST_PAUSE.total_seconds())
    assert await outbox.sender.run() == MailRun(sent=2)


@awaited
async def test_a_mail_whose_sender_died_is_sent_again_as_it_was(services: Services) -> None:
    outbox = Outbox(services)
    mail = factories.mail(await outbox.user())
    await outbox.put(mail)

    async def count(_work: MemoryUnitOfWork, prepared: Mail) -> Mail:
        return replace(prepared, content={"runs": len(outbox.transport.letters)})

    outbox.prepare(mail.kind, count)

    async def die_later() -> None:
        services.fail_commits(0)

    outbox.transport.before = die_later
    with pytest.raises(Exception, match="unavailable"):
        await outbox.sender.run()
    outbox.transport.before = None
    services.fail_commits(None)
    assert await outbox.sender.run() == MailRun()
    services.clock.forward(FIRST_PAUSE.total_seconds())
    assert await outbox.sender.run() == MailRun(sent=1)
    first, second = outbox.transport.letters
    assert first == second


@awaited
async def test_two_senders_do_not_send_one_mail(services: Services) -> None:
    outbox = Outbox(services)
    user = await outbox.user()
    await outbox.put(*(factories.mail(user) for _ in range(5)))
    another = replace(outbox.sender)
    await asyncio.gather(outbox.sender.run(), another.run())
    ids = [letter.message_id for letter in outbox.transport.letters]
    assert len(ids) == len(set(ids)) == 5


@awaited
async def test_a_mail_with_nothing_to_say_is_dropped(services: Services) -> None:
    outbox = Outbox(services)
    mail = factories.mail(await outbox.user())
    await outbox.put(mail)

    async def nothing(_work: MemoryUnitOfWork, _mail: Mail) -> None:
        return None

    outbox.prepare(mail.kind, nothing)
    assert await outbox.sender.run() == MailRun()
    assert not services.store.state.mails


@awaited
async def test_a_mail_that_is_too_late_is_not_sent(services: Services) -> None:
    outbox = Outbox(services)
    mail = factories.mail(await outbox.user(), retry_for=timedelta(hours=1))
    await outbox.put(mail)
    services.clock.forward(3_600)
    assert await outbox.sender.run() == MailRun(failed=1)
    assert not outbox.transport.letters


@pytest.mark.parametrize(("key", "is_sent"), [(b"old key", True), (b"lost key", False)])
@awaited
async def test_a_token_is_found_after_a_rotation_of_keys(
    services: Services, key: bytes, is_sent: bool
) -> None:
    outbox = Outbox(services)
    mail_id = MailId(factories.new_id())
    token = HmacMailTokens([key]).issue(mail_id)
    mail = replace(
        factories.mail(await outbox.user()),
        id=mail_id,
        message_id="<1@example.com>",
        token_digest=token_digest(token),
    )
    await outbox.put(mail)
    await outbox.sender.run()
    assert [letter.text for letter in outbox.transport.letters] == [f"{token} {{}}"] * is_sent
    assert (outbox.stored(mail).state is MailState.FAILED) == (not is_sent)
    assert token not in repr(outbox.stored(mail))


@awaited
async def test_a_notification_carries_a_token_that_switches_it_off(services: Services) -> None:
    outbox = Outbox(services)
    user = await outbox.user()
    first, second, other = (
        factories.mail(user, unsubscribe=kind) for kind in ("comment", "comment", "messages")
    )
    await outbox.put(first, second, other)
    await outbox.sender.run()
    tokens = [letter.unsubscribe_url for letter in outbox.transport.letters]
    assert tokens[0] == tokens[1] != tokens[2]
    assert services.store.state.unsubscribe_tokens == {
        token_digest(str(tokens[0])): (user.id, "comment"),
        token_digest(str(tokens[2])): (user.id, "messages"),
    }
