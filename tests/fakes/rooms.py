"""Rooms, messages, chat requests and blocks in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import REFUSAL_TTL, ChatRequest, RequestState
from sidepro.domain.coffee_chats.pair import Pair, visible_policy
from sidepro.domain.ids import ChatRequestId, RoomId, UserId
from sidepro.domain.rooms.ports import MessageName, UnlockedRooms
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.visibility import Visibility
from tests.fakes.state import Repository, State


class MemoryRooms(Repository):
    """See `sidepro.domain.rooms.ports.RoomRepository`."""

    async def add_if_absent(self, room: Room) -> bool:
        low, high = (participant.user_id for participant in room.participants)
        self._must_be_there(low, high)
        if self._of_pair(low, high):
            return False
        self._state.rooms[room.id] = room
        return True

    async def get(self, room_id: RoomId) -> Room | None:
        return self._state.rooms.get(room_id)

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        return {one: room for one in room_ids if (room := self._state.rooms.get(one))}

    async def get_unlocked(self, room_ids: Collection[RoomId]) -> UnlockedRooms:
        return UnlockedRooms(await self.get_all(room_ids), frozenset())

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        return self._of_pair(one, other)

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rooms = self._state.rooms.values()
        found = [r for r in rooms if any(p.user_id == user_id for p in r.participants)]
        return tuple(sorted(found, key=lambda room: room.id))

    async def save(self, *rooms: Room) -> None:
        for room in rooms:
            self._state.rooms[room.id] = room

    async def delete(self, room_id: RoomId) -> None:
        self._state.rooms.pop(room_id, None)
        for request in list(self._state.chat_requests.values()):
            if request.room_id == room_id:
                self._state.chat_requests[request.id] = replace(request, room_id=None)
        for key in [key for key in self._state.messages if key[0] == room_id]:
            del self._state.messages[key]

    async def add_messages(self, *messages: Message) -> None:
        for message in messages:
            if message.sender_id is not None:
                self._must_be_there(message.sender_id)
            self._state.messages[message.room_id, message.seq] = message

    async def set_visibility(self, room_id: RoomId, seq: int, visibility: Visibility) -> None:
        message = self._state.messages[room_id, seq]
        self._state.messages[room_id, seq] = replace(message, visibility=visibility)

    async def erase_message(self, room_id: RoomId, seq: int) -> None:
        message = self._state.messages[room_id, seq]
        self._state.messages[room_id, seq] = replace(message, body="")

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        return {
            (one.room_id, one.sender_id, one.client_id): one
            for one in self._state.messages.values()
            if one.sender_id and one.client_id
            if (one.room_id, one.sender_id, one.client_id) in names
        }

    def _of_pair(self, one: UserId | None, other: UserId | None) -> Room | None:
        pair = {one, other}
        rooms = self._state.rooms.values()
        return next(
            (r for r in rooms if {p.user_id for p in r.participants} == pair),
            None,
        )


def policy_for(
    state: State, user_id: UserId, viewer: UserId | None, now: datetime
) -> ChatPolicy | None:
    """A person's policy as somebody sees it; `None` for an anonymous viewer."""
    policy = state.users[user_id].chat_policy
    if viewer in (None, user_id):
        return policy if viewer else None
    asked = [r for r in state.chat_requests.values() if (r.from_id, r.to_id) == (viewer, user_id)]
    return visible_policy(
        policy,
        is_blocked=state.is_blocked(user_id, viewer),
        is_refused=any(request.is_refusal(now) for request in asked),
        has_pending_request=any(request.is_undecided(now) for request in asked),
    )


class MemoryChatRequests(Repository):
    """See `sidepro.domain.coffee_chats.ports.ChatRequestRepository`."""

    async def lock_pair(self, caller: UserId, other: UserId, now: datetime) -> Pair:
        self._must_be_there(caller, other)
        return Pair(
            caller=caller,
            other=other,
            policy=self._state.users[other].chat_policy,
            caller_since=self._state.users[caller].created_at,
            is_blocked=self._state.is_blocked(caller, other),
            requests=tuple(
                sorted(
                    (
                        request
                        for request in self._state.chat_requests.values()
                        if {request.from_id, request.to_id} == {caller, other}
                        if request.state is RequestState.PENDING
                        or (request.declined_at and request.declined_at > now - REFUSAL_TTL)
                    ),
                    key=lambda request: (request.created_at, request.id),
                )
            ),
        )

    async def add(self, *requests: ChatRequest) -> None:
        await self.save(*requests)

    async def get(self, request_id: ChatRequestId) -> ChatRequest | None:
        return self._state.chat_requests.get(request_id)

    async def get_accepted(self, asker: UserId, room_id: RoomId) -> ChatRequest | None:
        accepted = [
            request
            for request in self._state.chat_requests.values()
            if (request.from_id, request.room_id) == (asker, room_id)
            if request.state is RequestState.ACCEPTED
        ]
        return max(accepted, key=lambda one: (one.created_at, one.id), default=None)

    async def save(self, *requests: ChatRequest) -> None:
        for request in requests:
            self._must_be_there(request.from_id, request.to_id)
            self._state.chat_requests[request.id] = request

    async def pending_count(self, asker: UserId, now: datetime) -> int:
        requests = self._state.chat_requests.values()
        return sum(one.from_id == asker and one.is_undecided(now) for one in requests)

    async def recipients(self, asker: UserId) -> tuple[UserId, ...]:
        requests = self._state.chat_requests.values()
        pending = RequestState.PENDING
        of_asker = [one for one in requests if one.from_id == asker]
        return tuple(one.to_id for one in of_asker if one.state is pending)

    async def sent_since(self, asker: UserId, since: datetime) -> tuple[datetime, ...]:
        return tuple(
            sorted(
                request.created_at
                for request in self._state.chat_requests.values()
                if request.from_id == asker and request.created_at > since
                if request.settled_at != request.created_at
            )
        )

    async def expire(self, now: datetime, limit: int) -> Sequence[ChatRequest]:
        requests = list(self._state.chat_requests.values())
        changed = [one.expired(now) for one in requests if one.expired(now) != one][:limit]
        await self.save(*changed)
        return changed


class MemoryBlocks(Repository):
    """See `sidepro.domain.blocks.ports.BlockRepository`."""

    async def add(self, blocker: UserId, blocked: UserId, now: datetime) -> bool:
        self._must_be_there(blocker, blocked)
        is_new = (blocker, blocked) not in self._state.blocks
        self._state.blocks.setdefault((blocker, blocked), now)
        return is_new

    async def remove(self, blocker: UserId, blocked: UserId) -> bool:
        return self._state.blocks.pop((blocker, blocked), None) is not None

    async def is_between(self, one: UserId, other: UserId) -> bool:
        return self._state.is_blocked(one, other)
