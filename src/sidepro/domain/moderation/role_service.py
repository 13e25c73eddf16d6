"""Giving and taking roles."""

from dataclasses import dataclass, replace

from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.accounts.user import User
from sidepro.domain.clock import Clock
from sidepro.domain.errors import FieldError, InvalidInput, NotFound, ensure_found
from sidepro.domain.identity import Caller, Role
from sidepro.domain.ids import LogEntryId, NewId, UserId
from sidepro.domain.moderation.access import authorize_administrator
from sidepro.domain.moderation.case import Action, LogEntry
from sidepro.domain.moderation.ports import ModerationUnitOfWork
from sidepro.domain.moderation.target import Target
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import YOUR_OWN


@dataclass(frozen=True, slots=True)
class RoleService:
    """Roles are given by administrators and by the command line. The log records both."""

    unit_of_work: UnitOfWorkFactory[ModerationUnitOfWork]
    accounts: AccountReader
    clock: Clock
    new_id: NewId

    async def set_role(self, caller: Caller, user_id: UserId, role: Role) -> User:
        """Give a person a role.

        Raises:
            Forbidden: the caller is no administrator.
            NotFound: there is no such person.
            InvalidInput: it is the caller. So there is always an administrator left.
        """
        await authorize_administrator(self.accounts, caller)
        if user_id == caller.id:
            raise InvalidInput(FieldError(YOUR_OWN))
        return await self._set(caller.id, user_id, role)

    async def set_role_of(self, name: str, role: Role) -> User:
        """Give the account with this email or username a role.

        Raises:
            NotFound: there is no such account.
        """
        user = await self.accounts.find_user(name)
        if user is None:
            raise NotFound(f"There is no user {name!r}.")
        return await self._set(None, user.id, role)

    async def _set(self, moderator_id: UserId | None, user_id: UserId, role: Role) -> User:
        async with self.unit_of_work() as work:
            user = ensure_found(await work.users.get(user_id))
            changed = replace(
                user, is_admin=role is Role.ADMIN, is_moderator=role is Role.MODERATOR
            )
            if changed != user:
                await work.users.save(changed)
                await work.moderation.add_entry(
                    LogEntry(
                        id=LogEntryId(self.new_id()),
                        moderator_id=moderator_id,
                        action=Action.ROLE,
                        target=Target.user(user_id),
                        days=None,
                        reason=role.value,
                        case_id=None,
                        reverses=None,
                        at=self.clock(),
                    )
                )
                await work.commit()
        return changed
