"""What people do with their accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sidepro.domain.accounts.ports import (
    AccessTokens,
    AccountReader,
    CommonPasswords,
    EmailSyntax,
    PasswordHasher,
    RefreshTokens,
)
from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import Caller, Session
from sidepro.domain.accounts.user import (
    EMAIL_LONGEST,
    User,
    check_password_length,
    check_password_strength,
    check_username,
)
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.errors import (
    AccountDeactivated,
    Fault,
    InvalidInput,
    NoProfile,
    NotAuthenticated,
    NotFound,
    WrongCredentials,
)
from sidepro.domain.shared import Clock, NewId, Rules, SessionId, UserId
from sidepro.domain.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a log-in gives. Times are in seconds from now."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class AccountService:
    """Sign-up, log-in and profiles."""

    unit_of_work: UnitOfWorkFactory
    reader: AccountReader
    passwords: PasswordHasher
    common_passwords: CommonPasswords
    email_syntax: EmailSyntax
    access_tokens: AccessTokens
    new_refresh_token: RefreshTokens
    clock: Clock
    new_id: NewId
    session_lifetime: timedelta

    async def sign_up(self, email: str, username: str, password: str) -> AccountView:
        """Open an account.

        Raises:
            InvalidInput: a member breaks its rule.
            WeakPassword: the password is common or contains the email or the name.
            EmailTaken, UsernameTaken: somebody has it already.
        """
        rules = Rules()
        address = self._address(email)
        if address is None:
            rules.fault("is not an email address", "email")
        name = check_username(username, rules)
        check_password_length(password, rules)
        rules.enforce()
        check_password_strength(
            password,
            email=address or "",
            username=name,
            is_common=password in self.common_passwords,
        )
        user = User(
            id=UserId(self.new_id()),
            email=address or "",
            username=name,
            password_hash=await self.passwords.hash(password),
            is_admin=False,
            is_active=True,
            created_at=self.clock(),
        )
        async with self.unit_of_work() as work:
            await work.users.add(user)
            await work.commit()
        return AccountView(
            id=user.id,
            username=user.username,
            created_at=user.created_at,
            profile=None,
            email=user.email,
            is_admin=user.is_admin,
        )

    async def availability(self, email: str | None, username: str | None) -> dict[str, bool]:
        """Whether the email and the username asked for are free.

        Raises:
            InvalidInput: what is asked for could not be signed up with.
        """
        rules = Rules(parameters=True)
        if email is None and username is None:
            raise InvalidInput(Fault("or username must be given", parameter="email"))
        address = None if email is None else self._address(email)
        if email is not None and address is None:
            rules.fault("is not an email address", "email")
        name = None if username is None else check_username(username, rules)
        rules.enforce()
        free = {}
        if address is not None:
            free["email"] = not await self.reader.email_taken(address)
        if name is not None:
            free["username"] = not await self.reader.username_taken(name)
        return free

    async def log_in(self, email: str, password: str, user_agent: str | None) -> Tokens:
        """Begin a session. Unknown email and wrong password answer alike, in time too.

        Raises:
            WrongCredentials: there is no such user, or the password is another.
            AccountDeactivated: the password is right and the account is closed by an operator.
        """
        address = self._address(email)
        user = None
        if address is not None:
            async with self.unit_of_work() as work:
                user = await work.users.get_by_email(address)
        right = await self.passwords.verify(password, user.password_hash if user else None)
        if user is None or not right:
            raise WrongCredentials
        if not user.is_active:
            raise AccountDeactivated
        renewed = None
        if self.passwords.is_outdated(user.password_hash):
            renewed = await self.passwords.hash(password)
        token = self.new_refresh_token()
        session = Session.start(
            SessionId(self.new_id()),
            user.id,
            token,
            user_agent,
            self.clock(),
            self.session_lifetime,
        )
        async with self.unit_of_work() as work:
            if renewed is not None:
                await work.users.replace_password_hash(user.id, renewed)
            await work.sessions.add(session)
            await work.commit()
        return Tokens(
            access_token=self.access_tokens.issue(Caller(user.id, session.id, user.is_admin)),
            expires_in=self.access_tokens.lifetime,
            refresh_token=token,
            refresh_expires_in=int(self.session_lifetime.total_seconds()),
            session_id=session.id,
        )

    async def account(self, caller: Caller) -> AccountView:
        """The caller's own account.

        Raises:
            NotAuthenticated: the account behind the token is gone.
        """
        account = await self.reader.account(caller.id)
        if account is None:
            raise NotAuthenticated
        return account

    async def user(self, user_id: UserId) -> AccountView:
        """Anybody's page; only what is public of it may be shown.

        Raises:
            NotFound: there is no such user.
        """
        account = await self.reader.account(user_id)
        if account is None:
            raise NotFound
        return account

    async def write_profile(
        self,
        caller: Caller,
        *,
        bio: str,
        image_id: UUID | None,
        github_url: str | None,
        skills: Sequence[str],
        region: str | None,
        meet_time: str | None,
    ) -> AccountView:
        """Create or replace the caller's profile.

        Raises:
            InvalidInput: a member breaks its rule.
        """
        profile = Profile.write(
            caller.id,
            await self.reader.catalogue(),
            self.clock(),
            bio=bio,
            image_id=image_id,
            github_url=github_url,
            skills=skills,
            region=region,
            meet_time=meet_time,
        )
        async with self.unit_of_work() as work:
            await work.profiles.save(profile)
            await work.commit()
        return await self.account(caller)

    async def edit_profile(self, caller: Caller, changes: Mapping[str, Any]) -> AccountView:
        """Change some members of the caller's profile.

        Raises:
            NoProfile: there is none to change yet.
            InvalidInput: a member breaks its rule.
        """
        catalogue = await self.reader.catalogue()
        async with self.unit_of_work() as work:
            profile = await work.profiles.get(caller.id)
            if profile is None:
                raise NoProfile
            await work.profiles.save(profile.edited(changes, catalogue, self.clock()))
            await work.commit()
        return await self.account(caller)

    async def catalogue(self) -> Catalogue:
        """The skills, regions and meeting times on offer."""
        return await self.reader.catalogue()

    def _address(self, email: str) -> str | None:
        return self.email_syntax(email) if len(email) <= EMAIL_LONGEST else None
