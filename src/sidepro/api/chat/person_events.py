"""Turns the events of people's channels into frames.

An event says only what changed. The state is read again, once for all the events that came since
the last read, so events may arrive twice, late or not at all, and a busy room costs its
participants no more than a few reads a second.
"""

import asyncio
from collections.abc import Set
from dataclasses import dataclass, field
from itertools import islice

import structlog

from sidepro.api.chat.frames import (
    BadgeFrame,
    NotificationFrame,
    RequestFrame,
    RoomFrame,
    encode,
)
from sidepro.api.chat.outbox import Frame, Outbox
from sidepro.api.chat.room_events import REFRESH_BATCH, RETRY_DELAY
from sidepro.api.routes.consent.chat_requests import chat_request_schema
from sidepro.api.routes.notifications import notification_schema
from sidepro.api.routes.rooms import room_schema
from sidepro.domain.channels import Channel, Event, ItemChanged, ItemKind, ResyncRequired
from sidepro.domain.coffee_chats.views import ChatRequestView
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from sidepro.domain.notifications.views import NotificationView
from sidepro.domain.person_stream.person_stream_service import PersonStreamService
from sidepro.domain.person_stream.views import Badges, ItemKey, ItemView, PersonUpdate
from sidepro.domain.rooms.views import RoomView
from sidepro.domain.waiting import begin_waits

log = structlog.get_logger(__name__)

REFRESH_INTERVAL = 0.1
"""Seconds between two reads while events keep coming."""


@dataclass(slots=True)
class _Changes:
    outboxes: Set[Outbox]
    items: set[ItemKey] = field(default_factory=set)
    needs_latest: bool = False
    """Whether events may have been lost, so the changed items are not known."""


class PersonEventHandler:
    """See `sidepro.api.chat.hub.EventHandler`."""

    def __init__(self, stream: PersonStreamService) -> None:
        self._stream = stream
        self._changed: dict[Channel, _Changes] = {}
        self._refreshing: asyncio.Task[None] | None = None

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        if not isinstance(event, ItemChanged | ResyncRequired):
            return  # an event without a frame
        changes = self._changed.setdefault(event.channel, _Changes(outboxes))
        # The set is another one if the channel was closed and opened again meanwhile.
        changes.outboxes = outboxes
        if isinstance(event, ResyncRequired):
            changes.needs_latest = True
        elif event.item_id is not None:
            changes.items.add((event.kind, event.item_id))
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_loop())

    async def _refresh_loop(self) -> None:
        while self._changed:
            begin_waits()
            batch = dict(islice(self._changed.items(), REFRESH_BATCH))
            for channel in batch:
                del self._changed[channel]
            delay = REFRESH_INTERVAL
            try:
                await self._refresh(
                    {c: changes for c, changes in batch.items() if changes.outboxes}
                )
            except Exception as error:  # a defect must not end the loop: state would stay stale
                if not isinstance(error, Unavailable):
                    log.exception("person_refresh_failed")
                self._merge(batch)
                delay = RETRY_DELAY
            await asyncio.sleep(delay)

    async def _refresh(self, batch: dict[Channel, _Changes]) -> None:
        people = {UserId(channel.id): changes for channel, changes in batch.items()}
        for user_id, changes in people.items():
            if changes.needs_latest:
                changes.items |= set(await self._stream.latest(user_id))
                changes.needs_latest = False
        # A socket that joins during the read reads newer badges itself.
        present = {user_id: tuple(changes.outboxes) for user_id, changes in people.items()}
        updates = await self._stream.updates(
            {user_id: changes.items for user_id, changes in people.items()}
        )
        for update in updates:
            frames = _frames(update)
            for outbox in present[update.user_id]:
                for frame in frames:
                    outbox.put(frame)

    def _merge(self, batch: dict[Channel, _Changes]) -> None:
        """Put changes back that could not be read."""
        for channel, failed in batch.items():
            changes = self._changed.setdefault(channel, _Changes(failed.outboxes))
            changes.items |= failed.items
            changes.needs_latest |= failed.needs_latest


def _frames(update: PersonUpdate) -> list[Frame]:
    frames = (_item_frame(key, item) for key, item in update.items.items())
    return [*(frame for frame in frames if frame), badge_frame(update.badges)]


def badge_frame(badges: Badges) -> Frame:
    """The frame of a person's badges."""
    frame = BadgeFrame(
        badges.unread_rooms,
        badges.unread_messages,
        badges.unread_notifications,
        badges.pending_requests,
    )
    return Frame(encode(frame), is_status=True, key="badge")


def _item_frame(key: ItemKey, view: ItemView | None) -> Frame | None:
    """The frame of an item; `None` for a removed notification or request, of
    which the badges tell.
    """
    kind, item_id = key
    match view:
        case NotificationView():
            return Frame(encode(NotificationFrame(notification_schema(view))), key=key)
        case ChatRequestView():
            return Frame(encode(RequestFrame(chat_request_schema(view))), key=key)
        case RoomView():
            return Frame(encode(RoomFrame(room_schema(view), item_id)), key=key)
        case None if kind is ItemKind.ROOM:
            return Frame(encode(RoomFrame(None, item_id)), key=key)
        case None:
            return None
