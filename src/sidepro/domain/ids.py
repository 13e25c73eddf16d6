"""Identifiers of stored things, and the port that makes new ones."""

from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)


SessionId = NewType("SessionId", UUID)


ProjectId = NewType("ProjectId", UUID)


CommentId = NewType("CommentId", UUID)


RoomId = NewType("RoomId", UUID)


ImageId = NewType("ImageId", UUID)


class NewId(Protocol):
    """Makes identifiers."""

    def __call__(self) -> UUID:
        """A fresh UUIDv7 (RFC 9562), so that ids sort by the time they were made."""
        ...
