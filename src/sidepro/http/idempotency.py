"""Idempotency keys of requests over HTTP."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from sidepro.domain.idempotency import IdempotencyKey, IdempotentRequest
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
