"""`sidepro mail`: list and retry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters import system
from sidepro.bootstrap import build
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.settings import Settings
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    RunCommand = Callable[..., Outcome]


@pytest.fixture
def mails(run_migrated: RunCommand, tmp_path: Path) -> tuple[Mail, Mail, Mail]:
    """A waiting, a failed and a sent mail, the newest first."""
    user = factories.user(email="mina@example.com")
    sent, failed, waiting = (
        Mail.to(user, MailKind.PASSWORD_CHANGED, MailId(system.new_id()), system.clock())
        for _ in range(3)
    )
    sent = sent.attempted(sent.created_at).sent(sent.created_at)
    failed = failed.attempted(failed.created_at).failed("550 no such user")

    async def store() -> None:
        container = build(Settings(data_dir=tmp_path / "data"), "http://localhost:8000")
        try:
            async with container.mail.unit_of_work() as work:
                await work.users.add(user)  # type: ignore[attr-defined]  # the unit of work has all
                for mail in (sent, failed, waiting):
                    await work.mails.add(mail)
                await work.commit()
        finally:
            await container.close()

    asyncio.run(store())
    return waiting, failed, sent


def ids(outcome: Outcome) -> list[str]:
    assert (outcome.code, outcome.err) == (0, "")
    return [line.partition("\t")[0] for line in outcome.out.splitlines()]


def test_mails_are_listed_with_the_reason_why_they_were_not_sent(
    run_here: RunCommand, mails: tuple[Mail, Mail, Mail]
) -> None:
    assert ids(run_here("mail", "list")) == [str(mail.id) for mail in mails]
    assert ids(run_here("mail", "list", "--limit", "1")) == [str(mails[0].id)]
    outcome = run_here("mail", "list", "--failed")
    _, kind, address, state, attempts, _, reason = outcome.out.rstrip("\n").split("\t")
    assert (kind, address, state) == ("password-changed", "mina@example.com", "failed")
    assert (attempts, reason) == ("1", "550 no such user")


def test_all_failed_mails_are_retried(
    run_here: RunCommand, mails: tuple[Mail, Mail, Mail]
) -> None:
    assert ids(run_here("mail", "retry", "--failed")) == [str(mails[1].id)]
    assert run_here("mail", "list", "--failed").out == ""
    assert run_here("mail", "retry", "--failed").out == "no mail was given up\n"


def test_a_sent_mail_is_not_sent_again(
    run_here: RunCommand, mails: tuple[Mail, Mail, Mail]
) -> None:
    waiting, failed, sent = mails
    assert len(ids(run_here("mail", "retry", str(failed.id), str(sent.id)))) == 2
    assert ids(run_here("mail", "list", "--sent")) == [str(sent.id)]
    assert ids(run_here("mail", "list", "--waiting")) == [str(waiting.id), str(failed.id)]


def test_unknown_and_missing_mails_are_one_line_errors(
    run_here: RunCommand, mails: tuple[Mail, Mail, Mail]
) -> None:
    assert len(mails) == 3
    unknown = run_here("mail", "retry", str(system.new_id()))
    assert unknown.error_line() == "This was not found."
    assert "ids or --failed" in run_here("mail", "retry").error_line()
