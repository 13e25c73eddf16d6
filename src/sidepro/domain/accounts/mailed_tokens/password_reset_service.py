"""A new password for somebody who has forgotten theirs."""

from dataclasses import dataclass, replace

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.account_token import TOKEN_TTL, TokenPurpose
from sidepro.domain.accounts.audit_log import AuthenticationEvent
from sidepro.domain.accounts.mailed_tokens.token_check import find_token_user
from sidepro.domain.accounts.password import check_password_length
from sidepro.domain.errors import InvalidToken, TokenProblem
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.validation import Validator

PURPOSE = TokenPurpose.PASSWORD_RESET


@dataclass(frozen=True, slots=True)
class PasswordResetService:
    """Sends a token to an account's address, and takes a new password for it."""

    accounts: AccountService

    async def request(self, email: str) -> None:
        """Send a mail with a token, if somebody has this address.

        The job that sends mails looks the account up, so that the call does the same for any
        address.
        """
        normalized = self.accounts.normalized(email)
        if normalized is None:
            return
        mail = Mail.to_address(
            normalized,
            MailKind.PASSWORD_RESET,
            MailId(self.accounts.new_id()),
            self.accounts.clock(),
            retry_for=TOKEN_TTL[PURPOSE],
        )
        async with self.accounts.unit_of_work() as work:
            await work.mails.add(mail)
            await work.commit()
        await self.accounts.mail_trigger.request()

    async def redeem(self, token: str, new_password: str) -> None:
        """Set a new password, end all sessions, and count the address as verified.

        A change of the address that waits for its verification is cancelled. Of several concurrent
        calls with one token exactly one succeeds. A refused password leaves the token.

        Raises:
            InvalidInput, WeakPassword: the new password breaks a rule.
            InvalidToken: the token is unknown, used, expired or superseded.
        """
        validator = Validator()
        check_password_length(new_password, validator, "new_password")
        validator.raise_errors()
        digest = token_digest(token)
        async with self.accounts.unit_of_work() as work:
            known, _ = await find_token_user(work, digest, PURPOSE, self.accounts.clock())
        new_hash = await self.accounts.validate_and_hash(
            new_password, known, "new_password", key=str(known.id)
        )
        async with self.accounts.unit_of_work() as work:
            user, _ = await find_token_user(work, digest, PURPOSE, self.accounts.clock())
            if user.username != known.username:  # which the password was checked against
                raise InvalidToken(TokenProblem.SUPERSEDED)
            if not await work.account_tokens.consume(digest):
                raise InvalidToken
            await work.users.save(
                replace(user, password_hash=new_hash, email_verified=True, pending_email=None)
            )
            ended = await work.sessions.end_all(user.id)
            await work.mails.add(self.accounts.mail(user, MailKind.PASSWORD_CHANGED))
            await work.commit()
        await self.accounts.session_registry.revoke(ended)
        self.accounts.audit_log(AuthenticationEvent.PASSWORD_RESET, user.id)
        await self.accounts.mail_trigger.request()
