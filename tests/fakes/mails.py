"""The outbox and the tokens in mails, in memory."""

from collections.abc import Sequence
from datetime import datetime

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.ids import MailId, UserId
from sidepro.domain.mail.mail import Mail, MailState
from tests.fakes.state import Repository


class MemoryMails(Repository):
    """See `sidepro.domain.mail.ports.MailRepository`."""

    async def add(self, mail: Mail) -> None:
        if mail.user_id is not None:
            self._must_be_there(mail.user_id)
        self._state.mails[mail.id] = mail

    async def take_due(self, now: datetime) -> Mail | None:
        mails = self._state.mails.values()
        due = [m for m in mails if m.state is MailState.WAITING and m.due_at <= now]
        return min(due, key=lambda mail: mail.due_at, default=None)

    async def get(self, mail_id: MailId) -> Mail | None:
        return self._state.mails.get(mail_id)

    async def save(self, mail: Mail) -> None:
        if mail.id in self._state.mails:
            self._state.mails[mail.id] = mail

    async def delete(self, mail_id: MailId) -> None:
        self._state.mails.pop(mail_id, None)

    async def delete_old(self, sent_before: datetime, failed_before: datetime, limit: int) -> int:
        old = [
            mail.id
            for mail in self._state.mails.values()
            if (mail.sent_at is not None and mail.sent_at < sent_before)
            or (mail.state is MailState.FAILED and mail.created_at < failed_before)
        ]
        for mail_id in old[:limit]:
            del self._state.mails[mail_id]
        return len(old[:limit])


class MemoryAccountTokens(Repository):
    """See `sidepro.domain.accounts.ports.AccountTokenRepository`."""

    async def add(self, token: AccountToken) -> None:
        self._must_be_there(token.user_id)
        self._state.account_tokens[token.digest] = token

    async def find(self, digest: bytes) -> AccountToken | None:
        return self._state.account_tokens.get(digest)

    async def of_user(self, user_id: UserId, purpose: TokenPurpose) -> Sequence[AccountToken]:
        tokens = self._state.account_tokens.values()
        mine = [token for token in tokens if (token.user_id, token.purpose) == (user_id, purpose)]
        return sorted(mine, key=lambda token: (token.created_at, token.digest))

    async def consume(self, digest: bytes) -> bool:
        return self._state.account_tokens.pop(digest, None) is not None

    async def delete_expired(self, expired_before: datetime, limit: int) -> int:
        tokens = self._state.account_tokens.values()
        expired = [token.digest for token in tokens if token.expires_at < expired_before]
        for digest in expired[:limit]:
            del self._state.account_tokens[digest]
        return len(expired[:limit])


class MemoryUnsubscribeTokens(Repository):
    """See `sidepro.domain.mail.ports.UnsubscribeTokenRepository`."""

    async def add(self, digest: bytes, user_id: UserId, kind: str, now: datetime) -> None:
        self._must_be_there(user_id)
        self._state.unsubscribe_tokens.setdefault(digest, (user_id, kind))

    async def find(self, digest: bytes) -> tuple[UserId, str] | None:
        return self._state.unsubscribe_tokens.get(digest)
