"""The job that sends the mails of the outbox.

An attempt begins with a transaction that moves the mail's next attempt beyond the end of this one.
So no two processes send one mail at the same time, and a mail whose sender dies is tried again. If
it dies after the server took the mail, the second copy has the same `Message-ID` and text.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from sidepro.domain.clock import Clock
from sidepro.domain.identity import token_digest
from sidepro.domain.mail.mail import Mail, MailKind, MailState
from sidepro.domain.mail.ports import (
    MailComposer,
    MailDelayed,
    MailRefused,
    MailServerUnavailable,
    MailTokens,
    MailTransport,
    MailUnitOfWork,
)
from sidepro.domain.unit_of_work import UnitOfWorkFactory

Work = TypeVar("Work", bound=MailUnitOfWork)

TOO_LATE = "it could not be sent in time"
KEY_LOST = "its token was made with a secret key that is gone"

MailPreparer = Callable[[Work, Mail], Awaitable[Mail | None]]
"""Completes a mail in a unit of work before its first attempt: looks up whom it goes to, stores a
token for it, or collects what it tells. Returns `None` if there is nothing to send.
"""


@dataclass(frozen=True, slots=True)
class MailRun:
    """What a run did. `server_problem` says why it ended early."""

    sent: int = 0
    delayed: int = 0
    failed: int = 0
    server_problem: str | None = None


@dataclass(frozen=True, slots=True)
class MailSender(Generic[Work]):
    """Sends the mails that are due. `domain` is the right side of message ids."""

    unit_of_work: UnitOfWorkFactory[Work]
    preparers: Mapping[MailKind, MailPreparer[Work]]
    composer: MailComposer
    transport: MailTransport
    tokens: MailTokens
    clock: Clock
    domain: str
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def run(self) -> MailRun:
        """Send all mails that are due. Safe to run concurrently and to stop at any time.

        Waits for another run of this process.

        Raises:
            Unavailable: the database cannot be reached.
        """
        outcomes: Counter[MailState | None] = Counter()
        server_problem = None
        async with self._lock:
            try:
                while (mail := await self._take_due()) is not None:
                    outcomes[await self._try(mail)] += 1
            except MailServerUnavailable as problem:
                outcomes[MailState.WAITING] += 1
                server_problem = problem.reason
            finally:
                await self.transport.close()
        return MailRun(
            sent=outcomes[MailState.SENT],
            delayed=outcomes[MailState.WAITING],
            failed=outcomes[MailState.FAILED],
            server_problem=server_problem,
        )

    async def _take_due(self) -> Mail | None:
        """A mail that is due, for an attempt of this process alone."""
        now = self.clock()
        async with self.unit_of_work() as work:
            mail = await work.mails.take_due(now)
            if mail is None:
                return None
            taken = mail.attempted(now)
            await work.mails.save(taken)
            await work.commit()
        return taken

    async def _try(self, mail: Mail) -> MailState | None:
        """The state of the mail after an attempt to send it; `None` if it was dropped.

        Raises:
            MailServerUnavailable: no mail can be sent.
        """
        prepared = await self._prepared(mail)
        if prepared is None:
            return None
        now = self.clock()
        if prepared.is_too_late(now):
            return await self._save(prepared.failed(prepared.reason or TOO_LATE))
        token = None
        if prepared.token_digest is not None:
            token = self.tokens.find(prepared.id, prepared.token_digest)
            if token is None:
                return await self._save(prepared.failed(KEY_LOST))
        letter = self.composer.compose(prepared, token, self._unsubscribe_token(prepared))
        try:
            await self.transport.send(letter)
        except MailRefused as problem:
            return await self._save(prepared.failed(problem.reason))
        except MailDelayed as problem:
            return await self._save(prepared.delayed(problem.reason))
        except MailServerUnavailable as problem:
            await self._save(prepared.delayed(problem.reason))
            raise
        return await self._save(prepared.sent(self.clock()))

    async def _prepared(self, mail: Mail) -> Mail | None:
        """The complete mail, as it was stored before its first attempt."""
        if mail.message_id is not None:
            return mail
        prepare = self.preparers.get(mail.kind)
        async with self.unit_of_work() as work:
            prepared = mail if prepare is None else await prepare(work, mail)
            if prepared is None:
                await work.mails.delete(mail.id)
            else:
                prepared = replace(prepared, message_id=f"<{mail.id}@{self.domain}>")
                await self._store_unsubscribe_token(work, prepared, self.clock())
                await work.mails.save(prepared)
            await work.commit()
        return prepared

    async def _store_unsubscribe_token(self, work: Work, mail: Mail, now: datetime) -> None:
        token = self._unsubscribe_token(mail)
        if token is not None and mail.user_id is not None and mail.unsubscribe is not None:
            digest = token_digest(token)
            await work.unsubscribe_tokens.add(digest, mail.user_id, mail.unsubscribe, now)

    def _unsubscribe_token(self, mail: Mail) -> str | None:
        if mail.unsubscribe is None or mail.user_id is None:
            return None
        return self.tokens.for_unsubscribing(mail.user_id, mail.unsubscribe)

    async def _save(self, mail: Mail) -> MailState:
        async with self.unit_of_work() as work:
            await work.mails.save(mail)
            await work.commit()
        return mail.state
