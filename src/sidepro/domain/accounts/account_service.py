"""Sign-up, the caller's own account, and its password."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.accounts.password import check_password_length, check_password_strength
from sidepro.domain.accounts.personal.username import USERNAME_LENGTH, check_username
from sidepro.domain.accounts.ports import (
    AccountReader,
    AccountUnitOfWork,
    CommonPasswords,
    EmailNormalizer,
    PasswordHasher,
    SessionRegistry,
)
from sidepro.domain.accounts.user import MAX_EMAIL, User
from sidepro.domain.accounts.views import AccountView, UserQuery, UserView
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    WrongPassword,
    ensure_found,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import MailId, NewId, UserId
from sidepro.domain.language import DEFAULT_LANGUAGE, Language
from sidepro.domain.mail.mail import Content, Mail, MailKind
from sidepro.domain.mail.ports import MailTrigger
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rate_limiting import Limit, RateLimiter
from sidepro.domain.text import casefold_key
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.validation import Validator, errors_of
from sidepro.domain.violations import NOT_AN_EMAIL, WRONG, FieldCode, Violation

OWN_PASSWORD_LIMIT = Limit("own-password", 20, 3600, fallback=5)
"""Attempts to enter one's own password, over all sessions and addresses, so that a stolen session
does not help to guess it. The quota is that of log-ins from unknown addresses.
"""


_ONE_OF_BOTH = Violation(FieldCode.MISSING, "or username must be given")
_NOT_BOTH = Violation(FieldCode.CONFLICTING, "or username must be given, not both")


@dataclass(frozen=True, slots=True)
class AccountService:
    """Use cases around a person's account. Without a `limiter`, nothing is limited."""

    unit_of_work: UnitOfWorkFactory[AccountUnitOfWork]
    reader: AccountReader
    passwords: PasswordHasher
    common_passwords: CommonPasswords
    normalize_email: EmailNormalizer
    clock: Clock
    new_id: NewId
    session_registry: SessionRegistry
    limiter: RateLimiter | None
    audit_log: AuthenticationLog
    mail_trigger: MailTrigger

    async def sign_up(
        self,
        email: str,
        username: str,
        password: str,
        *,
        language: Language = DEFAULT_LANGUAGE,
        address: str | None = None,
    ) -> AccountView:
        """Open an account, and send a mail that verifies its email. From now on, `address` is a
        known address of it.

        Raises:
            InvalidInput: a field breaks its rule.
            WeakPassword: the password is common, or contains the email or the username.
            EmailTaken, UsernameTaken: another account has it.
        """
        user = await self.open_account(
            email, username, password, is_admin=False, language=language, address=address
        )
        return AccountView.of(user, None)

    async def open_account(
        self,
        email: str,
        username: str,
        password: str,
        *,
        is_admin: bool,
        language: Language = DEFAULT_LANGUAGE,
        address: str | None = None,
    ) -> User:
        """Open an ordinary account, or an administrator's, whose email counts as verified.

        Raises as `sign_up` does.
        """
        validator = Validator()
        normalized = self.normalized(email)
        if normalized is None:
            validator.add(NOT_AN_EMAIL, "email")
        valid_name = check_username(username, validator, allow_reserved=is_admin)
        check = partial(self._check_new_password, password, normalized or "", valid_name)
        if validator.errors:
            validator.errors += errors_of(check)
            validator.raise_errors()
        check()
        user = User(
            id=UserId(self.new_id()),
            email=normalized or "",
            username=valid_name,
            password_hash="",
            is_admin=is_admin,
            is_active=True,
            created_at=self.clock(),
            email_verified=is_admin,
            language=language,
        )
        password_hash = await self.passwords.hash(password, key=address)
        user = replace(user, password_hash=password_hash)
        async with self.unit_of_work() as work:
            await work.users.add(user)
            if address is not None:
                await work.users.remember_address(user.id, address, user.created_at)
            if not user.email_verified:
                await work.mails.add(self.verification_mail(user))
            await work.commit()
        await self.mail_trigger.request()
        kind = "administrator" if is_admin else None
        self.audit_log(AuthenticationEvent.SIGNED_UP, user.id, reason=kind)
        return user

    async def validate_and_hash(
        self, password: str, user: User, field: str = "password", *, key: str | None = None
    ) -> str:
        """Check a new password of this user, and hash it. See `PasswordHasher` for `key`.

        Raises:
            InvalidInput: it is too short or too long.
            WeakPassword: it is common, or contains the user's email or username.
        """
        self._check_new_password(password, user.email, user.username, field)
        return await self.passwords.hash(password, key=key)

    def _check_new_password(
        self, password: str, email: str, username: str, field: str = "password"
    ) -> None:
        """Raises as `validate_and_hash` does."""
        validator = Validator()
        check_password_length(password, validator, field)
        validator.raise_errors()
        check_password_strength(
            password, self.common_passwords, email=email, username=username, field=field
        )

    async def availability(self, email: str | None, username: str | None) -> dict[str, bool]:
        """Whether an email and a username are free, with an entry for each given one.

        Raises:
            InvalidInput: neither is given, or one breaks its rule.
        """
        validator = Validator(parameters=True)
        if email is None and username is None:
            raise InvalidInput(FieldError(_ONE_OF_BOTH, parameter="email"))
        normalized = None if email is None else self.normalized(email)
        if email is not None and normalized is None:
            validator.add(NOT_AN_EMAIL, "email")
        valid_name = None if username is None else check_username(username, validator)
        validator.raise_errors()
        free = {}
        if normalized is not None:
            free["email"] = not await self.reader.email_taken(normalized)
        if valid_name is not None:
            free["username"] = not await self.reader.username_taken(valid_name)
        return free

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        """Change the caller's password, end all their other sessions, and tell them by mail.

        Raises:
            WrongPassword: `current` is not the password.
            RateLimited: the account's password was entered too often.
            InvalidInput, WeakPassword: the new password breaks a rule.
        """
        user = await self.verify_password(
            caller,
            current,
            "current_password",
            lambda user: self._check_new_password(new, user.email, user.username, "new_password"),
        )
        new_hash = await self.passwords.hash(new, key=str(user.id))
        async with self.unit_of_work() as work:
            if await work.users.get(user.id) != user:
                raise wrong_password("current_password")
            await work.users.save(replace(user, password_hash=new_hash))
            ended = await work.sessions.end_all(user.id, but=caller.session_id)
            await work.mails.add(self.mail(user, MailKind.PASSWORD_CHANGED))
            await work.commit()
        await self.mail_trigger.request()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.PASSWORD_CHANGED, user.id, session_id=caller.session_id)

    async def account(self, caller: Caller) -> AccountView:
        """The caller's own account.

        Raises:
            NotAuthenticated: the account no longer exists.
        """
        account = await self.reader.account(caller.id)
        if account is None:
            raise NotAuthenticated
        return account

    async def user(self, user_id: UserId, viewer: UserId | None) -> UserView:
        """A person as the viewer sees them.

        Raises:
            NotFound: there is no such user.
        """
        return ensure_found(await self.reader.person(user_id, viewer, self.clock()))

    async def user_named(self, username: str, viewer: UserId | None) -> UserView:
        """The person with this username in any case, as `user` shows them.

        Raises:
            NotFound: nobody has it.
        """
        try:
            query = self.user_query(username, None)
        except InvalidInput:
            raise NotFound from None
        found = await self.search(query, PageRequest(1), viewer)
        return ensure_found(next(iter(found.items), None))

    def user_query(self, username: str | None, q: str | None) -> UserQuery:
        """A search for the user with this username, or for users whose usernames begin with `q`.

        Raises:
            InvalidInput: neither or both are given, or the given one is blank or too long.
        """
        validator = Validator(parameters=True)
        name, field = (q, "q") if username is None else (username, "username")
        if name is None or (q is not None and username is not None):
            raise InvalidInput(FieldError(_NOT_BOTH, parameter="q"))
        key = casefold_key(validator.text(name.strip(), field, USERNAME_LENGTH[1], one_line=True))
        validator.raise_errors()
        return UserQuery(key, is_prefix=username is None)

    async def search(
        self, query: UserQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[UserView]:
        """A page of the matching people as the viewer sees them, by username."""
        return await self.reader.search(query, page, viewer, self.clock())

    async def search_size(self, query: UserQuery) -> int:
        """How many people match."""
        return await self.reader.search_size(query)

    async def verify_password(
        self,
        caller: Caller,
        password: str,
        field: str,
        check: Callable[[User], object] = lambda _: None,
    ) -> User:
        """Check the caller's own password and return their user. `field` is the password's field.

        `check` raises `InvalidInput` for the other fields of the form. The errors of both are told
        together, and each attempt counts.

        Raises:
            WrongPassword: this is not the password.
            InvalidInput: it is, and `check` raised this.
            RateLimited: the password was entered too often, right or wrong.
            NotAuthenticated: the account no longer exists.
        """
        if self.limiter is not None:
            allowance = await self.limiter.take(OWN_PASSWORD_LIMIT, str(caller.id))
            if allowance.retry_after is not None:
                self.audit_log(
                    AuthenticationEvent.PASSWORD_REFUSED, caller.id, reason=RateLimited.code
                )
                raise RateLimited(allowance)
        async with self.unit_of_work() as work:
            user = await work.users.get(caller.id)
        if user is None:
            raise NotAuthenticated
        if not await self.passwords.verify(password, user.password_hash, key=str(user.id)):
            self.audit_log(AuthenticationEvent.PASSWORD_REFUSED, user.id)
            raise wrong_password(field, *errors_of(lambda: check(user)))
        check(user)
        return user

    def mail(
        self,
        user: User,
        kind: MailKind,
        content: Content | None = None,
        *,
        address: str | None = None,
    ) -> Mail:
        """A mail about the account, to `address` or else to the account's own."""
        known = {"username": user.username, **(content or {})}
        mail_id, now = MailId(self.new_id()), self.clock()
        return Mail.to(user, kind, mail_id, now, content=known, address=address)

    def verification_mail(self, user: User) -> Mail:
        """The mail that verifies the address of this user that waits for it."""
        return self.mail(user, MailKind.EMAIL_VERIFICATION, address=user.unverified_email)

    def normalized(self, email: str) -> str | None:
        """The email address in normal form, or `None` if it is not one."""
        return self.normalize_email(email) if len(email) <= MAX_EMAIL else None


def wrong_password(field: str, *others: FieldError) -> WrongPassword:
    """The error for a wrong own password in this field of the body, with those of others."""
    return WrongPassword(FieldError(WRONG, pointer=f"/{field}"), *others)
