"""Idempotency keys: a repeated request gets the first response instead of a second effect.

The effect's transaction first acquires the key and finally saves the response: both are stored, or
neither. A concurrent request with the same key waits for the end of that transaction. Then it
replays the response, or runs if the transaction failed. A key expires after a day.

Based on the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from sidepro.domain.errors import IdempotencyKeyInUse
from sidepro.domain.ids import UserId
from sidepro.domain.unit_of_work import UnitOfWork

RESPONSE_TTL = timedelta(hours=24)
WAIT_SECONDS = 5.0
"""How long one unit of work waits for another one with its key: as long as for other locks."""

Result = TypeVar("Result")
Outcome = TypeVar("Outcome")
Work = TypeVar("Work", bound="IdempotentUnitOfWork")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that a caller chose, for one operation such as `POST /projects`."""

    user_id: UserId
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class IdempotentRequest(Generic[Outcome]):
    """A request with an idempotency key.

    `content` is a digest of the request: a key cannot be reused for other content. `serialize`
    turns the outcome into the response to save.
    """

    key: IdempotencyKey
    content: bytes
    serialize: Callable[[Outcome], bytes]


class ReplayResponse(Exception):
    """The request was completed before: `response` is what `serialize` returned then."""

    def __init__(self, response: bytes) -> None:
        super().__init__()
        self.response = response


class IdempotencyRepository(Protocol):
    """Idempotency keys with their saved responses, inside a unit of work."""

    async def acquire(self, key: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        """Acquire a new or expired key and return `None`; otherwise return its saved response.

        MUST wait while another unit of work has acquired the key. The caller holds no locks yet.

        Raises:
            IdempotencyKeyReused: the key belongs to other content.
            IdempotencyKeyInUse: the other unit of work did not end within `WAIT_SECONDS`.
            NotFound: the user does not exist.
        """
        ...

    async def save_response(self, key: IdempotencyKey, response: bytes) -> None:
        """Save the response for a key that was acquired in this unit of work."""
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys with their responses. Returns how many.

        MUST NOT wait for keys that another transaction has locked.
        """
        ...

    async def forget(self, user_id: UserId) -> None:
        """Delete the saved responses that mention this user, including those of other users."""
        ...


class IdempotentUnitOfWork(UnitOfWork, Protocol):
    """A transaction that can also save the response of a request."""

    @property
    def idempotency(self) -> IdempotencyRepository: ...


async def run_idempotent(
    unit_of_work: Callable[[], Work],
    request: IdempotentRequest[Outcome] | None,
    now: datetime,
    act: Callable[[Work], Awaitable[Outcome]],
) -> Outcome:
    """Run `act` in one unit of work and commit it, at most once for the key of `request`.

    Without a request there is no key, and `act` runs unconditionally. If `act` raises, nothing is
    stored and the key stays free.

    A request waits for a concurrent one with its key for two units of work, if all its waits
    leave so much time (`domain.waiting`).

    Raises:
        ReplayResponse: a request with this key was completed before.
        IdempotencyKeyReused, IdempotencyKeyInUse: see `IdempotencyRepository.acquire`.
    """

    async def run() -> Outcome:
        async with unit_of_work() as work:
            if request:
                await _acquire(work, request, now)
            outcome = await act(work)
            if request:
                await work.idempotency.save_response(request.key, request.serialize(outcome))
            await work.commit()
        return outcome

    return await _wait_twice(run)


async def check_replay(
    unit_of_work: Callable[[], Work], request: IdempotentRequest[Outcome] | None, now: datetime
) -> None:
    """Check for a completed request before expensive work that precedes `run_idempotent`.

    Raises: as `run_idempotent`.
    """

    async def check() -> None:
        if request:
            async with unit_of_work() as work:
                await _acquire(work, request, now)

    await _wait_twice(check)


async def _wait_twice(run: Callable[[], Awaitable[Result]]) -> Result:
    """Wait for a key twice as long as for other locks."""
    try:
        return await run()
    except IdempotencyKeyInUse:
        return await run()


async def _acquire(
    work: IdempotentUnitOfWork, request: IdempotentRequest[Outcome], now: datetime
) -> None:
    response = await work.idempotency.acquire(request.key, request.content, now)
    if response is not None:
        raise ReplayResponse(response)
