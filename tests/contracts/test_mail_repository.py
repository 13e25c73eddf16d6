"""`MailRepository` and `MailReader`: the outbox."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.errors import NotFound
from sidepro.domain.ids import MailId
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import Mail, MailKind, MailState
from sidepro.domain.mail.ports import Backlog
from tests import factories
from tests.contracts.builders import after, nobody
from tests.factories import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from tests.contracts.adapters import Adapters

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def stored(adapters: Adapters, mail: Mail) -> Mail | None:
    async with adapters.unit_of_work() as work:
        return await work.mails.get(mail.id)


async def take_due(adapters: Adapters, now: datetime) -> Mail | None:
    """The mail that is due longest, which is then not due for an hour."""
    async with adapters.unit_of_work() as work:
        mail = await work.mails.take_due(now)
        if mail is not None:
            await work.mails.save(replace(mail, due_at=now + HOUR))
            await work.commit()
        return mail


async def test_a_mail_comes_back_as_stored(adapters: Adapters) -> None:
    user = factories.user(language=Language.ENGLISH, time_zone="Europe/Berlin")
    plain = factories.mail(user)
    full = replace(
        factories.mail(user, MailKind.EMAIL_CHANGED, content={"이름": ["a", 1, None]}),
        unsubscribe="comment",
        token_digest=b"\xff" * 32,
        message_id="<1@example.com>",
        state=MailState.FAILED,
        attempts=7,
        sent_at=after(3),
        reason="550 no such user",
    )
    unaddressed = Mail.to_address(
        "who@example.com", MailKind.PASSWORD_RESET, MailId(factories.new_id()), NOW
    )
    await adapters.add(user, plain, full, unaddressed)
    assert await stored(adapters, plain) == plain
    assert await stored(adapters, full) == full
    assert await stored(adapters, unaddressed) == unaddressed


async def test_a_mail_without_commit_is_not_stored(adapters: Adapters) -> None:
    user = factories.user()
    mail = factories.mail(user)
    await adapters.add(user)
    async with adapters.unit_of_work() as work:
        await work.mails.add(mail)
    assert await stored(adapters, mail) is None


async def test_a_mail_to_nobody_is_refused(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await adapters.add(factories.mail(factories.user(id=nobody())))


async def test_the_mail_that_is_due_longest_comes_first(adapters: Adapters) -> None:
    user = factories.user()
    second, first, later = (
        factories.mail(user, due_at=NOW + timedelta(minutes=minutes)) for minutes in (2, 1, 3)
    )
    sent = replace(factories.mail(user), state=MailState.SENT)
    failed = replace(factories.mail(user), state=MailState.FAILED)
    await adapters.add(user, sent, failed, second, first, later)
    now = NOW + timedelta(minutes=2)
    assert [await take_due(adapters, now) for _ in range(3)] == [first, second, None]


async def test_concurrent_senders_take_different_mails(adapters: Adapters) -> None:
    user = factories.user()
    mails = [factories.mail(user) for _ in range(12)]
    await adapters.add(user, *mails)
    taken = await asyncio.gather(*(take_due(adapters, NOW) for _ in range(16)))
    ids = [mail.id for mail in taken if mail is not None]
    assert len(ids) == len(set(ids))
    rest = [mail.id for _ in mails if (mail := await take_due(adapters, NOW)) is not None]
    assert sorted(ids + rest) == [mail.id for mail in mails]


# Elsewhere units of work follow one another.
@pytest.mark.parametrize(
    "backend", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)
async def test_a_locked_mail_is_skipped(adapters: Adapters) -> None:
    user = factories.user()
    first, second = factories.mail(user), factories.mail(user, due_at=after(1))
    await adapters.add(user, first, second)
    async with adapters.unit_of_work() as one, adapters.unit_of_work() as other:
        assert await one.mails.take_due(after(1)) == first
        assert await asyncio.wait_for(other.mails.take_due(after(1)), 5) == second


async def test_a_deleted_mail_stays_deleted(adapters: Adapters) -> None:
    user = factories.user()
    mail, other = factories.mail(user), factories.mail(user)
    await adapters.add(user, mail, other)
    async with adapters.unit_of_work() as work:
        for _ in range(2):
            await work.mails.delete(mail.id)
        await work.mails.save(replace(mail, attempts=2))
        await work.commit()
    assert await stored(adapters, mail) is None
    assert await stored(adapters, other) == other


async def test_the_mails_of_a_deleted_user_go(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    mail, remaining = factories.mail(user), factories.mail(other)
    await adapters.add(user, other, mail, remaining)
    async with adapters.unit_of_work() as work:
        await work.users.delete(user.id)
        await work.commit()
    assert await adapters.mails.mails(None, 10) == [remaining]


async def test_old_mails_are_deleted_in_batches(adapters: Adapters) -> None:
    user = factories.user()
    old_sent, new_sent = (
        replace(factories.mail(user), state=MailState.SENT, sent_at=NOW - age)
        for age in (3 * HOUR, HOUR)
    )
    old_failed, new_failed = (
        replace(factories.mail(user), state=MailState.FAILED, created_at=NOW - age)
        for age in (9 * HOUR, 5 * HOUR)
    )
    waiting = replace(factories.mail(user), created_at=NOW - 100 * HOUR)
    remaining = [new_sent, new_failed, waiting]
    await adapters.add(user, old_sent, old_failed, *remaining)
    counts = []
    for _ in range(3):
        async with adapters.unit_of_work() as work:
            counts.append(await work.mails.delete_old(NOW - 2 * HOUR, NOW - 8 * HOUR, 1))
            await work.commit()
    assert counts == [1, 1, 0]
    assert {mail.id for mail in await adapters.mails.mails(None, 9)} == {m.id for m in remaining}


async def test_operators_see_the_newest_mails_of_a_state(adapters: Adapters) -> None:
    user = factories.user()
    mails = [factories.mail(user) for _ in range(4)]
    mails[1] = replace(mails[1], state=MailState.FAILED)
    await adapters.add(user, *mails)
    assert await adapters.mails.mails(None, 3) == mails[:0:-1]
    assert await adapters.mails.mails(MailState.FAILED, 3) == [mails[1]]
    assert await adapters.mails.mails(MailState.SENT, 3) == []


async def test_the_backlog_is_that_of_mails_which_should_be_sent(adapters: Adapters) -> None:
    user = factories.user()
    assert await adapters.mails.backlog(NOW) == Backlog(0, 0, None)
    await adapters.add(user, factories.mail(user, due_at=NOW + HOUR))
    assert await adapters.mails.backlog(NOW) == Backlog(1, 0, None)
    tried = factories.mail(user).attempted(NOW)
    sent = replace(factories.mail(user), state=MailState.SENT, due_at=NOW - 9 * HOUR)
    await adapters.add(tried, sent, factories.mail(user).failed("no"))
    assert await adapters.mails.backlog(NOW) == Backlog(2, 1, NOW)
    await adapters.add(factories.mail(user, due_at=NOW - HOUR))
    assert await adapters.mails.backlog(NOW) == Backlog(3, 1, NOW - HOUR)
