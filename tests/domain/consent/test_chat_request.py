"""A chat request: its table of transitions row by row, and what each person sees of it."""

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sidepro.domain.coffee_chats import chat_request as machine
from sidepro.domain.coffee_chats.chat_request import (
    MAX_INTRODUCTION,
    REFUSAL_TTL,
    REQUEST_TTL,
    ChatRequest,
    RequestState,
)
from sidepro.domain.errors import (
    CannotChatWithYourself,
    Forbidden,
    InvalidInput,
    NotFound,
    RequestSettled,
)
from sidepro.domain.ids import ChatRequestId, RoomId
from tests.factories import NOW, chat_request, new_id, user

ASKER, RECIPIENT, STRANGER = user().id, user().id, user().id
ROOM = RoomId(new_id())
LATER = NOW + timedelta(days=1)
LAST_MOMENT = NOW + REQUEST_TTL - timedelta(microseconds=1)

PENDING = chat_request(ASKER, RECIPIENT)
DECLINED = PENDING.declined(LATER)
Change = Callable[[ChatRequest, datetime], ChatRequest]


def accept(request: ChatRequest, now: datetime) -> ChatRequest:
    return request.accepted(ROOM, now)


decline, withdraw = ChatRequest.declined, ChatRequest.withdrawn
SETTLED = [
    accept(PENDING, LATER),
    withdraw(PENDING, LATER),
    PENDING.voided(LATER),
    PENDING.expired(NOW + REQUEST_TTL),
]


@pytest.mark.parametrize(
    ("request_", "change", "state"),
    [
        (PENDING, accept, RequestState.ACCEPTED),
        (PENDING, decline, RequestState.DECLINED),
        (PENDING, withdraw, RequestState.WITHDRAWN),
        (PENDING, ChatRequest.voided, RequestState.VOID),
        (DECLINED, accept, RequestState.ACCEPTED),
        (DECLINED, withdraw, RequestState.WITHDRAWN),
        (DECLINED, ChatRequest.voided, RequestState.VOID),
    ],
)
def test_an_undecided_request_is_settled(
    request_: ChatRequest, change: Change, state: RequestState
) -> None:
    changed = change(request_, LAST_MOMENT)
    assert (changed.state, changed.settled_at) == (state, LAST_MOMENT)


@pytest.mark.parametrize("change", [accept, decline, withdraw])
@pytest.mark.parametrize("request_", SETTLED, ids=lambda one: str(one.state))
def test_a_settled_request_is_not_changed(request_: ChatRequest, change: Change) -> None:
    with pytest.raises(RequestSettled):
        change(request_, LATER)
    assert request_.voided(LATER) == request_


def test_a_request_cannot_be_declined_twice() -> None:
    with pytest.raises(RequestSettled):
        decline(DECLINED, LATER)


@pytest.mark.parametrize("change", [accept, decline, withdraw])
@pytest.mark.parametrize("request_", [PENDING, DECLINED], ids=["pending", "declined"])
def test_nothing_changes_after_the_last_moment(request_: ChatRequest, change: Change) -> None:
    with pytest.raises(RequestSettled):
        change(request_, NOW + REQUEST_TTL)
    assert request_.voided(NOW + REQUEST_TTL) == request_


def test_only_a_pending_request_expires_and_only_after_its_time() -> None:
    assert PENDING.expired(LAST_MOMENT) == PENDING
    assert DECLINED.expired(NOW + REQUEST_TTL) == DECLINED
    expired = PENDING.expired(NOW + timedelta(days=20))
    assert (expired.state, expired.settled_at) == (RequestState.EXPIRED, NOW + REQUEST_TTL)


def test_an_acceptance_names_the_room_and_ends_the_refusal() -> None:
    accepted = accept(DECLINED, LATER)
    assert (accepted.room_id, accepted.declined_at) == (ROOM, None)


@pytest.mark.parametrize("change", [withdraw, ChatRequest.voided])
def test_a_refusal_outlives_the_request(change: Change) -> None:
    changed = change(DECLINED, LATER)
    assert changed.is_refusal(LATER + REFUSAL_TTL - timedelta(microseconds=1))
    assert not changed.is_refusal(LATER + REFUSAL_TTL)


def test_a_decline_is_hidden_from_its_asker() -> None:
    for now in (LATER, LAST_MOMENT, NOW + REQUEST_TTL, NOW + timedelta(days=40)):
        for seen in (ChatRequest.state_for, ChatRequest.settled_at_for):
            assert seen(DECLINED, ASKER, now) == seen(PENDING, ASKER, now)
    assert DECLINED.state_for(RECIPIENT, LATER) is RequestState.DECLINED
    assert DECLINED.settled_at_for(RECIPIENT, NOW + timedelta(days=40)) == LATER


def test_an_expired_request_reads_so_before_its_expiry_is_stored() -> None:
    for viewer in (ASKER, RECIPIENT):
        assert PENDING.state_for(viewer, LAST_MOMENT) is RequestState.PENDING
        assert PENDING.settled_at_for(viewer, LAST_MOMENT) is None
        assert PENDING.state_for(viewer, NOW + REQUEST_TTL) is RequestState.EXPIRED
        assert PENDING.settled_at_for(viewer, LATER + REQUEST_TTL) == NOW + REQUEST_TTL


def test_the_clock_does_not_settle_a_request_before_it_was_sent() -> None:
    assert decline(PENDING, NOW - timedelta(hours=1)).settled_at == NOW


def test_only_the_recipient_may_answer_and_only_the_asker_may_withdraw() -> None:
    PENDING.authorize_answer(RECIPIENT)
    PENDING.authorize_withdrawal(ASKER)
    for authorize, other in (
        (PENDING.authorize_answer, ASKER),
        (PENDING.authorize_withdrawal, RECIPIENT),
    ):
        with pytest.raises(Forbidden):
            authorize(other)
        with pytest.raises(NotFound):
            authorize(STRANGER)


def write(text: str) -> ChatRequest:
    return ChatRequest.write(ChatRequestId(new_id()), ASKER, RECIPIENT, text, NOW)


def test_an_introduction_is_normalized_to_nfc_and_may_have_lines() -> None:
    text = unicodedata.normalize("NFD", "안녕하세요\n반갑습니다")
    assert write(text).introduction == "안녕하세요\n반갑습니다"
    assert write("가" * MAX_INTRODUCTION).introduction == "가" * MAX_INTRODUCTION


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "x" * (MAX_INTRODUCTION + 1)])
def test_an_invalid_introduction_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        write(text)
    assert [error.pointer for error in caught.value.errors] == ["/introduction"]


def test_nobody_asks_themselves() -> None:
    with pytest.raises(CannotChatWithYourself) as caught:
        ChatRequest.write(ChatRequestId(new_id()), ASKER, ASKER, "안녕", NOW)
    assert [error.pointer for error in caught.value.errors] == ["/user_id"]


def test_the_guide_prints_the_table() -> None:
    table = [line.strip() for line in (machine.__doc__ or "").splitlines() if "|" in line]
    guide = (Path(__file__).parents[3] / "docs" / "consent.md").read_text("utf-8")
    assert len(table) == 5
    assert "\n".join(table) in guide
