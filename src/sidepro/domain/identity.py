"""Who is calling, and the digests of secrets that prove it."""

import hashlib
from dataclasses import dataclass

from sidepro.domain.ids import SessionId, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: the owner of a valid access token."""

    id: UserId
    session_id: SessionId
    is_admin: bool = False


def token_digest(secret: str) -> bytes:
    """What is stored of a refresh token or a socket's ticket. It carries 256 random bits, so that
    a plain SHA-256 without salt or stretching cannot be searched.
    """
    return hashlib.sha256(secret.encode()).digest()
