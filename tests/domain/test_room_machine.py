"""State transitions of a room: the table row by row, and random sequences against a model."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sidepro.domain.errors import (
    CannotChatWithYourself,
    InvalidInput,
    NotFound,
    RoomPending,
    SideProError,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms import room as machine
from sidepro.domain.rooms.room import Message, Participant, Room, RoomStatus, validate_client_id
from tests.factories import NOW, new_id, room, user

X, Y, STRANGER = user().id, user().id, user().id
LATER = NOW + timedelta(minutes=5)

OPEN = replace(
    room(X, Y),
    participants=(Participant(X, read_seq=1), Participant(Y, read_seq=3)),
    last_seq=3,
    updated_at=NOW,
)
X_LEFT = replace(OPEN, left_by=X)
Y_LEFT = replace(OPEN, left_by=Y)
Y_WITHDREW = replace(
    OPEN, participants=(Participant(X, read_seq=1), Participant(None, read_seq=3))
)


# ---------------------------------------------------------------------------- the table, by rows


def test_no_room_x_opens() -> None:
    opened = Room.open(RoomId(new_id()), X, Y, NOW)
    assert (opened.left_by, opened.last_seq) == (None, 0)
    assert (opened.created_at, opened.updated_at) == (NOW, NOW)


def test_open_x_leaves() -> None:
    assert OPEN.leave(X) == X_LEFT


def test_open_x_opens() -> None:
    assert OPEN.reopened_by(X, LATER) == OPEN


def test_open_x_sends() -> None:
    after, message = OPEN.with_message(X, "안녕하세요", "mine", LATER)
    assert message == Message(OPEN.id, 4, X, "안녕하세요", "mine", LATER)
    assert after == replace(OPEN, last_seq=4, updated_at=LATER)


def test_pending_x_left_x_leaves() -> None:
    with pytest.raises(NotFound):
        X_LEFT.leave(X)


def test_pending_x_left_x_opens() -> None:
    assert X_LEFT.reopened_by(X, LATER) == replace(OPEN, updated_at=LATER)


def test_pending_x_left_x_sends() -> None:
    with pytest.raises(NotFound):
        X_LEFT.with_message(X, "Hello?", None, LATER)


def test_pending_y_left_x_leaves() -> None:
    assert Y_LEFT.leave(X) is None


def test_pending_y_left_x_opens() -> None:
    assert Y_LEFT.reopened_by(X, LATER) == Y_LEFT


def test_pending_y_left_x_sends() -> None:
    with pytest.raises(RoomPending):
        Y_LEFT.with_message(X, "Hello?", None, LATER)


def test_the_documentation_prints_the_table() -> None:
    table = [line.strip() for line in (machine.__doc__ or "").splitlines() if "|" in line]
    guide = (Path(__file__).parents[2] / "docs" / "chat.md").read_text("utf-8")
    assert len(table) == 6
    assert "\n".join(table) in guide


# ------------------------------------------------------------------------- the one who withdrew


def test_a_withdrawn_participant_counts_as_one_who_left() -> None:
    assert Y_WITHDREW.status(is_online=True) is RoomStatus.PENDING
    with pytest.raises(RoomPending):
        Y_WITHDREW.with_message(X, "Hello?", None, LATER)


def test_opening_does_not_bring_back_a_withdrawn_participant() -> None:
    assert Y_WITHDREW.reopened_by(X, LATER) == Y_WITHDREW


def test_a_room_is_deleted_when_both_have_left_or_withdrawn() -> None:
    assert Y_WITHDREW.leave(X) is None


def test_a_room_with_a_withdrawn_participant_can_be_read() -> None:
    Y_WITHDREW.authorize(X)
    assert Y_WITHDREW.read_by(X, 2).participants == (Participant(X, 2), Participant(None, 3))


# ------------------------------------------------------------------------------ who and what


@pytest.mark.parametrize(("asking", "asked"), [(X, Y), (Y, X)])
def test_participants_are_ordered_by_id(asking: UserId, asked: UserId) -> None:
    assert Room.open(RoomId(new_id()), asking, asked, NOW).participants == (
        Participant(X),
        Participant(Y),
    )


def test_a_room_needs_two_people() -> None:
    with pytest.raises(CannotChatWithYourself) as caught:
        Room.open(RoomId(new_id()), X, X, NOW)
    assert [fault.pointer for fault in caught.value.errors] == ["/user_id"]


@pytest.mark.parametrize(
    ("of", "is_online", "status"),
    [
        (OPEN, True, RoomStatus.RUNNING),
        (OPEN, False, RoomStatus.STOP),
        (X_LEFT, True, RoomStatus.PENDING),
        (X_LEFT, False, RoomStatus.PENDING),
    ],
)
def test_status(of: Room, is_online: bool, status: RoomStatus) -> None:
    assert of.status(is_online=is_online) is status


def test_a_stranger_may_do_nothing() -> None:
    for room_ in (OPEN, X_LEFT, Y_WITHDREW):
        with pytest.raises(NotFound):
            room_.authorize(STRANGER)
        with pytest.raises(NotFound):
            room_.leave(STRANGER)
        with pytest.raises(NotFound):
            room_.read_by(STRANGER, 1)
        with pytest.raises(NotFound):
            room_.with_message(STRANGER, "Hello", None, NOW)
        assert room_.reopened_by(STRANGER, LATER) == room_


@pytest.mark.parametrize(("seq", "mark"), [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 3), (10**9, 3)])
def test_a_read_position_never_goes_back_or_beyond_the_last_message(seq: int, mark: int) -> None:
    assert OPEN.read_by(X, seq).participants == (Participant(X, mark), Participant(Y, 3))


def test_a_participant_who_left_may_not_read() -> None:
    with pytest.raises(NotFound):
        X_LEFT.read_by(X, 3)


def test_times_do_not_go_back_with_the_clock() -> None:
    earlier = NOW - timedelta(hours=1)
    after, message = OPEN.with_message(X, "Hello", None, earlier)
    assert (after.updated_at, message.sent_at) == (NOW, NOW)
    assert X_LEFT.reopened_by(X, earlier).updated_at == NOW


@pytest.mark.parametrize("body", ["", " \n", "a\0b", "x" * 4_001])
def test_an_invalid_body_is_rejected(body: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        OPEN.with_message(X, body, None, NOW)
    assert [fault.pointer for fault in caught.value.errors] == ["/body"]


def test_a_body_is_normalized_to_nfc_and_may_have_lines() -> None:
    body = unicodedata.normalize("NFD", "첫 줄\n둘째 줄")
    assert OPEN.with_message(X, body, None, NOW)[1].body == "첫 줄\n둘째 줄"


@pytest.mark.parametrize("client_id", ["1", "x" * 64, "한글", " a"])
def test_valid_client_ids(client_id: str) -> None:
    validate_client_id(client_id)


@pytest.mark.parametrize("client_id", ["", " ", "x" * 65, "a\nb", "a\0b", "\ud800"])
def test_invalid_client_ids(client_id: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_client_id(client_id)
    assert [fault.pointer for fault in caught.value.errors] == ["/client_id"]


# -------------------------------------------------------------------------- any course of events


class TwoPeople(RuleBasedStateMachine):
    """Two users do random things; a model of plain sets and lists predicts the result."""

    people = st.sampled_from([X, Y])

    def __init__(self) -> None:
        super().__init__()
        self.room: Room | None = None
        # the model: participants, messages and read positions
        self.inside: set[UserId] = set()
        self.withdrawn: set[UserId] = set()
        self.said: list[Message] = []
        self.read: dict[UserId, int] = {}

    @initialize(asking=people)
    def open(self, asking: UserId) -> None:
        (asked,) = {X, Y} - {asking}
        self.room = Room.open(RoomId(new_id()), asking, asked, NOW)
        self.inside, self.withdrawn, self.said = {X, Y}, set(), []
        self.read = {X: 0, Y: 0}

    def outcome(self, who: UserId, *, writes: bool) -> type[SideProError] | None:
        """The error that the model predicts for an action."""
        if who not in self.inside:
            return NotFound
        return RoomPending if writes and len(self.inside) < 2 else None

    @precondition(lambda self: self.room)
    @rule(who=people)
    def ask(self, who: UserId) -> None:
        assert self.room
        if who not in self.withdrawn:
            self.room = self.room.reopened_by(who, NOW)
            self.inside.add(who)

    @precondition(lambda self: self.room)
    @rule(who=people)
    def leave(self, who: UserId) -> None:
        assert self.room
        if error := self.outcome(who, writes=False):
            with pytest.raises(error):
                self.room.leave(who)
            return
        self.room = self.room.leave(who)
        self.inside.remove(who)
        assert (self.room is None) == (not self.inside)

    @precondition(lambda self: self.room and len(self.inside) == 2)
    @rule(who=people)
    def withdraw(self, who: UserId) -> None:
        assert self.room
        low, high = (
            replace(participant, user_id=None) if participant.user_id == who else participant
            for participant in self.room.participants
        )
        self.room = replace(self.room, participants=(low, high))
        self.inside.remove(who)
        self.withdrawn.add(who)

    @precondition(lambda self: self.room)
    @rule(who=people)
    def send(self, who: UserId) -> None:
        assert self.room
        body = f"{len(self.said)}"
        if error := self.outcome(who, writes=True):
            with pytest.raises(error):
                self.room.with_message(who, body, None, NOW)
            return
        self.room, message = self.room.with_message(who, body, None, NOW)
        self.said.append(message)

    @precondition(lambda self: self.room)
    @rule(who=people, seq=st.integers(-1, 6))
    def mark_read(self, who: UserId, seq: int) -> None:
        assert self.room
        if error := self.outcome(who, writes=False):
            with pytest.raises(error):
                self.room.read_by(who, seq)
            return
        self.room = self.room.read_by(who, seq)
        self.read[who] = max(self.read[who], min(seq, len(self.said)))

    @precondition(lambda self: self.room is None)
    @rule(asking=people)
    def ask_anew(self, asking: UserId) -> None:
        self.open(asking)

    @invariant()
    def numbers_have_no_hole(self) -> None:
        assert [message.seq for message in self.said] == list(range(1, len(self.said) + 1))
        assert self.room is None or self.room.last_seq == len(self.said)

    @invariant()
    def marks_are_those_of_the_model(self) -> None:
        if self.room:
            marks = {
                participant.user_id: participant.read_seq
                for participant in self.room.participants
                if participant.user_id
            }
            assert marks == {who: self.read[who] for who in {X, Y} - self.withdrawn}

    @invariant()
    def it_is_there_for_those_inside(self) -> None:
        for who in (X, Y) if self.room else ():
            assert self.room
            if who in self.inside:
                self.room.authorize(who)
            else:
                with pytest.raises(NotFound):
                    self.room.authorize(who)

    @invariant()
    def it_is_pending_unless_both_are_inside(self) -> None:
        if self.room:
            assert self.room.is_pending == (len(self.inside) < 2)


TestTwoPeople = TwoPeople.TestCase
TestTwoPeople.settings = settings(stateful_step_count=15)
