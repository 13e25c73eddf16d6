"""Idempotency keys of requests over HTTP."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from sidepro.domain.idempotency import IdempotencyKey, IdempotentRequest, ReplayResponse
from sidepro.domain.ids import UserId

MAX_LENGTH = 64

Outcome = TypeVar("Outcome")


def is_key(text: str) -> bool:
    """Whether a text may be a key: 1 to 64 visible ASCII characters."""
    return 1 <= len(text) <= MAX_LENGTH and all("\x21" <= char <= "\x7e" for char in text)


def idempotent_request(
    user_id: UserId,
    operation: str,
    key: str,
    content: bytes,
    serialize: Callable[[Outcome], bytes],
) -> IdempotentRequest[Outcome]:
    """A request of a user with this key and content. See `IdempotentRequest`."""
    digest = hashlib.sha256(content).digest()
    return IdempotentRequest(IdempotencyKey(user_id, operation, key), digest, serialize)


async def created_once(
    user_id: UserId,
    operation: str,
    key: str,
    content: bytes,
    create: Callable[[IdempotentRequest[Outcome] | None], Awaitable[Outcome]],
    id_of: Callable[[Outcome], UUID],
) -> UUID:
    """The id of what a form with this key creates: the same one if the form is sent again.

    A form without a valid key creates each time.

    Raises:
        IdempotencyKeyReused, IdempotencyKeyInUse: see `IdempotencyRepository.acquire`.
    """

    def serialize(outcome: Outcome) -> bytes:
        return str(id_of(outcome)).encode()

    request = idempotent_request(user_id, operation, key, content, serialize)
    try:
        return id_of(await create(request if is_key(key) else None))
    except ReplayResponse as replay:
        return UUID(replay.response.decode())
