"""The authenticated caller, and the digests of secrets that prove an identity."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sidepro.domain.ids import SessionId, UserId


class Role(StrEnum):
    """What a person may do beyond their own things."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"

    @classmethod
    def of(cls, *, is_admin: bool, is_moderator: bool) -> "Role":
        """The role of an account. Administrators may do what moderators may."""
        if is_admin:
            return cls.ADMIN
        return cls.MODERATOR if is_moderator else cls.MEMBER


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a valid access token."""

    id: UserId
    session_id: SessionId
    is_admin: bool = False
    is_moderator: bool = False

    @property
    def can_moderate(self) -> bool:
        """Whether the caller is a moderator or an administrator."""
        return self.is_moderator or self.is_admin

    def can_manage(self, *owner_ids: UserId) -> bool:
        """The access rule of content: its owners and administrators may change it."""
        return self.is_admin or self.id in owner_ids


class WriterGate(Protocol):
    """Decides who may publish, comment, upload, ask for a chat and send messages."""

    async def __call__(self, caller: Caller) -> None:
        """Returns if the caller may.

        Raises:
            EmailNotVerified: the caller must verify their email address first.
        """
        ...


async def everybody_may_write(caller: Caller) -> None:
    """The gate that is open. See `WriterGate`."""


def token_digest(secret: str) -> bytes:
    """The stored form of a refresh token, a socket ticket or the token of a mail.

    A plain SHA-256 is enough: the secrets have 256 random bits, too many to guess.
    """
    return hashlib.sha256(secret.encode()).digest()
