"""A coffee chat between two people: the room, its status and its numbered messages.

State transitions, where `x` is one participant and `y` the other:

    | from            | x leaves          | x opens                  | x sends            |
    |-----------------|-------------------|--------------------------|--------------------|
    | no room         | –                 | open                     | –                  |
    | open            | pending, x left   | open, unchanged          | open, last_seq + 1 |
    | pending, x left | –                 | open, with its history   | –                  |
    | pending, y left | deleted           | pending, unchanged       | RoomPending        |

An open room is *running* while a participant is connected to it, and *stop* otherwise. A
participant who closed their account counts as having left for good.

While one participant blocks the other, the room is *pending* and nobody can write in it. It does
not show who has left it, since a block must not be told from a departure.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sidepro.domain.errors import (
    CannotChatWithYourself,
    FieldError,
    InvalidInput,
    NotFound,
    RoomPending,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.validation import Validator, text_error
from sidepro.domain.violations import YOURSELF
from sidepro.domain.visibility import Viewer, Visibility

MAX_BODY = 4_000
MAX_CLIENT_ID = 64


class RoomStatus(StrEnum):
    """Depends on who has left the room and who is connected to it."""

    RUNNING = "running"
    STOP = "stop"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message. `seq` counts 1, 2, 3 … in its room without gaps.

    `sender_id` is `None` if the sender closed their account. `client_id` is chosen by the sender
    and unique for a sender in a room. `sent_at` never goes back within a room.
    """

    room_id: RoomId
    seq: int
    sender_id: UserId | None
    body: str
    client_id: str | None
    sent_at: datetime
    visibility: Visibility = Visibility.VISIBLE

    @property
    def is_hidden(self) -> bool:
        """Whether moderators have hidden or removed the message."""
        return self.visibility is not Visibility.VISIBLE

    def seen_by(self, user_id: UserId | None) -> "Message":
        """The message as this person sees it. A hidden one keeps its number and has no text, but
        for its sender; a removed one has no text for anybody. Moderators have the snapshot.
        """
        if Viewer(user_id).sees(self.visibility, self.sender_id):
            return self
        return replace(self, body="")


@dataclass(frozen=True, slots=True)
class Participant:
    """One side of a room: the user, `None` if withdrawn, and the last message they have read.

    `frozen_seq` is what they had read when a block began; the other one sees this until it ends.
    """

    user_id: UserId | None
    read_seq: int = 0
    frozen_seq: int | None = None

    @property
    def seen_seq(self) -> int:
        """The last message that they have read as far as the other one sees."""
        return self.read_seq if self.frozen_seq is None else self.frozen_seq


