"""The rule of consent: whether one person may contact another."""

from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.errors import ChatClosed, ConsentRequired
from sidepro.domain.ids import UserId


def visible_policy(
    policy: ChatPolicy, *, is_blocked: bool, is_refused: bool, has_pending_request: bool
) -> ChatPolicy:
    """A person's policy as somebody sees it who is blocked or refused, or neither.

    A refusal stays hidden while the refused request reads pending to its asker. It holds against
    a policy that was opened for everybody else meanwhile.
    """
    if is_blocked or (is_refused and not has_pending_request):
        return ChatPolicy.CLOSED
    if is_refused and policy is ChatPolicy.OPEN:
        return ChatPolicy.REQUEST
    return policy


@dataclass(frozen=True, slots=True)
class Pair:
    """A caller and another person, with all that decides whether the caller may contact them.

    `policy` is the other person's. `requests` are those between the two, in both directions, that
    are undecided or whose decline is younger than `REFUSAL_TTL`. `caller_since` is when the
    caller's account was opened.
    """

    caller: UserId
    other: UserId
    policy: ChatPolicy
    caller_since: datetime
    is_blocked: bool
    requests: tuple[ChatRequest, ...]

    def sent(self, now: datetime) -> ChatRequest | None:
        """The caller's request that reads pending to them."""
        return self._undecided(self.caller, now)

    def received(self, now: datetime) -> ChatRequest | None:
        """The other person's request that the caller may still accept."""
        return self._undecided(self.other, now)

    def _undecided(self, asker: UserId, now: datetime) -> ChatRequest | None:
        found = (one for one in self.requests if one.from_id == asker and one.is_undecided(now))
        return next(found, None)

    def visible_policy(self, now: datetime) -> ChatPolicy:
        """The other person's policy as the caller sees it."""
        mine = [one for one in self.requests if one.from_id == self.caller]
        return visible_policy(
            self.policy,
            is_blocked=self.is_blocked,
            is_refused=any(one.is_refusal(now) for one in mine),
            has_pending_request=self.sent(now) is not None,
        )

    def authorize_contact(self) -> None:
        """Enforce blocks, which act both ways.

        Raises:
            ChatClosed: one of the two has blocked the other.
        """
        if self.is_blocked:
            raise ChatClosed

    def authorize_request(self, now: datetime) -> None:
        """Whether the caller may ask, or has asked already.

        Raises:
            ChatClosed: the other person takes no chats, or none from the caller.
        """
        self.authorize_contact()
        if self.sent(now) or self.received(now):
            return
        if self.visible_policy(now) is ChatPolicy.CLOSED:
            raise ChatClosed

    def authorize_opening(self, now: datetime) -> None:
        """Whether the caller may open a room without asking.

        Raises:
            ChatClosed: the other person takes no chats, or none from the caller.
            ConsentRequired: they take chats on request.
        """
        match self.visible_policy(now):
            case ChatPolicy.CLOSED:
                raise ChatClosed
            case ChatPolicy.REQUEST:
                raise ConsentRequired
            case ChatPolicy.OPEN:
                pass

    def agrees(self, now: datetime) -> bool:
        """Whether the other person agrees to a chat at once: they have asked the caller, or take
        chats from everybody.
        """
        return self.received(now) is not None or self.visible_policy(now) is ChatPolicy.OPEN
