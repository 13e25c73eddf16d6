"""Who may moderate. Roles are read at each call: somebody who lost theirs loses it at once."""

from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.errors import Forbidden, NotAuthenticated
from sidepro.domain.identity import Caller, Role


async def authorize_moderator(accounts: AccountReader, caller: Caller) -> Role:
    """The role of a caller who is a moderator or an administrator.

    Raises:
        Forbidden: they are neither.
        NotAuthenticated: the account no longer exists.
    """
    account = await accounts.account(caller.id)
    if account is None:
        raise NotAuthenticated
    if account.role is Role.MEMBER:
        raise Forbidden
    return account.role


async def authorize_administrator(accounts: AccountReader, caller: Caller) -> None:
    """Check that the caller is an administrator. Raises as `authorize_moderator` does."""
    if await authorize_moderator(accounts, caller) is not Role.ADMIN:
        raise Forbidden
