"""Retention: deletes expired rows, and stores the expiry of chat requests.

Every read of a session, refresh token, idempotency key or chat request checks its time, so a late
run changes no result.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sidepro.domain.accounts.account_token import KEPT_FOR
from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.request_expiry import RequestExpiryService
from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.moderation.purge_service import PurgeService
from sidepro.domain.unit_of_work import UnitOfWorkFactory

BATCH_SIZE = 500
"""Rows deleted in one transaction, to keep locks short."""

SENT_MAIL_KEPT_FOR = timedelta(days=7)
FAILED_MAIL_KEPT_FOR = timedelta(days=30)
"""Since the mail was written. An operator may retry it until then."""


class RetentionUnitOfWork(AccountUnitOfWork, IdempotentUnitOfWork, Protocol):
    """A transaction over sessions, mails and idempotency keys."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows one run deleted, and how many requests it settled as expired."""

    sessions: int
    refresh_tokens: int
    idempotency_keys: int
    account_tokens: int = 0
    mails: int = 0
    chat_requests: int = 0
    """Requests that are settled as expired now."""
    removed_content: int = 0
    """Projects, comments and messages that moderators removed long ago."""


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Deletes expired rows. Safe to repeat, to run concurrently and to stop at any time.

    A used refresh token is kept for `token_ttl` to recognise a replay. After that it would be
    refused for its age alone.
    """

    unit_of_work: UnitOfWorkFactory[RetentionUnitOfWork]
    clock: Clock
    token_ttl: timedelta
    requests: RequestExpiryService
    removed_content: PurgeService

    async def delete_expired(self) -> Deleted:
        """Delete all expired rows, and settle all expired requests."""
        now = self.clock()
        return Deleted(
            sessions=await self._in_batches(
                lambda work: work.sessions.delete_expired(now, BATCH_SIZE)
            ),
            refresh_tokens=await self._in_batches(
                lambda work: work.sessions.delete_used_tokens(now - self.token_ttl, BATCH_SIZE)
            ),
            idempotency_keys=await self._in_batches(
                lambda work: work.idempotency.delete_expired(now, BATCH_SIZE)
            ),
            account_tokens=await self._in_batches(
                lambda work: work.account_tokens.delete_expired(now - KEPT_FOR, BATCH_SIZE)
            ),
            mails=await self._in_batches(
                lambda work: work.mails.delete_old(
                    now - SENT_MAIL_KEPT_FOR, now - FAILED_MAIL_KEPT_FOR, BATCH_SIZE
                )
            ),
            removed_content=await self.removed_content.purge(),
            chat_requests=await self.requests.expire(),
        )

    async def _in_batches(self, delete: Callable[[RetentionUnitOfWork], Awaitable[int]]) -> int:
        total = 0
        while True:
            async with self.unit_of_work() as work:
                deleted = await delete(work)
                await work.commit()
            total += deleted
            if deleted < BATCH_SIZE:
                return total
