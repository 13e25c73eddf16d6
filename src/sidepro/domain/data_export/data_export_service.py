"""Everything that is held about one person, for themselves to take away.

A record has what the person wrote, did, or was noted of them. Of other people there is the id.
Left out are the hashes of secrets, and what is made from the rest (search texts, HTML).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    CommentId,
    ImageId,
    ProjectId,
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrl
from sidepro.domain.recommendations.ports import NeighbourStore


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is held."""


RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True, slots=True)
class ExportedProfile(Record):
    bio: str
    image_url: ImageUrl | None
    github_url: str | None
    skills: tuple[str, ...]
    region: str | None
    meet_time: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedAccount(Record):
    id: UserId
    email: str
    username: str
    is_admin: bool
    is_active: bool
    created_at: datetime
    profile: ExportedProfile | None


@dataclass(frozen=True, slots=True)
class ExportedSession(Record):
    id: SessionId
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedAddress(Record):
    """An address that the person logged in from lately."""

    address: str
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedImage(Record):
    """`unused_since` is when the platform saw that nothing shows it."""

    id: ImageId
    url: ImageUrl
    width: int
    height: int
    size: int
    created_at: datetime
    unused_since: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedProject(Record):
    id: ProjectId
    title: str
    summary: str
    content: str
    repository_url: str | None
    skills: tuple[str, ...]
    thumbnail_url: ImageUrl | None
    view_count: int
    bookmark_count: int
    comment_count: int
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedComment(Record):
    id: CommentId
    project_id: ProjectId
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedBookmark(Record):
    project_id: ProjectId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedRoom(Record):
    """A room that the person sits in, or has left while the other one stays."""

    id: RoomId
    participant_id: UserId | None
    left_by: UserId | None
    read_seq: int
    last_seq: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedMessage(Record):
    """A message that the person sent. What others sent is theirs."""

    room_id: RoomId
    seq: int
    body: str
    client_id: str | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedNeighbour(Record):
    """Somebody whose projects are recommended to the person, and why."""

    user_id: UserId
    score: float
    shared_skills: tuple[str, ...]


SECTIONS: dict[str, type[Record]] = {
    "sessions": ExportedSession,
    "known_addresses": ExportedAddress,
    "images": ExportedImage,
    "projects": ExportedProject,
    "comments": ExportedComment,
    "bookmarks": ExportedBookmark,
    "rooms": ExportedRoom,
    "messages": ExportedMessage,
}
"""What comes many times, by its name in the archive."""


class DataExportReader(Protocol):
    """Reads all that is held about a person, whatever it is."""

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        """The account with its profile, or `None` when there is no such user."""
        ...

    def section(self, kind: type[RecordT], user_id: UserId) -> AsyncIterator[Sequence[RecordT]]:
        """All records of one of the kinds in `LISTS`, in batches, ordered by id (rooms and
        numbers for messages, projects for bookmarks). No batch MUST be empty, and none so large
        that it matters in memory. What was there all the while MUST come exactly once. Images
        MUST be left out before they are stored and once they are being removed.
        """
        ...


@dataclass(frozen=True, slots=True)
class DataExportService:
    """Gives people what is held about them."""

    reader: DataExportReader
    neighbours: NeighbourStore

    async def account(self, caller: Caller) -> ExportedAccount:
        """The beginning of the archive.

        Raises:
            NotAuthenticated: the account behind the token is gone.
            Unavailable: part of what is held cannot be had for the moment.
        """
        # Whatever keeps them shall be away before the first byte, and not in the middle.
        await self.neighbours.last_run()
        account = await self.reader.account(caller.id)
        if account is None:
            raise NotAuthenticated
        return account

    async def sections(
        self, caller: Caller
    ) -> AsyncIterator[tuple[str, AsyncIterator[Sequence[Record]]]]:
        """All the rest, list by list. Each list is to be read before the next one is asked for.

        Raises:
            Unavailable: the store cannot be reached; what came so far is not all.
        """
        for name, kind in SECTIONS.items():
            yield name, self.reader.section(kind, caller.id)
        yield "similar_people", self._similar(caller)

    async def _similar(self, caller: Caller) -> AsyncIterator[Sequence[ExportedNeighbour]]:
        found = (await self.neighbours.of(caller.id)).neighbours
        if found:
            yield [ExportedNeighbour(one.user_id, one.score, one.shared_skills) for one in found]
