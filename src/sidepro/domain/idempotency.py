"""Doing a thing once, however often it is asked for: what comes of it is kept with its effect.

A caller names an attempt. The name is claimed in the transaction of the effect, before anything
else, and the answer is kept in it: both are there, or neither. Whoever comes with the same name
meanwhile waits for the end of that transaction, and gets the answer that it kept; if it failed,
the next one tries. After a day a name is free again.

The idea of the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from sidepro.domain.ids import UserId

RESPONSE_TTL = timedelta(hours=24)
WAIT_SECONDS = 10.0
"""Seconds that an attempt waits for another one of its name."""

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What is one and the same attempt: a key is a caller's own, for one operation."""

    user_id: UserId
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class IdempotentRequest(Generic[Outcome]):
    """`content` tells what is asked for from anything else; `answer` makes of what comes of it
    what is to be given to everybody who asks again.
    """

    key: IdempotencyKey
    content: bytes
    serialize: Callable[[Outcome], bytes]

    async def acquire(self, attempts: "IdempotencyRepository", now: datetime) -> None:
        """Claim the name, in the unit of work of the effect.

        Raises:
            Replayed: another attempt of this name was here before.
            IdempotencyKeyReused, IdempotencyKeyInUse: see `IdempotencyRepository.claim`.
        """
        answer = await attempts.acquire(self.key, self.content, now)
        if answer is not None:
            raise ReplayResponse(answer)

    async def save_response(self, attempts: "IdempotencyRepository", outcome: Outcome) -> None:
        """Keep the answer for those who ask again."""
        await attempts.save_response(self.key, self.serialize(outcome))


class ReplayResponse(Exception):
    """Nothing is to be done: here is the answer that the first attempt of this name got."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.response = answer


class IdempotencyRepository(Protocol):
    """The names of attempts with their answers, inside a unit of work."""

    async def acquire(self, name: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        """Claim a name that nobody has, or had a day ago; else the answer that was kept.

        Of two at once MUST the second wait until the first one's unit of work ends. Nothing else
        may be held at that time.

        Raises:
            IdempotencyKeyReused: the name is kept for another content.
            IdempotencyKeyInUse: the other one has not ended after `WAIT` seconds.
        """
        ...

    async def save_response(self, name: IdempotencyKey, answer: bytes) -> None:
        """Keep the answer under a name that was claimed in this unit of work."""
        ...

    async def forget(self, user_id: UserId) -> None:
        """Remove the kept answers that name this person, whoever got them."""
        ...
