"""Identifiers of stored things, and the ports that make new ids and secrets."""

from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
ProjectId = NewType("ProjectId", UUID)
CommentId = NewType("CommentId", UUID)
RoomId = NewType("RoomId", UUID)
ImageId = NewType("ImageId", UUID)
MailId = NewType("MailId", UUID)
ReportId = NewType("ReportId", UUID)
CaseId = NewType("CaseId", UUID)
LogEntryId = NewType("LogEntryId", UUID)
ChatRequestId = NewType("ChatRequestId", UUID)
NotificationId = NewType("NotificationId", UUID)


class NewId(Protocol):
    """Makes ids."""

    def __call__(self) -> UUID:
        """A fresh UUIDv7 (RFC 9562), so that ids sort by creation time."""
        ...


class NewSecret(Protocol):
    """Makes unguessable texts: refresh tokens, socket tickets, image names."""

    def __call__(self) -> str:
        """At least 128 fresh random bits as ASCII that is safe in a URL and in a file name."""
        ...
