"""Chat requests in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.repositories.rows import row_of
from sidepro.adapters.sql.schema.chat_tables import chat_requests
from sidepro.adapters.sql.schema.expressions import no_contact
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import (
    REFUSAL_TTL,
    REQUEST_TTL,
    ChatRequest,
    RequestState,
)
from sidepro.domain.coffee_chats.pair import Pair
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import ChatRequestId, RoomId, UserId


def in_state(state: RequestState) -> ColumnElement[bool]:
    """The condition on the stored state, as text: partial indexes need a constant."""
    return chat_requests.c.state == literal_column(f"'{state}'")


UNDECIDED = or_(in_state(RequestState.PENDING), in_state(RequestState.DECLINED))
"""See `sidepro.domain.coffee_chats.chat_request.UNDECIDED`."""

UNEXPIRED = chat_requests.c.created_at > bindparam("oldest", type_=chat_requests.c.created_at.type)
"""The request can still be answered; `oldest` is `oldest_unexpired(now)`."""

REFUSES = chat_requests.c.declined_at > bindparam(
    "refused_since", type_=chat_requests.c.declined_at.type
)
"""The request refuses its asker; `refused_since` is `now - REFUSAL_TTL`."""

_CALLER = bindparam("caller", type_=users.c.id.type)
_OTHER = bindparam("other", type_=users.c.id.type)
# In the order of ids: overlapping pairs wait for each other instead of deadlocking.
_LOCK_PEOPLE = (
    select(users.c.id, users.c.chat_policy, users.c.created_at)
    .where(users.c.id.in_([_CALLER, _OTHER]))
    .order_by(users.c.id)
    .with_for_update(key_share=True)
)
_IS_BLOCKED = select(no_contact(_CALLER, _OTHER))
_REQUESTS_OF_PAIR = (
    select(chat_requests)
    .where(
        or_(
            and_(chat_requests.c.from_id == _CALLER, chat_requests.c.to_id == _OTHER),
            and_(chat_requests.c.from_id == _OTHER, chat_requests.c.to_id == _CALLER),
        ),
        or_(in_state(RequestState.PENDING), REFUSES),
    )
    .order_by(chat_requests.c.created_at, chat_requests.c.id)
)
_REQUEST = select(chat_requests).where(chat_requests.c.id == bindparam("id"))
_ACCEPTED = (
    select(chat_requests)
    .where(
        chat_requests.c.from_id == _CALLER,
        chat_requests.c.room_id == bindparam("room"),
        in_state(RequestState.ACCEPTED),
    )
    .order_by(chat_requests.c.created_at.desc(), chat_requests.c.id.desc())
    .limit(1)
)
_PENDING_COUNT = select(func.count()).where(
    chat_requests.c.from_id == _CALLER, UNDECIDED, UNEXPIRED
)
_RECIPIENTS = select(chat_requests.c.to_id).where(
    chat_requests.c.from_id == _CALLER, chat_requests.c.state == RequestState.PENDING.value
)
_SENT_SINCE = (
    select(chat_requests.c.created_at)
    .where(
        chat_requests.c.from_id == _CALLER,
        chat_requests.c.created_at > bindparam("since", type_=chat_requests.c.created_at.type),
        # Requests that were accepted as they were sent took nobody's attention.
        chat_requests.c.settled_at.is_distinct_from(chat_requests.c.created_at),
    )
    .order_by(chat_requests.c.created_at)
)
_EXPIRED = (
    select(chat_requests)
    .where(in_state(RequestState.PENDING), ~UNEXPIRED)
    .order_by(chat_requests.c.created_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_SAVE = (
    update(chat_requests)
    .where(chat_requests.c.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        room_id=bindparam("new_room"),
        settled_at=bindparam("settled"),
        declined_at=bindparam("declined"),
    )
)


class SqlChatRequests:
    """See `sidepro.domain.coffee_chats.ports.ChatRequestRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock_pair(self, caller: UserId, other: UserId, now: datetime) -> Pair:
        parameters = {"caller": caller, "other": other, "refused_since": now - REFUSAL_TTL}
        rows = await self._connection.execute(_LOCK_PEOPLE, parameters)
        people = {row.id: row for row in rows}
        if not people.keys() >= {caller, other}:
            raise NotFound
        requests = await self._connection.execute(_REQUESTS_OF_PAIR, parameters)
        return Pair(
            caller=caller,
            other=other,
            policy=ChatPolicy(people[other].chat_policy),
            caller_since=people[caller].created_at,
            is_blocked=bool(await self._connection.scalar(_IS_BLOCKED, parameters)),
            requests=tuple(load_request(row) for row in requests),
        )

    async def add(self, *requests: ChatRequest) -> None:
        rows = [row_of(chat_requests, request) for request in requests]
        await self._connection.execute(insert(chat_requests), rows)

    async def get(self, request_id: ChatRequestId) -> ChatRequest | None:
        row = (await self._connection.execute(_REQUEST, {"id": request_id})).first()
        return None if row is None else load_request(row)

    async def get_accepted(self, asker: UserId, room_id: RoomId) -> ChatRequest | None:
        parameters = {"caller": asker, "room": room_id}
        row = (await self._connection.execute(_ACCEPTED, parameters)).first()
        return None if row is None else load_request(row)

    async def save(self, *requests: ChatRequest) -> None:
        rows = [
            {
                "of": request.id,
                "new_state": request.state,
                "new_room": request.room_id,
                "settled": request.settled_at,
                "declined": request.declined_at,
            }
            for request in requests
        ]
        if rows:
            await self._connection.execute(_SAVE, rows)

    async def pending_count(self, asker: UserId, now: datetime) -> int:
        parameters = {"caller": asker, "oldest": oldest_unexpired(now)}
        return int(await self._connection.scalar(_PENDING_COUNT, parameters) or 0)

    async def recipients(self, asker: UserId) -> tuple[UserId, ...]:
        rows = await self._connection.execute(_RECIPIENTS, {"caller": asker})
        return tuple(rows.scalars())

    async def sent_since(self, asker: UserId, since: datetime) -> tuple[datetime, ...]:
        rows = await self._connection.execute(_SENT_SINCE, {"caller": asker, "since": since})
        return tuple(rows.scalars())

    async def expire(self, now: datetime, limit: int) -> Sequence[ChatRequest]:
        parameters = {"oldest": oldest_unexpired(now), "most": limit}
        rows = (await self._connection.execute(_EXPIRED, parameters)).all()
        expired = [load_request(row).expired(now) for row in rows]
        await self.save(*expired)
        return expired


def oldest_unexpired(now: datetime) -> datetime:
    """Requests that were sent later than this can still be answered."""
    return now - REQUEST_TTL


def load_request(row: Any) -> ChatRequest:
    """A stored request."""
    return ChatRequest(
        id=row.id,
        from_id=row.from_id,
        to_id=row.to_id,
        introduction=row.introduction,
        state=RequestState(row.state),
        room_id=row.room_id,
        created_at=row.created_at,
        settled_at=row.settled_at,
        declined_at=row.declined_at,
    )
