"""The email address of an account: its verification and its change."""

from dataclasses import dataclass, replace

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.account_token import TokenPurpose
from sidepro.domain.accounts.audit_log import AuthenticationEvent
from sidepro.domain.accounts.mailed_tokens.token_check import find_token_user
from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import (
    EmailTaken,
    InvalidToken,
    NotAuthenticated,
    RateLimited,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.mail.mail import MailKind
from sidepro.domain.rate_limiting import Limit
from sidepro.domain.text import casefold_key
from sidepro.domain.validation import Validator
from sidepro.domain.violations import NOT_AN_EMAIL

VERIFICATION_LIMITS = (
    Limit("email-verification", 1, 60),
    Limit("email-verifications", 6, 86_400),
)
"""Verification mails that a person asks for: 1 a minute, 6 a day."""

EMAIL_CHANGE_LIMIT = Limit("email-changes", 10, 86_400)
"""Mails to addresses that a person typed."""


@dataclass(frozen=True, slots=True)
class EmailService:
    """Verifies and changes email addresses. A change holds once the new address is verified."""

    accounts: AccountService

    async def request_verification(self, caller: Caller) -> None:
        """Send a mail that verifies the address that waits for it. Does nothing if none does.

        Raises:
            RateLimited: the person asked too often.
            NotAuthenticated: the account no longer exists.
        """
        account = await self.accounts.account(caller)
        if account.email_verified and account.pending_email is None:
            return
        await self._limit(caller, *VERIFICATION_LIMITS)
        async with self.accounts.unit_of_work() as work:
            user = await _user(work, caller)
            if user.unverified_email is not None:
                await work.mails.add(self.accounts.verification_mail(user))
            await work.commit()
        await self.accounts.mail_trigger.request()

    async def change(self, caller: Caller, email: str, password: str) -> None:
        """Change the address of the account once the new one is verified.

        A mail informs the current address. Given the current address, this cancels a change that
        waits for its verification.

        Raises:
            InvalidInput: it is not an email address.
            WrongPassword: this is not the password.
            EmailTaken: another account has the address.
            RateLimited: the password was entered, or the address changed, too often.
        """
        validator = Validator()
        normalized = self.accounts.normalized(email) or ""
        if not normalized:
            validator.add(NOT_AN_EMAIL, "email")
        known = await self.accounts.verify_password(
            caller, password, "password", lambda _: validator.raise_errors()
        )
        if casefold_key(normalized) == known.email_key:
            await self._cancel_change(caller)
            return
        if await self.accounts.reader.email_taken(normalized):
            raise EmailTaken
        await self._limit(caller, EMAIL_CHANGE_LIMIT)
        async with self.accounts.unit_of_work() as work:
            user = await _user(work, caller)
            changed = replace(user, pending_email=normalized)
            await work.users.save(changed)
            await work.mails.add(self.accounts.verification_mail(changed))
            notice = {"address": normalized}
            await work.mails.add(self.accounts.mail(user, MailKind.EMAIL_CHANGE_REQUESTED, notice))
            await work.commit()
        event = AuthenticationEvent.EMAIL_CHANGE_REQUESTED
        self.accounts.audit_log(event, caller.id, session_id=caller.session_id)
        await self.accounts.mail_trigger.request()

    async def verify(self, token: str) -> None:
        """Verify the address that the token was sent to. A pending address becomes the email.

        Of several concurrent calls with one token exactly one succeeds.

        Raises:
            InvalidToken: the token is unknown, used, expired or superseded.
            EmailTaken: another account has got the address meanwhile. The token stays.
        """
        digest, purpose = token_digest(token), TokenPurpose.EMAIL_VERIFICATION
        async with self.accounts.unit_of_work() as work:
            user, stored = await find_token_user(work, digest, purpose, self.accounts.clock())
            is_change = user.pending_email is not None and stored.fits(user, user.pending_email)
            verified = replace(user, email_verified=True)
            if is_change:
                verified = replace(verified, email=user.pending_email or "", pending_email=None)
                notice = {"address": verified.email}
                await work.mails.add(self.accounts.mail(user, MailKind.EMAIL_CHANGED, notice))
            await work.users.save(verified)
            if not await work.account_tokens.consume(digest):
                raise InvalidToken
            await work.commit()
        self.accounts.audit_log(AuthenticationEvent.EMAIL_VERIFIED, user.id)
        await self.accounts.mail_trigger.request()

    async def _cancel_change(self, caller: Caller) -> None:
        async with self.accounts.unit_of_work() as work:
            user = await _user(work, caller)
            if user.pending_email is not None:
                await work.users.save(replace(user, pending_email=None))
                await work.commit()

    async def _limit(self, caller: Caller, *limits: Limit) -> None:
        if self.accounts.limiter is None:
            return
        for limit in limits:
            allowance = await self.accounts.limiter.take(limit, str(caller.id))
            if allowance.retry_after is not None:
                raise RateLimited(allowance)


async def _user(work: AccountUnitOfWork, caller: Caller) -> User:
    user = await work.users.get(caller.id)
    if user is None:
        raise NotAuthenticated
    return user
