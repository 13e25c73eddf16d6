"""Attempts under idempotency keys, in memory."""

from datetime import datetime

from sidepro.domain.errors import IdempotencyKeyReused
from sidepro.domain.idempotency import RESPONSE_TTL, IdempotencyKey
from sidepro.domain.ids import UserId
from tests.fakes.state import Repository


class MemoryIdempotency(Repository):
    """See `sidepro.domain.idempotency.IdempotencyRepository`.

    Units of work run one after another, and so do their requests.
    """

    async def acquire(self, name: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        self._must_be_there(name.user_id)
        known = self._state.attempts
        for old in [old for old, (*_, made) in known.items() if made <= now - RESPONSE_TTL]:
            del known[old]
        kept = known.get(name)
        if kept is None:
            self._state.attempts[name] = (content, b"", now)
            return None
        if kept[0] != content:
            raise IdempotencyKeyReused
        return kept[1]

    async def save_response(self, name: IdempotencyKey, answer: bytes) -> None:
        content, _, now = self._state.attempts[name]
        self._state.attempts[name] = (content, answer, now)

    async def forget(self, user_id: UserId) -> None:
        known = self._state.attempts
        naming = [name for name in known if str(user_id).encode() in known[name][1]]
        for name in naming:
            del known[name]
