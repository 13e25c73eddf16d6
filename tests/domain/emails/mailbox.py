"""The mails of the outbox, and somebody who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.security.mail_tokens import HmacMailTokens
from sidepro.domain.accounts.mailed_tokens.account_mails import AccountMails
from sidepro.domain.errors import InvalidToken, TokenProblem
from sidepro.domain.mail.mail import MailKind
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME
from tests.domain.services import Services
from tests.factories import ADDRESS

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


async def sign_up(services: Services) -> Caller:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    return (await services.sessions.log_in_browser(EMAIL, PASSWORD, address=ADDRESS)).caller


def user(services: Services, me: Caller) -> User:
    return services.store.state.users[me.id]
