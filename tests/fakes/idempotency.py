"""Idempotency keys and saved responses, in memory."""

from datetime import datetime

from sidepro.domain.errors import IdempotencyKeyReused
from sidepro.domain.idempotency import RESPONSE_TTL, IdempotencyKey
from sidepro.domain.ids import UserId
from tests.fakes.state import Repository


class MemoryIdempotency(Repository):
    """See `sidepro.domain.idempotency.IdempotencyRepository`.

    Units of work in memory are serialized, so that no request has to wait here.
    """

    async def acquire(self, key: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        self._must_be_there(key.user_id)
        rows = self._state.idempotency
        if key not in rows or rows[key][2] <= now - RESPONSE_TTL:
            rows[key] = (content, b"", now)
            return None
        saved_content, response, _ = rows[key]
        if saved_content != content:
            raise IdempotencyKeyReused
        return response

    async def save_response(self, key: IdempotencyKey, response: bytes) -> None:
        content, _, now = self._state.idempotency[key]
        self._state.idempotency[key] = (content, response, now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        rows = self._state.idempotency
        expired = [key for key, (*_, at) in rows.items() if at <= now - RESPONSE_TTL][:limit]
        for key in expired:
            del rows[key]
        return len(expired)

    async def forget(self, user_id: UserId) -> None:
        rows = self._state.idempotency
        for key in [key for key, row in rows.items() if str(user_id).encode() in row[1]]:
            del rows[key]