@dataclass(frozen=True, slots=True)
class Room:
    """A room. `participants` are ordered by user id. `updated_at` is the time of the last opening
    or message. `is_blocked` says whether one participant blocks the other.
    """

    id: RoomId
    participants: tuple[Participant, Participant]
    left_by: UserId | None
    last_seq: int
    created_at: datetime
    updated_at: datetime
    is_blocked: bool = False

    @classmethod
    def open(cls, room_id: RoomId, caller: UserId, invited: UserId, now: datetime) -> "Room":
        """A new, empty room for two people.

        Raises:
            CannotChatWithYourself: both are the same user.
        """
        if caller == invited:
            raise CannotChatWithYourself(FieldError(YOURSELF, pointer="/user_id"))
        low, high = sorted((caller, invited))
        return cls(room_id, (Participant(low), Participant(high)), None, 0, now, now)

    @property
    def user_ids(self) -> tuple[UserId, ...]:
        """The participants who have not withdrawn, including one who left."""
        return tuple(p.user_id for p in self.participants if p.user_id is not None)

    @property
    def is_pending(self) -> bool:
        """Whether a participant has left or withdrawn."""
        return self.left_by is not None or any(p.user_id is None for p in self.participants)

    @property
    def is_writable(self) -> bool:
        """Whether messages can be sent."""
        return not self.is_pending and not self.is_blocked

    @property
    def visible_left_by(self) -> UserId | None:
        """Who has left the room, as the participants may see it."""
        return None if self.is_blocked else self.left_by

    def status(self, *, is_online: bool) -> RoomStatus:
        """The status, given whether a participant is connected."""
        if not self.is_writable:
            return RoomStatus.PENDING
        return RoomStatus.RUNNING if is_online else RoomStatus.STOP

    def is_open_to(self, user_id: UserId) -> bool:
        """The access rule: participants may see a room until they leave it."""
        return user_id != self.left_by and any(p.user_id == user_id for p in self.participants)

    def authorize(self, user_id: UserId) -> None:
        """Enforce the access rule.

        Raises:
            NotFound: the user is not a participant, or has left the room.
        """
        if not self.is_open_to(user_id):
            raise NotFound

    def reopened_by(self, user_id: UserId, now: datetime) -> "Room":
        """The room after a participant opens it. If they had left it, it is reopened."""
        if self.left_by != user_id:
            return self
        return replace(self, left_by=None, updated_at=max(now, self.updated_at))

    def with_block(self, is_blocked: bool) -> "Room":
        """The room while one participant blocks the other, or after that."""
        if is_blocked == self.is_blocked:
            return self
        low, high = (
            replace(participant, frozen_seq=participant.read_seq if is_blocked else None)
            for participant in self.participants
        )
        return replace(self, is_blocked=is_blocked, participants=(low, high))

    def leave(self, user_id: UserId) -> "Room | None":
        """The room after a participant leaves it; `None` if nobody remains.

        Raises:
            NotFound: the user is not a participant, or has left the room.
        """
        self.authorize(user_id)
        return None if self.is_pending else replace(self, left_by=user_id)

    def withdraw(self, user_id: UserId) -> "Room | None":
        """The room after a participant closed their account; `None` if nobody remains."""
        low, high = (
            replace(participant, user_id=None) if participant.user_id == user_id else participant
            for participant in self.participants
        )
        remaining = {low.user_id, high.user_id} - {None, self.left_by}
        if not remaining:
            return None
        left_by = None if self.left_by == user_id else self.left_by
        return replace(self, participants=(low, high), left_by=left_by)

    def with_message(
        self, sender: UserId, body: str, client_id: str | None, now: datetime
    ) -> "tuple[Room, Message]":
        """The room after a participant sends a message, and the message with its number.

        Raises:
            NotFound: the sender is not a participant, or has left the room.
            RoomPending: the other participant has left, or there is a block.
            InvalidInput: the body breaks its rule.
        """
        self.authorize(sender)
        if not self.is_writable:
            raise RoomPending
        validator = Validator()
        text = validator.text(body, "body", MAX_BODY)
        validator.raise_errors()
        seq = self.last_seq + 1
        # Another process, whose clock is ahead, may have stored the message before.
        sent_at = max(now, self.updated_at)
        message = Message(self.id, seq, sender, text, client_id, sent_at)
        return replace(self, last_seq=seq, updated_at=sent_at), message

    def read_by(self, user_id: UserId, seq: int) -> "Room":
        """The room after a participant has read up to `seq`. A read position never goes back, and
        never beyond the last message.

        Raises:
            NotFound: the user is not a participant, or has left the room.
        """
        self.authorize(user_id)
        position = min(seq, self.last_seq)
        low, high = (
            replace(participant, read_seq=max(participant.read_seq, position))
            if participant.user_id == user_id
            else participant
            for participant in self.participants
        )
        return replace(self, participants=(low, high))


def validate_client_id(client_id: str) -> None:
    """A client id has 1 to 64 characters on one line. It is stored as sent, not normalized.

    Raises:
        InvalidInput: it breaks this rule.
    """
    violation = text_error(client_id, MAX_CLIENT_ID, one_line=True)
    if violation:
        raise InvalidInput(FieldError(violation, pointer="/client_id"))
