"""A coffee chat between two people: the room, its status and its numbered messages.

What happens to a room, by what one of the two does (`x`) and what the other one has done:

    | from            | x leaves          | x asks (again)           | x sends            |
    |-----------------|-------------------|--------------------------|--------------------|
    | no room         | –                 | open                     | –                  |
    | open            | pending, x left   | open, unchanged          | open, last_seq + 1 |
    | pending, x left | –                 | open, with its history   | –                  |
    | pending, y left | gone              | pending, unchanged       | RoomPending        |

An open room is *running* while at least one of the two has it open in a socket, and *stop* while
nobody has. Somebody who withdrew counts as one who left and never comes back.
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

MAX_BODY = 4_000
MAX_CLIENT_ID = 64


class RoomStatus(StrEnum):
    """What a room looks like from outside; follows from who left and who has it open."""

    RUNNING = "running"
    STOP = "stop"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Message:
    """What one of the two said. Numbered 1, 2, 3 … in its room, without a hole.

    `sender_id` is `None` once the sender withdrew; `client_id` is the sender's own name for it,
    unique for a sender in a room.
    """

    room_id: RoomId
    seq: int
    sender_id: UserId | None
    body: str
    client_id: str | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Participant:
    """One side of a room: who sits there (`None` once withdrawn), and how far they have read."""

    user_id: UserId | None
    read_seq: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """A room. `seats` are ordered by user id; `updated_at` is the last opening or message."""

    id: RoomId
    participants: tuple[Participant, Participant]
    left_by: UserId | None
    last_seq: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def open(cls, room_id: RoomId, asking: UserId, asked: UserId, now: datetime) -> "Room":
        """A new, empty room for two people.

        Raises:
            CannotChatWithYourself: the two are one.
        """
        if asking == asked:
            raise CannotChatWithYourself(FieldError("must be somebody else", pointer="/user_id"))
        low, high = sorted((asking, asked))
        return cls(room_id, (Participant(low), Participant(high)), None, 0, now, now)

    @property
    def is_pending(self) -> bool:
        """Whether one of the two has left or withdrawn."""
        return self.left_by is not None or any(seat.user_id is None for seat in self.participants)

    def status(self, *, someone_there: bool) -> RoomStatus:
        """The status, given whether one of the two has the room open."""
        if self.is_pending:
            return RoomStatus.PENDING
        return RoomStatus.RUNNING if someone_there else RoomStatus.STOP

    def is_open_to(self, user_id: UserId) -> bool:
        """The access rule: a room is there for the two who sit in it, until they leave."""
        return user_id != self.left_by and any(
            seat.user_id == user_id for seat in self.participants
        )

    def authorize(self, user_id: UserId) -> None:
        """Enforce the access rule.

        Raises:
            NotFound: this person does not sit in the room, or has left it.
        """
        if not self.is_open_to(user_id):
            raise NotFound

    def reopened_by(self, user_id: UserId, now: datetime) -> "Room":
        """The room after one of the two asks for it: open again if it was they who had left."""
        if self.left_by != user_id:
            return self
        return replace(self, left_by=None, updated_at=max(now, self.updated_at))

    def leave(self, user_id: UserId) -> "Room | None":
        """The room after one of the two leaves it; `None` when nobody is left.

        Raises:
            NotFound: this person does not sit in the room, or has left it before.
        """
        self.authorize(user_id)
        return None if self.is_pending else replace(self, left_by=user_id)

    def withdraw(self, user_id: UserId) -> "Room | None":
        """The room after one of the two closed their account; `None` when nobody is left."""
        low, high = (
            replace(seat, user_id=None) if seat.user_id == user_id else seat
            for seat in self.participants
        )
        staying = {low.user_id, high.user_id} - {None, self.left_by}
        if not staying:
            return None
        left_by = None if self.left_by == user_id else self.left_by
        return replace(self, participants=(low, high), left_by=left_by)

    def with_message(
        self, sender: UserId, body: str, client_id: str | None, now: datetime
    ) -> "tuple[Room, Message]":
        """The room after one of the two says something, and the message with its number.

        Raises:
            NotFound: the sender does not sit in the room, or has left it.
            RoomPending: the other one has left.
            InvalidInput: the body or the client id breaks its rule.
        """
        self.authorize(sender)
        if self.is_pending:
            raise RoomPending
        rules = Validator()
        text = rules.text(body, "body", MAX_BODY)
        rules.raise_errors()
        seq = self.last_seq + 1
        message = Message(self.id, seq, sender, text, client_id, now)
        return replace(self, last_seq=seq, updated_at=max(now, self.updated_at)), message

    def read_by(self, user_id: UserId, seq: int) -> "Room":
        """The room after one of the two has read up to `seq`; a mark never goes back, and never
        beyond the last message.

        Raises:
            NotFound: this person does not sit in the room, or has left it.
        """
        self.authorize(user_id)
        reached = min(seq, self.last_seq)
        low, high = (
            replace(seat, read_seq=max(seat.read_seq, reached))
            if seat.user_id == user_id
            else seat
            for seat in self.participants
        )
        return replace(self, participants=(low, high))


def check_client_id(client_id: str) -> None:
    """A client id is 1 to 64 characters on one line, and is kept exactly as it was sent.

    Raises:
        InvalidInput: it is not.
    """
    detail = text_error(client_id, MAX_CLIENT_ID, one_line=True)
    if detail:
        raise InvalidInput(FieldError(detail, pointer="/client_id"))
