"""A request for a coffee chat: who asks whom, and what became of it.

State transitions of the stored request. An *asker* asks a *recipient*.

    | from      | accept   | decline  | withdraw  | block | 14 days after it was sent |
    |-----------|----------|----------|-----------|-------|---------------------------|
    | pending   | accepted | declined | withdrawn | void  | expired                   |
    | declined  | accepted | –        | withdrawn | void  | –                         |
    | all else  | –        | –        | –         | –     | –                         |

After the 14 days nothing changes any more. A decline is quiet: its asker sees a pending request
until the 14 days are over, and an expired one from then on.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sidepro.domain.errors import (
    CannotChatWithYourself,
    FieldError,
    Forbidden,
    NotFound,
    RequestSettled,
)
from sidepro.domain.ids import ChatRequestId, RoomId, UserId
from sidepro.domain.validation import Validator
from sidepro.domain.violations import YOURSELF

MAX_INTRODUCTION = 300
REQUEST_TTL = timedelta(days=14)
"""How long a request waits for an answer."""
REFUSAL_TTL = timedelta(days=30)
"""How long after a decline its asker cannot ask this person again."""


class RequestState(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"


UNDECIDED = frozenset({RequestState.PENDING, RequestState.DECLINED})
"""The states of a request whose recipient may still accept it."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a coffee chat. `introduction` is plain text.

    `state` and `settled_at` are as stored, which shows a decline to both and an expiry late: show
    people what `state_for` and `settled_at_for` return. `declined_at` outlives the state: its
    asker stays refused although they withdrew the request.
    """

    id: ChatRequestId
    from_id: UserId
    to_id: UserId
    introduction: str
    state: RequestState
    room_id: RoomId | None
    created_at: datetime
    settled_at: datetime | None
    declined_at: datetime | None

    @classmethod
    def write(
        cls,
        request_id: ChatRequestId,
        asker: UserId,
        recipient: UserId,
        introduction: str,
        now: datetime,
    ) -> "ChatRequest":
        """A new, pending request.

        Raises:
            CannotChatWithYourself: both are the same person.
            InvalidInput: the introduction is blank or too long.
        """
        if asker == recipient:
            raise CannotChatWithYourself(FieldError(YOURSELF, pointer="/user_id"))
        validator = Validator()
        text = validator.text(introduction, "introduction", MAX_INTRODUCTION)
        validator.raise_errors()
        state = RequestState.PENDING
        return cls(request_id, asker, recipient, text, state, None, now, None, None)

    @property
    def expires_at(self) -> datetime:
        """The end of the time in which the request can be answered."""
        return self.created_at + REQUEST_TTL

    def is_undecided(self, now: datetime) -> bool:
        """Whether the request can be accepted and withdrawn: to its asker it is pending."""
        return self.state in UNDECIDED and now < self.expires_at

    def is_refusal(self, now: datetime) -> bool:
        """Whether the recipient has declined the request, so that its asker cannot ask again."""
        return self.declined_at is not None and now < self.declined_at + REFUSAL_TTL

    def state_for(self, viewer: UserId, now: datetime) -> RequestState:
        """The state as one of the two people sees it."""
        if self.state is RequestState.DECLINED and viewer == self.to_id:
            return self.state
        if self.state not in UNDECIDED:
            return self.state
        return RequestState.PENDING if self.is_undecided(now) else RequestState.EXPIRED

    def settled_at_for(self, viewer: UserId, now: datetime) -> datetime | None:
        """When the state became what `state_for` returns; `None` while that is pending."""
        match self.state_for(viewer, now):
            case RequestState.PENDING:
                return None
            case RequestState.EXPIRED:
                return self.expires_at
            case _:
                return self.settled_at

    # ---------------------------------------------------------------------------------- access

    def authorize_answer(self, caller: UserId) -> None:
        """Only the recipient may accept or decline.

        Raises:
            NotFound: the caller is neither of the two people.
            Forbidden: the caller is the asker.
        """
        self._authorize(caller, self.to_id)

    def authorize_withdrawal(self, caller: UserId) -> None:
        """Only the asker may withdraw.

        Raises:
            NotFound: the caller is neither of the two people.
            Forbidden: the caller is the recipient.
        """
        self._authorize(caller, self.from_id)

    def _authorize(self, caller: UserId, allowed: UserId) -> None:
        if caller not in (self.from_id, self.to_id):
            raise NotFound
        if caller != allowed:
            raise Forbidden

    # ------------------------------------------------------------------------------- transitions

    def accepted(self, room_id: RoomId, now: datetime) -> "ChatRequest":
        """The request after its recipient agreed, also after a decline.

        Raises:
            RequestSettled: it can no longer be accepted.
        """
        self._ensure_undecided(now)
        changed = replace(self, room_id=room_id, declined_at=None)
        return changed._settled(RequestState.ACCEPTED, now)

    def declined(self, now: datetime) -> "ChatRequest":
        """The request after its recipient declined.

        Raises:
            RequestSettled: it is not pending.
        """
        self._ensure_undecided(now)
        if self.state is RequestState.DECLINED:
            raise RequestSettled
        declined = self._settled(RequestState.DECLINED, now)
        return replace(declined, declined_at=declined.settled_at)

    def withdrawn(self, now: datetime) -> "ChatRequest":
        """The request after its asker took it back.

        Raises:
            RequestSettled: its asker does not see it as pending.
        """
        self._ensure_undecided(now)
        return self._settled(RequestState.WITHDRAWN, now)

    def voided(self, now: datetime) -> "ChatRequest":
        """The request after one of the two blocked the other; itself if it is settled."""
        return self._settled(RequestState.VOID, now) if self.is_undecided(now) else self

    def expired(self, now: datetime) -> "ChatRequest":
        """The request with its expiry stored, if it is pending and its time is over."""
        if self.state is not RequestState.PENDING or now < self.expires_at:
            return self
        return replace(self, state=RequestState.EXPIRED, settled_at=self.expires_at)

    def _ensure_undecided(self, now: datetime) -> None:
        if not self.is_undecided(now):
            raise RequestSettled

    def _settled(self, state: RequestState, now: datetime) -> "ChatRequest":
        return replace(self, state=state, settled_at=max(now, self.created_at))
