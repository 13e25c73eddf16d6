"""Read models of chat requests."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.ids import ChatRequestId, RoomId


class Box(StrEnum):
    """The two lists of a person's requests."""

    RECEIVED = "received"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class RequestQuery:
    """A list of a person's requests. `state` is the one that this person sees."""

    box: Box = Box.RECEIVED
    state: RequestState | None = None


@dataclass(frozen=True, slots=True)
class ChatRequestView:
    """A request as one of its two people sees it."""

    id: ChatRequestId
    asker: UserSummary
    recipient: UserSummary
    introduction: str
    state: RequestState
    room_id: RoomId | None
    created_at: datetime
    settled_at: datetime | None


class AskResult(NamedTuple):
    """A request, and whether it is new and pending."""

    request: ChatRequestView
    created: bool
