"""Operators' actions on accounts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.accounts.ports import AccountReader, AccountUnitOfWork, SessionRegistry
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import NotFound, ensure_found
from sidepro.domain.ids import UserId
from sidepro.domain.mail.mail import MailKind
from sidepro.domain.unit_of_work import UnitOfWorkFactory

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class AdministrationService:
    """Creates administrators, deactivates and activates accounts, resets passwords."""

    unit_of_work: UnitOfWorkFactory[AccountUnitOfWork]
    reader: AccountReader
    accounts: AccountService
    session_registry: SessionRegistry
    audit_log: AuthenticationLog

    async def create_admin(self, email: str, username: str, password: str) -> User:
        """Open an administrator's account.

        Raises:
            InvalidInput, WeakPassword, EmailTaken, UsernameTaken: as for signing up.
        """
        return await self.accounts.open_account(email, username, password, is_admin=True)

    async def set_active(self, name: str, *, active: bool) -> User:
        """Activate or deactivate the account with this email or username.

        Deactivating ends its sessions.

        Raises:
            NotFound: there is no such account.
        """
        return await self.set_account_active((await self.find(name)).id, active=active)

    async def set_account_active(self, user_id: UserId, *, active: bool) -> User:
        """As `set_active`, for the account with this id."""
        async with self.unit_of_work() as work:
            user = ensure_found(await work.users.get(user_id))
            changed = replace(user, is_active=active)
            await work.users.save(changed)
            ended = () if active else await work.sessions.end_all(user.id)
            await work.commit()
        await self.session_registry.revoke(ended)
        event = AuthenticationEvent.ACTIVATED if active else AuthenticationEvent.DEACTIVATED
        self.audit_log(event, user.id)
        return changed

    async def reset_password(self, name: str, password: str) -> User:
        """Set a new password for the account with this email or username, and end its sessions.

        Raises:
            NotFound: there is no such account.
            InvalidInput, WeakPassword: the password breaks a rule.
        """
        found = await self.find(name)
        password_hash = await self.accounts.validate_and_hash(password, found)
        async with self.unit_of_work() as work:
            user = ensure_found(await work.users.get(found.id))
            changed = replace(user, password_hash=password_hash)
            await work.users.save(changed)
            ended = await work.sessions.end_all(user.id)
            await work.mails.add(self.accounts.mail(user, MailKind.PASSWORD_CHANGED))
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.PASSWORD_RESET, user.id)
        return changed

    async def users(self) -> AsyncIterator[User]:
        """All users in the order of their sign-up."""
        after = None
        while batch := await self.reader.users(after, BATCH_SIZE):
            for user in batch:
                yield user
            after = batch[-1].id

    async def find(self, name: str) -> User:
        """The account with this email or username.

        Raises:
            NotFound: there is no such account.
        """
        user = await self.reader.find_user(name)
        if user is None:
            raise NotFound(f"There is no user {name!r}.")
        return user
