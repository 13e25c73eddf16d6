"""Notifications in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import CommentId, NotificationId, ProjectId, UserId
from sidepro.domain.notifications.notification import (
    Delivery,
    NotificationEvent,
    NotificationKind,
    without_mail,
)
from sidepro.domain.notifications.ports import ChangedEntry
from tests.fakes.state import Repository, State


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its events, in the order of their arrival."""

    id: NotificationId
    events: tuple[NotificationEvent, ...]
    read_at: datetime | None = None

    @property
    def first(self) -> NotificationEvent:
        return self.events[0]

    @property
    def last(self) -> NotificationEvent:
        return max(self.events, key=lambda event: event.at)

    @property
    def subject(self) -> tuple[UserId, NotificationKind, UUID]:
        return self.first.recipient_id, self.first.kind, self.first.subject_id

    @property
    def position(self) -> tuple[datetime, UUID]:
        return self.last.at, self.id

    def exists_in(self, state: State) -> bool:
        """Whether neither recipient nor project nor room were deleted."""
        return (
            self.first.recipient_id in state.users
            and (self.first.project_id is None or self.first.project_id in state.projects)
            and (self.first.room_id is None or self.first.room_id in state.rooms)
        )


class MemoryNotifications(Repository):
    """See `sidepro.domain.notifications.ports.NotificationRepository`."""

    async def lock_author(self, project_id: ProjectId) -> UserId | None:
        project = self._state.projects.get(project_id)
        return None if project is None else project.author_id

    async def add(
        self, event: NotificationEvent, new_entry: NotificationId, event_id: UUID
    ) -> ChangedEntry | None:
        settings = self._state.notification_settings
        if settings.get((event.recipient_id, event.kind.value)) is Delivery.OFF:
            return None
        if self._state.is_blocked(event.recipient_id, event.actor_id):
            return None
        self._must_be_there(event.recipient_id)
        added = Entry(new_entry, (event,))
        for entry in self._entries():
            if entry.subject == added.subject and not bool(entry.read_at):
                added = replace(entry, events=(*entry.events, event))
        self._state.notifications[added.id] = added
        return ChangedEntry(event.recipient_id, added.id)

    async def remove_comment(self, comment_id: CommentId) -> Sequence[ChangedEntry]:
        return self._remove(lambda event: event.comment_id == comment_id)

    async def remove_bookmark(
        self, project_id: ProjectId, user_id: UserId
    ) -> Sequence[ChangedEntry]:
        kind = NotificationKind.BOOKMARKS
        return self._remove(
            lambda event: (
                (event.kind, event.project_id, event.actor_id) == (kind, project_id, user_id)
            )
        )

    async def remove_project(self, project_id: ProjectId) -> Sequence[ChangedEntry]:
        return self._remove(lambda event: event.project_id == project_id)

    async def remove_subject(
        self, kind: NotificationKind, subject_id: UUID
    ) -> Sequence[ChangedEntry]:
        return self._remove(lambda event: (event.kind, event.subject_id) == (kind, subject_id))

    async def remove_between(self, one: UserId, other: UserId) -> Sequence[ChangedEntry]:
        return self._remove(lambda event: {event.actor_id, event.recipient_id} == {one, other})

    async def remove_of(self, user_id: UserId) -> Sequence[ChangedEntry]:
        return self._remove(lambda event: user_id in (event.actor_id, event.recipient_id))

    async def mark_read(self, user_id: UserId, up_to: NotificationId, now: datetime) -> bool:
        last = self._state.notifications.get(up_to)
        if last is None or last.first.recipient_id != user_id:
            raise NotFound
        unread = [
            entry
            for entry in self._entries()
            if entry.first.recipient_id == user_id
            and not bool(entry.read_at)
            and entry.position <= last.position
        ]
        for entry in unread:
            self._state.notifications[entry.id] = replace(entry, read_at=now)
        return bool(unread)

    async def mark_subject_read(
        self, user_id: UserId, kind: NotificationKind, subject_id: UUID, now: datetime
    ) -> Sequence[ChangedEntry]:
        subject = user_id, kind, subject_id
        unread = [e for e in self._entries() if e.subject == subject and not bool(e.read_at)]
        for entry in unread:
            self._state.notifications[entry.id] = replace(entry, read_at=now)
        return [ChangedEntry(user_id, entry.id) for entry in unread]

    async def mark_expired_requests_read(
        self, now: datetime, limit: int
    ) -> Sequence[ChangedEntry]:
        marked: list[ChangedEntry] = []
        for request in self._state.chat_requests.values():
            if request.state is RequestState.EXPIRED and len(marked) < limit:
                marked += await self.mark_subject_read(
                    request.to_id, NotificationKind.REQUEST, request.id, now
                )
        return marked

    async def save_settings(self, user_id: UserId, settings: Mapping[str, Delivery]) -> None:
        self._must_be_there(user_id)
        for kind, delivery in settings.items():
            self._state.notification_settings[user_id, kind] = delivery

    async def stop_mails(self, user_id: UserId, kinds: Collection[str]) -> None:
        self._must_be_there(user_id)
        settings = self._state.notification_settings
        for kind in kinds:
            if settings.get((user_id, kind), Delivery.MAIL) is Delivery.MAIL:
                settings[user_id, kind] = without_mail(kind)

    def _entries(self) -> list[Entry]:
        return [one for one in self._state.notifications.values() if one.exists_in(self._state)]

    def _remove(self, is_removed: Callable[[NotificationEvent], bool]) -> list[ChangedEntry]:
        changed = []
        for entry in self._entries():
            left = tuple(event for event in entry.events if not is_removed(event))
            if left == entry.events:
                continue
            changed.append(ChangedEntry(entry.first.recipient_id, entry.id))
            if left:
                self._state.notifications[entry.id] = replace(entry, events=left)
            else:
                del self._state.notifications[entry.id]
        return sorted(changed, key=lambda one: one.id)
