"""What can be reported: a project, a comment, a message or a person."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sidepro.domain.ids import CommentId, ProjectId, RoomId, UserId


class TargetKind(StrEnum):
    """The kinds of targets. The values are stored."""

    PROJECT = "project"
    COMMENT = "comment"
    MESSAGE = "message"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Target:
    """A reported thing. `id` is that of the room for a message, which has a number there."""

    kind: TargetKind
    id: UUID
    seq: int | None = None

    @classmethod
    def project(cls, project_id: ProjectId) -> "Target":
        return cls(TargetKind.PROJECT, project_id)

    @classmethod
    def comment(cls, comment_id: CommentId) -> "Target":
        return cls(TargetKind.COMMENT, comment_id)

    @classmethod
    def message(cls, room_id: RoomId, seq: int) -> "Target":
        return cls(TargetKind.MESSAGE, room_id, seq)

    @classmethod
    def user(cls, user_id: UserId) -> "Target":
        return cls(TargetKind.USER, user_id)

    @classmethod
    def parse(cls, kind: TargetKind, text: str) -> "Target":
        """The target with this `text`."""
        target_id, _, seq = text.partition("/")
        return cls(kind, UUID(target_id), int(seq) if seq else None)

    @property
    def text(self) -> str:
        """The stored id: the UUID, or `<room id>/<number>` of a message."""
        return str(self.id) if self.seq is None else f"{self.id}/{self.seq}"
