"""Use cases of consent: requests for coffee chats, and rooms that need one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.chat_request import ChatRequest, RequestState
from sidepro.domain.coffee_chats.pair import Pair
from sidepro.domain.coffee_chats.ports import ChatRequestReader, ConsentUnitOfWork
from sidepro.domain.coffee_chats.request_events import notification_of, publish_requests
from sidepro.domain.coffee_chats.views import AskResult, ChatRequestView, RequestQuery
from sidepro.domain.errors import (
    ChatClosed,
    RateLimited,
    TooManyRequestsPending,
    ensure_found,
)
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ChatRequestId, NewId, UserId
from sidepro.domain.notifications.notification import NotificationKind
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rate_limiting import Allowance, Limit
from sidepro.domain.rooms.room import Room
from sidepro.domain.rooms.room_opening import RoomOpener, RoomOpening
from sidepro.domain.rooms.views import OpenResult, RoomView
from sidepro.domain.unit_of_work import UnitOfWorkFactory

MAX_PENDING = 10
"""Requests of one person that may read pending to them."""

Decision = Callable[[ChatRequest, datetime], ChatRequest]
"""A change of a request at a time. Raises if it is not allowed."""

NEW_ACCOUNT_AGE = timedelta(days=7)
NEW_ACCOUNT_LIMIT = Limit("new-account-requests", 3, 24 * 3600)
"""Requests that an account may send in its first week. A rule of the domain: it holds with rate
limits turned off too.
"""


@dataclass(frozen=True, slots=True)
class ConsentService:
    """Requests, and the rooms that they open. Events are published after the commit."""

    unit_of_work: UnitOfWorkFactory[ConsentUnitOfWork]
    reader: ChatRequestReader
    rooms: RoomOpener
    notifier: Notifier
    clock: Clock
    new_id: NewId

    # --------------------------------------------------------------------------------- asking

    async def ask(self, caller: Caller, recipient: UserId, introduction: str) -> AskResult:
        """Ask somebody for a coffee chat, or return the caller's pending request to them.

        The request is accepted at once if the recipient agrees already: they have asked the
        caller, they take chats from everybody, or they are in a room with the caller.

        Raises:
            CannotChatWithYourself: the recipient is the caller.
            NotFound: there is no such person.
            ChatClosed: the recipient takes no chats, or none from the caller.
            InvalidInput: the introduction is blank or too long.
            TooManyRequestsPending: `MAX_PENDING` requests of the caller are unanswered.
            RateLimited: a new account has sent as many requests as it may for now.
        """
        now = self.clock()
        opening = await self.rooms.prepare(caller.id, recipient)
        async with self.unit_of_work() as work:
            pair = await work.chat_requests.lock_pair(caller.id, recipient, now)
            room = await work.rooms.get_of_pair(caller.id, recipient)
            agrees = _is_in(room, recipient) or pair.agrees(now)
            pair.authorize_contact()
            if not agrees:
                pair.authorize_request(now)
            fresh = ChatRequest.write(
                ChatRequestId(self.new_id()), caller.id, recipient, introduction, now
            )
            opened, accepted = await _agree(work, pair, opening, now) if agrees else (None, [])
            request = await _sent(work, pair, fresh, opened, now)
            sent = [request] if request.id == fresh.id else []
            entries = await self._notify(work, caller, now, accepted, sent)
            view = ensure_found(await work.chat_request_reader.request(request.id, caller.id, now))
            await work.commit()
        if opened:
            await self.rooms.publish(opening, opened)
        await self._publish([*accepted, *sent], entries)
        return AskResult(view, created=request is fresh)

    # ------------------------------------------------------------------------------ answering

    async def accept(self, caller: Caller, request_id: ChatRequestId) -> RoomView:
        """Accept a request to the caller, also after declining it, and open the room for both.

        Raises:
            NotFound: the caller has no such request.
            Forbidden: it is the caller's own.
            RequestSettled: it was withdrawn, has expired, or is accepted or void already.
        """
        now = self.clock()
        asker = await self._other_person(caller, request_id, now)
        opening = await self.rooms.prepare(caller.id, asker)
        async with self.unit_of_work() as work:
            await work.chat_requests.lock_pair(caller.id, asker, now)
            request = ensure_found(await work.chat_requests.get(request_id))
            request.authorize_answer(caller.id)
            request.accepted(opening.fresh.id, now)  # before the room opens
            opened = await opening.open(work, for_both=True)
            accepted = request.accepted(opened.room.id, now)
            await work.chat_requests.save(accepted)
            entries = await self._notify(work, caller, now, [accepted])
            await work.commit()
        await self.rooms.publish(opening, opened)
        await self._publish([accepted], entries)
        return opened.room

    async def decline(self, caller: Caller, request_id: ChatRequestId) -> None:
        """Decline a request to the caller. Its asker is not told.

        Raises:
            NotFound: the caller has no such request.
            Forbidden: it is the caller's own.
            RequestSettled: it is not pending.
        """

        def decide(request: ChatRequest, now: datetime) -> ChatRequest:
            request.authorize_answer(caller.id)
            return request.declined(now)

        await self._settle(caller, request_id, decide)

    async def withdraw(self, caller: Caller, request_id: ChatRequestId) -> None:
        """Take back the caller's own request.

        Raises:
            NotFound: the caller has no such request.
            Forbidden: somebody else sent it.
            RequestSettled: it does not read pending to the caller.
        """

        def decide(request: ChatRequest, now: datetime) -> ChatRequest:
            request.authorize_withdrawal(caller.id)
            return request.withdrawn(now)

        await self._settle(caller, request_id, decide)

    async def _settle(self, caller: Caller, request_id: ChatRequestId, decide: Decision) -> None:
        now = self.clock()
        other = await self._other_person(caller, request_id, now)
        async with self.unit_of_work() as work:
            await work.chat_requests.lock_pair(caller.id, other, now)
            request = ensure_found(await work.chat_requests.get(request_id))
            changed = decide(request, now)
            await work.chat_requests.save(changed)
            if changed.state is RequestState.WITHDRAWN:
                entries = await work.notifications.remove_subject(
                    NotificationKind.REQUEST, request_id
                )
            else:
                entries = await _mark_answered(work, changed, now)
            await work.commit()
        is_quiet = changed.state is RequestState.DECLINED
        await publish_requests(self.notifier.events, [changed], is_quiet=is_quiet)
        await self.notifier.publish(entries)

    async def _notify(
        self,
        work: ConsentUnitOfWork,
        caller: Caller,
        now: datetime,
        accepted: Iterable[ChatRequest],
        sent: Sequence[ChatRequest] = (),
    ) -> list[ChangedEntry]:
        """Notify the other person that the caller accepted their request, or else has sent one.
        The caller need not read any more that they were asked.
        """
        entries: list[ChangedEntry] = []
        answered = [one for one in accepted if one.from_id != caller.id]
        for request in answered:
            entries += await _mark_answered(work, request, now)
        for request in answered or sent:
            entries += await self.notifier.notify(work, notification_of(request, caller.id, now))
        return entries

    async def _publish(
        self, changed: Iterable[ChatRequest], entries: Iterable[ChangedEntry]
    ) -> None:
        await publish_requests(self.notifier.events, changed)
        await self.notifier.publish(entries)

    async def _other_person(
        self, caller: Caller, request_id: ChatRequestId, now: datetime
    ) -> UserId:
        found = ensure_found(await self.reader.request(request_id, caller.id, now))
        return found.recipient.id if found.asker.id == caller.id else found.asker.id

    # ---------------------------------------------------------------------------------- lists

    async def requests(
        self, caller: Caller, query: RequestQuery, page: PageRequest
    ) -> Page[ChatRequestView]:
        """A page of the requests that the caller received or sent, newest first."""
        return await self.reader.requests(caller.id, query, page, self.clock())

    async def request_count(self, caller: Caller, query: RequestQuery) -> int:
        """How many requests the list has."""
        return await self.reader.request_count(caller.id, query, self.clock())

    async def request(self, caller: Caller, request_id: ChatRequestId) -> ChatRequestView:
        """One of the caller's requests.

        Raises:
            NotFound: the caller has no such request.
        """
        return ensure_found(await self.reader.request(request_id, caller.id, self.clock()))

    # ---------------------------------------------------------------------------------- rooms

    async def open_room(
        self,
        caller: Caller,
        invited: UserId,
        request: IdempotentRequest[OpenResult] | None = None,
    ) -> OpenResult:
        """Open the room of two people without a request: one that stands, or a new one with
        somebody who takes chats from everybody. Each pair has one room. If the caller had left it,
        it is reopened.

        Raises:
            CannotChatWithYourself: `invited` is the caller.
            NotFound: there is no such person.
            ChatClosed: this person takes no chats, or none from the caller.
            ConsentRequired: they take chats on request.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        now = self.clock()
        opening = await self.rooms.prepare(caller.id, invited)

        changed: list[ChatRequest] = []
        entries: list[ChangedEntry] = []

        async def store(work: ConsentUnitOfWork) -> OpenResult:
            room = await work.rooms.get_of_pair(caller.id, invited)
            if room is None:
                pair = await work.chat_requests.lock_pair(caller.id, invited, now)
                # It may have been opened before the two people were locked.
                if await work.rooms.get_of_pair(caller.id, invited) is None:
                    pair.authorize_opening(now)
                    opened, accepted = await _agree(work, pair, opening, now)
                    changed.extend(accepted)
                    entries.extend(await self._notify(work, caller, now, accepted))
                    return opened
            elif room.is_blocked and not room.is_open_to(caller.id):
                raise ChatClosed  # the room that they left would show that they are back
            return await opening.open(work)

        result = await run_idempotent(self.unit_of_work, request, now, store)
        await self.rooms.publish(opening, result)
        await self._publish(changed, entries)
        return result


