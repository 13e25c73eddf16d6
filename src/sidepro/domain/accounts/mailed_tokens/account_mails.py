"""Completes mails with tokens when they are about to be sent: the sender's preparers."""

from dataclasses import dataclass, replace

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.accounts.user import User
from sidepro.domain.clock import Clock
from sidepro.domain.identity import token_digest
from sidepro.domain.mail.mail import Mail
from sidepro.domain.mail.ports import MailTokens
from sidepro.domain.text import casefold_key

MAX_LIVE_RESETS = 3
"""Tokens for a new password that an account may have at once. Further requests send nothing: the
person has a mail of the last hour, and strangers cannot fill a mailbox.
"""

_NO_ADDRESS = ""


@dataclass(frozen=True, slots=True)
class AccountMails:
    """Looks up whom a mail goes to and stores the token in it."""

    tokens: MailTokens
    clock: Clock

    async def prepare_verification(self, work: AccountUnitOfWork, mail: Mail) -> Mail | None:
        """A mail that verifies its address; `None` if the account no longer waits for that."""
        user = None if mail.user_id is None else await work.users.get(mail.user_id)
        if user is None or not user.is_active:
            return None
        if casefold_key(mail.address) != casefold_key(user.unverified_email or _NO_ADDRESS):
            return None
        return await self._with_token(
            work, mail, user, TokenPurpose.EMAIL_VERIFICATION, mail.address
        )

    async def prepare_reset(self, work: AccountUnitOfWork, mail: Mail) -> Mail | None:
        """A mail for a new password, to the account's own address; `None` if nobody has the
        address that was typed, or if enough of them were sent.
        """
        found = await work.account_reader.log_in_candidate(mail.address, _NO_ADDRESS)
        user = None if found is None else await work.users.get(found.user.id)
        if user is None or not user.is_active or user.email_key != casefold_key(mail.address):
            return None
        purpose = TokenPurpose.PASSWORD_RESET
        issued = await work.account_tokens.of_user(user.id, purpose)
        now = self.clock()
        if sum(not token.is_expired(now) for token in issued) >= MAX_LIVE_RESETS:
            return None
        addressed = replace(mail.addressed(user), content={"username": user.username})
        return await self._with_token(work, addressed, user, purpose, user.email)

    async def _with_token(
        self, work: AccountUnitOfWork, mail: Mail, user: User, purpose: TokenPurpose, address: str
    ) -> Mail:
        digest = token_digest(self.tokens.issue(mail.id))
        token = AccountToken.issue(digest, user, purpose, address, self.clock())
        await work.account_tokens.add(token)
        return replace(mail, token_digest=digest)
