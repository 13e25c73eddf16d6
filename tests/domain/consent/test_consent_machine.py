"""Any course of requests, answers, blocks and time between two people, against a model."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.coffee_chats.views import Box, RequestQuery
from sidepro.domain.errors import (
    ChatClosed,
    ConsentRequired,
    RequestSettled,
    RoomPending,
    SideProError,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ChatRequestId, UserId
from sidepro.domain.pagination import PageRequest
from tests.domain.services import Services
from tests.fakes.rooms import policy_for
from tests.hypothesis_profiles import examples

Result = TypeVar("Result")
DAY = timedelta(days=1)
ALL = PageRequest(100)
X, Y = 0, 1


@dataclass
class ModelRequest:
    """A request of the model. `end` is how it ended, if not by time."""

    asker: int
    at: datetime
    end: RequestState | None = None
    declined_at: datetime | None = None
    room: int = 0
    """The number of the room that it opened, from 1."""


class TwoPeople(RuleBasedStateMachine):
    """The services, and a model of what should come of each call."""

    who = st.sampled_from([X, Y])

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.services = Services()
        self.people: list[Caller] = self.run(self.services.people(2))
        self.services.clock.forward(8 * DAY.total_seconds())  # older than their first week
        self.asked: dict[ChatRequestId, ModelRequest] = {}
        self.policies = [ChatPolicy.REQUEST, ChatPolicy.REQUEST]
        self.blocks: set[int] = set()
        self.inside: set[int] = set()
        self.room = 0
        for person in (X, Y):
            self.set_policy(person, ChatPolicy.REQUEST)

    def teardown(self) -> None:
        self.loop.close()

    def run(self, call: Awaitable[Result]) -> Result:
        """The result of a call. A loop of its own for each would take most of the time."""
        return self.loop.run_until_complete(call)

    # ------------------------------------------------------------------------------ the model

    @property
    def now(self) -> datetime:
        return self.services.clock.now

    def pending(self, asker: int) -> ModelRequest | None:
        """The person's request that reads pending to them."""
        mine = (a for a in self.asked.values() if a.asker == asker and a.end is None)
        return next((a for a in mine if self.now < a.at + 14 * DAY), None)

    def accepted(self, asker: int) -> list[ModelRequest]:
        """The person's requests that opened the room that stands."""
        return [a for a in self.asked.values() if a.asker == asker and a.room == self.room]

    def is_refused(self, asker: int) -> bool:
        mine = [a for a in self.asked.values() if a.asker == asker]
        return any(a.declined_at and self.now < a.declined_at + 30 * DAY for a in mine)

    def policy(self, viewer: int) -> ChatPolicy:
        """The other person's policy as this one should see it."""
        policy = self.policies[1 - viewer]
        if self.blocks or (self.is_refused(viewer) and not self.pending(viewer)):
            return ChatPolicy.CLOSED
        if self.is_refused(viewer) and policy is ChatPolicy.OPEN:
            return ChatPolicy.REQUEST
        return policy

    def agree(self) -> None:
        """Both are in the room from now on."""
        self.room += not self.inside
        self.inside = {X, Y}
        for asked in (self.pending(X), self.pending(Y)):
            if asked:
                asked.end, asked.declined_at = RequestState.ACCEPTED, None
                asked.room = self.room

    def attempt(
        self, call: Callable[[], Awaitable[Result]], error: type[SideProError] | None
    ) -> Result | None:
        """Call, and check that it raises the predicted error or none."""
        if error is None:
            return self.run(call())
        with pytest.raises(error) as caught:
            self.run(call())
        assert caught.type is error
        return None

    def id_of(self, caller: int) -> UserId:
        return self.people[caller].id

    # ------------------------------------------------------------------------------ the rules

    @rule(who=who)
    def ask(self, who: int) -> None:
        other, joined = 1 - who, (1 - who) in self.inside
        standing, crossing = self.pending(who), self.pending(other)
        policy = self.policy(who)
        agrees = joined or crossing or policy is ChatPolicy.OPEN
        error: type[SideProError] | None = None
        if self.blocks or (not agrees and not standing and policy is ChatPolicy.CLOSED):
            error = ChatClosed
        result = self.attempt(
            lambda: self.services.consent.ask(self.people[who], self.id_of(other), "안녕하세요"),
            error,
        )
        if result is None:
            return
        assert result.created == (not agrees and not standing)
        assert result.request.state is (RequestState.ACCEPTED if agrees else RequestState.PENDING)
        is_known = standing or (agrees and self.inside and self.accepted(who))
        assert (result.request.id in self.asked) == bool(is_known)
        asked = self.asked.setdefault(result.request.id, ModelRequest(who, self.now))
        if agrees:
            self.agree()
            asked.end, asked.room = RequestState.ACCEPTED, self.room

    @rule(who=who)
    def be_declined(self, who: int) -> None:
        """The start of the rare courses, which single steps seldom reach."""
        self.ask(who)
        for request_id, asked in self.asked.items():
            if asked is self.pending(who):
                self.settle_one(request_id, "decline")

    @rule(who=who)
    def open_room(self, who: int) -> None:
        other = 1 - who
        error: type[SideProError] | None = None
        if self.inside:
            if self.blocks and who not in self.inside:
                error = ChatClosed
        elif self.policy(who) is not ChatPolicy.OPEN:
            closed = self.policy(who) is ChatPolicy.CLOSED
            error = ChatClosed if closed else ConsentRequired
        opened = self.attempt(
            lambda: self.services.consent.open_room(self.people[who], self.id_of(other)), error
        )
        if opened and not self.inside:
            self.agree()
        elif opened:
            self.inside.add(who)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), action=st.sampled_from(["accept", "decline", "withdraw"]))
    def settle(self, data: st.DataObject, action: str) -> None:
        undecided = [one for one, asked in self.asked.items() if asked.end is None]
        is_undecided: bool = data.draw(st.booleans())
        candidates = undecided if undecided and is_undecided else list(self.asked)
        self.settle_one(data.draw(st.sampled_from(sorted(candidates))), action)

    def settle_one(self, request_id: ChatRequestId, action: str) -> None:
        asked = self.asked[request_id]
        caller = self.people[asked.asker if action == "withdraw" else 1 - asked.asker]
        is_open = asked.end is None and self.now < asked.at + 14 * DAY
        allowed = is_open and not (action == "decline" and asked.declined_at)
        call = getattr(self.services.consent, action)
        self.attempt(lambda: call(caller, request_id), None if allowed else RequestSettled)
        if not allowed:
            return
        if action == "accept":
            self.agree()
        elif action == "decline":
            asked.declined_at = self.now
        else:
            asked.end = RequestState.WITHDRAWN

    @rule(who=who)
    def block(self, who: int) -> None:
        self.attempt(
            lambda: self.services.blocks.block(self.people[who], self.id_of(1 - who)), None
        )
        self.blocks.add(who)
        for asked in (self.pending(X), self.pending(Y)):
            if asked:
                asked.end = RequestState.VOID

    @precondition(lambda self: self.blocks)
    @rule(who=who)
    def unblock(self, who: int) -> None:
        self.attempt(
            lambda: self.services.blocks.unblock(self.people[who], self.id_of(1 - who)), None
        )
        self.blocks.discard(who)

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.inside)))
        (room,) = self.services.store.state.rooms
        self.attempt(lambda: self.services.rooms.leave(self.people[who], room), None)
        self.inside.discard(who)

    @rule(who=who, policy=st.sampled_from(ChatPolicy))
    def set_policy(self, who: int, policy: ChatPolicy) -> None:
        self.services.change(self.id_of(who), chat_policy=policy)
        self.policies[who] = policy

    @rule(days=st.sampled_from([1, 7, 14, 16]))
    def wait(self, days: int) -> None:
        self.services.clock.forward(days * DAY.total_seconds())

    @rule()
    def expire(self) -> None:
        async def expire() -> None:
            async with self.services.store.unit_of_work() as work:
                await work.chat_requests.expire(self.now, 100)
                await work.commit()

        self.run(expire())

    # ------------------------------------------------------------------------- the invariants

    @invariant()
    def both_see_the_states_of_the_model(self) -> None:
        for viewer in (X, Y):
            for box in Box:
                seen = self.requests(viewer, box, None)
                for state in RequestState:
                    of_state = {one for one, reads in seen.items() if reads is state}
                    assert set(self.requests(viewer, box, state)) == of_state
                expected = {
                    request_id: self.reads(asked, viewer)
                    for request_id, asked in self.asked.items()
                    if (asked.asker == viewer) == (box is Box.SENT)
                }
                assert seen == expected

    def requests(
        self, viewer: int, box: Box, state: RequestState | None
    ) -> dict[ChatRequestId, RequestState]:
        caller, query = self.people[viewer], RequestQuery(box, state)
        page = self.run(self.services.consent.requests(caller, query, ALL))
        for one in page.items:
            assert (one.settled_at is None) == (one.state is RequestState.PENDING)
        return {one.id: one.state for one in page.items}

    def reads(self, asked: ModelRequest, viewer: int) -> RequestState:
        if asked.end:
            return asked.end
        if asked.declined_at and viewer != asked.asker:
            return RequestState.DECLINED
        is_over = self.now >= asked.at + 14 * DAY
        return RequestState.EXPIRED if is_over else RequestState.PENDING

    @invariant()
    def both_see_the_policy_of_the_model(self) -> None:
        for viewer in (X, Y):
            state, other = self.services.store.state, self.id_of(1 - viewer)
            seen = policy_for(state, other, self.id_of(viewer), self.now)
            assert seen is self.policy(viewer)

    @invariant()
    def the_room_is_that_of_those_inside(self) -> None:
        rooms = list(self.services.store.state.rooms.values())
        assert len(rooms) == bool(self.inside)
        for room in rooms:
            assert {who for who in (X, Y) if room.is_open_to(self.id_of(who))} == self.inside
            is_writable = len(self.inside) == 2 and not self.blocks
            assert room.is_writable == is_writable
            for who in self.inside:
                self.attempt(
                    lambda who=who, room=room: self.services.rooms.send(  # type: ignore[misc]
                        self.people[who], room.id, "안녕하세요", None
                    ),
                    None if is_writable else RoomPending,
                )

    @invariant()
    def at_most_one_of_the_two_waits(self) -> None:
        assert not (self.pending(X) and self.pending(Y))


TestTwoPeople = TwoPeople.TestCase
TestTwoPeople.settings = settings(max_examples=examples(60), stateful_step_count=25)
