"""Attempts under idempotency keys, in memory."""

from datetime import datetime

from sidepro.domain.errors import KeyReused
from sidepro.domain.idempotency import KEPT_FOR, AttemptName
from sidepro.domain.ids import UserId
from tests.fakes.state import Repository


class MemoryAttempts(Repository):
    """See `sidepro.domain.idempotency.AttemptRepository`. Units of work follow one another, and so do
    attempts.
    """

    async def claim(self, name: AttemptName, content: bytes, now: datetime) -> bytes | None:
        self._must_be_there(name.user_id)
        known = self._state.attempts
        for old in [old for old, (*_, made) in known.items() if made <= now - KEPT_FOR]:
            del known[old]
        kept = known.get(name)
        if kept is None:
            self._state.attempts[name] = (content, b"", now)
            return None
        if kept[0] != content:
            raise KeyReused
        return kept[1]

    async def keep(self, name: AttemptName, answer: bytes) -> None:
        content, _, now = self._state.attempts[name]
        self._state.attempts[name] = (content, answer, now)

    async def forget(self, user_id: UserId) -> None:
        known = self._state.attempts
        naming = [name for name in known if str(user_id).encode() in known[name][1]]
        for name in naming:
            del known[name]
