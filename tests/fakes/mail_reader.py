"""The reader of the outbox over the store in memory."""

from collections.abc import Sequence
from datetime import datetime

from sidepro.domain.mail.mail import Mail, MailState
from sidepro.domain.mail.ports import Backlog
from tests.fakes.store import MemoryStore


class MemoryMailReader:
    """See `sidepro.domain.mail.ports.MailReader`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def mails(self, state: MailState | None, limit: int) -> Sequence[Mail]:
        mails = [m for m in self._store.state.mails.values() if state in (None, m.state)]
        return sorted(mails, key=lambda mail: mail.id, reverse=True)[:limit]

    async def backlog(self, now: datetime) -> Backlog:
        mails = self._store.state.mails.values()
        waiting = [mail for mail in mails if mail.state is MailState.WAITING]
        times = [
            mail.created_at if mail.attempts else mail.due_at
            for mail in waiting
            if mail.attempts or mail.due_at <= now
        ]
        failed = sum(mail.state is MailState.FAILED for mail in mails)
        return Backlog(len(waiting), failed, min(times, default=None))
