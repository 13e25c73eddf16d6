"""Chat requests as their two people see them, in SQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select, true

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.repositories.chat_requests import (
    UNDECIDED,
    UNEXPIRED,
    in_state,
    load_request,
    oldest_unexpired,
)
from sidepro.adapters.sql.schema.chat_tables import chat_requests
from sidepro.adapters.sql.schema.expressions import image_of
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.coffee_chats.views import Box, ChatRequestView, RequestQuery
from sidepro.domain.ids import ChatRequestId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Page, PageRequest

_USER = bindparam("user", type_=users.c.id.type)
_ASKER, _RECIPIENT = users.alias("asker"), users.alias("recipient")
_VIEWS = select(
    chat_requests,
    _ASKER.c.username.label("asker_name"),
    image_of(_ASKER.c.id).label("asker_image"),
    _RECIPIENT.c.username.label("recipient_name"),
    image_of(_RECIPIENT.c.id).label("recipient_image"),
).select_from(
    chat_requests.join(_ASKER, _ASKER.c.id == chat_requests.c.from_id).join(
        _RECIPIENT, _RECIPIENT.c.id == chat_requests.c.to_id
    )
)
_VIEW = _VIEWS.where(
    chat_requests.c.id == bindparam("id"),
    or_(chat_requests.c.from_id == _USER, chat_requests.c.to_id == _USER),
)

_VIEWS_BY_ID = _VIEWS.where(chat_requests.c.id.in_(bindparam("ids", expanding=True)))


def _is_in(query: RequestQuery) -> ColumnElement[bool]:
    """The condition that the person has the request in this list: `ChatRequest.state_for`."""
    is_sent = query.box is Box.SENT
    owner = chat_requests.c.from_id if is_sent else chat_requests.c.to_id
    open_ended = UNDECIDED if is_sent else in_state(RequestState.PENDING)
    match query.state:
        case None:
            condition: ColumnElement[bool] = true()
        case RequestState.PENDING:
            condition = and_(open_ended, UNEXPIRED)
        case RequestState.EXPIRED:
            condition = or_(in_state(RequestState.EXPIRED), and_(open_ended, ~UNEXPIRED))
        case RequestState.DECLINED if is_sent:
            condition = false()
        case _:
            condition = in_state(query.state)
    return and_(owner == _USER, condition)


_QUERIES = [RequestQuery(box, state) for box in Box for state in (None, *RequestState)]
_PAGES = {
    query: KeysetQuery(
        _VIEWS.where(_is_in(query)),
        (chat_requests.c.created_at, chat_requests.c.id),
        descending=True,
        minimal=select(chat_requests.c.id).where(_is_in(query)),
    )
    for query in _QUERIES
}
_COUNTS = {
    query: select(func.count()).select_from(chat_requests).where(_is_in(query))
    for query in _QUERIES
}


class SqlChatRequestReader:
    """See `sidepro.domain.coffee_chats.ports.ChatRequestReader`."""

    def __init__(self, source: Source, images: ImageUrls) -> None:
        self._source = source
        self._images = images

    async def requests(
        self, user_id: UserId, query: RequestQuery, page: PageRequest, now: datetime
    ) -> Page[ChatRequestView]:
        rows = await _PAGES[query].page(self._source, page, _parameters(user_id, now))
        views = tuple(self._view(row, user_id, now) for row in rows.items)
        return Page(views, rows.next, rows.previous)

    async def request_count(self, user_id: UserId, query: RequestQuery, now: datetime) -> int:
        (row,) = await self._source.fetch(_COUNTS[query], _parameters(user_id, now))
        return int(row[0])

    async def request(
        self, request_id: ChatRequestId, viewer: UserId, now: datetime
    ) -> ChatRequestView | None:
        row = await self._source.fetch_one(_VIEW, {"id": request_id, "user": viewer})
        return None if row is None else self._view(row, viewer, now)

    async def request_views(
        self, keys: Collection[tuple[UserId, ChatRequestId]], now: datetime
    ) -> Mapping[tuple[UserId, ChatRequestId], ChatRequestView]:
        ids = {request_id for _, request_id in keys}
        rows = await self._source.fetch(_VIEWS_BY_ID, {"ids": list(ids)})
        found = {row.id: row for row in rows}
        return {
            (viewer, request_id): self._view(row, viewer, now)
            for viewer, request_id in keys
            if (row := found.get(request_id)) and viewer in (row.from_id, row.to_id)
        }

    def _view(self, row: Row, viewer: UserId, now: datetime) -> ChatRequestView:
        request = load_request(row)
        return ChatRequestView(
            id=request.id,
            asker=UserSummary(request.from_id, row.asker_name, self._images.url(row.asker_image)),
            recipient=UserSummary(
                request.to_id, row.recipient_name, self._images.url(row.recipient_image)
            ),
            introduction=request.introduction,
            state=request.state_for(viewer, now),
            room_id=request.room_id,
            created_at=request.created_at,
            settled_at=request.settled_at_for(viewer, now),
        )


def _parameters(user_id: UserId, now: datetime) -> dict[str, Any]:
    return {"user": user_id, "oldest": oldest_unexpired(now)}
