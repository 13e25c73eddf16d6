"""A process killed after the server took a mail and before it stored that: one more copy."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidepro import bootstrap, settings
from sidepro.adapters import system
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import FIRST_PAUSE, Mail, MailKind, MailState
from sidepro.domain.mail.mail_sender import MailRun
from tests import factories
from tests.databases import both_databases
from tests.servers import settings as environment
from tests.servers.smtp import mail_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sidepro.bootstrap import Container
    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]

SENDER = """
import asyncio, os, signal
from sidepro import bootstrap, settings
from sidepro.adapters.mail.smtp import SmtpTransport

send = SmtpTransport.send

async def send_and_die(self, letter):
    await send(self, letter)
    os.kill(os.getpid(), signal.SIGKILL)

SmtpTransport.send = send_and_die
asyncio.run(bootstrap.build(settings.load(), "http://sidepro.test").mail_sender.run())
"""


@asynccontextmanager
async def built(variables: dict[str, str]) -> AsyncIterator[Container]:
    container = bootstrap.build(settings.load(variables), "http://sidepro.test")
    try:
        yield container
    finally:
        await container.close()


async def run_until_killed(variables: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, env=environment(variables)
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


async def test_a_sender_killed_after_sending_leaves_one_more_equal_copy(
    databases: Databases, tmp_path: Path
) -> None:
    user = factories.user()
    mail = Mail.to(user, MailKind.PASSWORD_CHANGED, MailId(system.new_id()), system.clock())
    with databases.settings(tmp_path / "data") as variables:
        async with mail_server() as server:
            variables["SIDEPRO_SMTP_URL"] = f"smtp://127.0.0.1:{server.port}"
            async with built(variables) as container:
                async with container.mail_sender.unit_of_work() as work:
                    await work.users.add(user)
                    await work.mails.add(mail)
                    await work.commit()
                await run_until_killed(variables)
                assert len(server.received) == 1
                assert await container.mail_sender.run() == MailRun()
                later = replace(container.mail_sender, clock=lambda: system.clock() + FIRST_PAUSE)
                assert await later.run() == MailRun(sent=1)
                assert await later.run() == MailRun()
                first, second = server.received
                assert first == second
                (stored,) = await container.mail.mails(MailState.SENT, 10)
                assert (stored.id, stored.attempts) == (mail.id, 2)
                assert server.messages[0]["Message-ID"] == stored.message_id