def _is_in(room: Room | None, user_id: UserId) -> bool:
    return room is not None and room.is_open_to(user_id)


async def _mark_answered(
    work: ConsentUnitOfWork, request: ChatRequest, now: datetime
) -> Sequence[ChangedEntry]:
    """Mark the notification of a request as read for its recipient, who has answered it."""
    return await work.notifications.mark_subject_read(
        request.to_id, NotificationKind.REQUEST, request.id, now
    )


async def _agree(
    work: ConsentUnitOfWork, pair: Pair, opening: RoomOpening, now: datetime
) -> tuple[OpenResult, list[ChatRequest]]:
    """Open the room of two people who agree, and accept what they have asked each other. Returns
    these requests too.
    """
    opened = await opening.open(work, for_both=True)
    undecided = [one for one in (pair.sent(now), pair.received(now)) if one]
    accepted = [one.accepted(opened.room.id, now) for one in undecided]
    await work.chat_requests.save(*accepted)
    return opened, accepted


async def _sent(
    work: ConsentUnitOfWork,
    pair: Pair,
    fresh: ChatRequest,
    opened: OpenResult | None,
    now: datetime,
) -> ChatRequest:
    """The caller's request: the one that they have sent already, or `fresh`, stored now."""
    sent = pair.sent(now)
    if sent is None and opened:
        sent = await work.chat_requests.get_accepted(pair.caller, opened.room.id)
    if sent:
        return sent
    if opened:
        accepted = fresh.accepted(opened.room.id, now)
        await work.chat_requests.add(accepted)
        return accepted
    await _check_limits(work, pair, now)
    await work.chat_requests.save(*(one.expired(now) for one in pair.requests))
    await work.chat_requests.add(fresh)
    return fresh


async def _check_limits(work: ConsentUnitOfWork, pair: Pair, now: datetime) -> None:
    if await work.chat_requests.pending_count(pair.caller, now) >= MAX_PENDING:
        raise TooManyRequestsPending
    if now >= pair.caller_since + NEW_ACCOUNT_AGE:
        return
    window = timedelta(seconds=NEW_ACCOUNT_LIMIT.window)
    times = await work.chat_requests.sent_since(pair.caller, now - window)
    if len(times) >= NEW_ACCOUNT_LIMIT.quota:
        retry_after = (times[-NEW_ACCOUNT_LIMIT.quota] + window - now).total_seconds()
        reset_after = (times[-1] + window - now).total_seconds()
        raise RateLimited(Allowance(NEW_ACCOUNT_LIMIT, 0, reset_after, retry_after))
