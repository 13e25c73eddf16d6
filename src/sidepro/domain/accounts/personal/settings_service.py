"""The settings of the caller's account."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sidepro.domain.accounts.personal.username import check_username
from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.accounts.preferences import RENAME_INTERVAL, check_time_zone
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.clock import Clock
from sidepro.domain.errors import NotAuthenticated, RateLimited
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import Allowance, Limit
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.validation import Validator

RENAMES = Limit("username", 1, int(RENAME_INTERVAL.total_seconds()))


@dataclass(frozen=True, slots=True)
class SettingsService:
    """Changes usernames, languages, time zones and chat policies."""

    unit_of_work: UnitOfWorkFactory[AccountUnitOfWork]
    clock: Clock

    async def edit(self, caller: Caller, changes: Mapping[str, Any]) -> AccountView:
        """Change some of `username`, `language`, `time_zone` and `chat_policy`.

        Raises:
            InvalidInput: a value breaks its rule.
            UsernameTaken: another account has the username.
            RateLimited: the username changed less than `RENAME_INTERVAL` ago.
            NotAuthenticated: the account no longer exists.
        """
        async with self.unit_of_work() as work:
            user = await work.users.get(caller.id)
            if user is None:
                raise NotAuthenticated
            edited = _edited(user, changes, self.clock())
            if edited != user:
                await work.users.save(edited)
            view = await work.account_reader.account(user.id)
            await work.commit()
        if view is None:
            raise NotAuthenticated
        return view


def _edited(user: User, changes: Mapping[str, Any], now: datetime) -> User:
    validator = Validator()
    members = dict(changes)
    if "time_zone" in members:
        check_time_zone(members["time_zone"], validator)
    if "username" in members:
        members["username"] = check_username(
            members["username"], validator, allow_reserved=user.is_admin
        )
        if members["username"] == user.username:  # which a stricter rule may refuse by now
            validator.errors = [
                error for error in validator.errors if error.pointer != "/username"
            ]
    validator.raise_errors()
    edited = replace(user, **members)
    if edited.username == user.username:
        return edited
    _limit_renames(user, now)
    return replace(edited, username_changed_at=now)


def _limit_renames(user: User, now: datetime) -> None:
    allowed_at = user.rename_allowed_at()
    if allowed_at is not None and now < allowed_at:
        wait = (allowed_at - now).total_seconds()
        raise RateLimited(Allowance(RENAMES, 0, wait, retry_after=wait))
