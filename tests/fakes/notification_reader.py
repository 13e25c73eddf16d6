"""The reader of notifications in memory."""

from collections.abc import Collection, Mapping

from sidepro.domain.ids import UserId
from sidepro.domain.notifications.notification import Delivery
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.notifications.views import NotificationView, NotifiedProject
from sidepro.domain.pagination import Page, PageRequest
from tests.fakes.board_reader import MemoryBoardReader, read_page
from tests.fakes.notifications import Entry


class MemoryNotificationReader(MemoryBoardReader):
    """See `sidepro.domain.notifications.ports.NotificationReader`."""

    async def notifications(self, user_id: UserId, page: PageRequest) -> Page[NotificationView]:
        views = [self._notification(entry) for entry in self._entries_of(user_id)]
        return read_page(views, page, lambda view: (view.created_at, view.id), descending=True)

    async def notification_count(self, user_id: UserId) -> int:
        return len(self._entries_of(user_id))

    async def unread_count(self, user_id: UserId) -> int:
        return sum(not bool(entry.read_at) for entry in self._entries_of(user_id))

    async def entries(
        self, keys: Collection[ChangedEntry]
    ) -> Mapping[ChangedEntry, NotificationView]:
        return {
            key: self._notification(entry)
            for key in keys
            for entry in self._entries_of(key.recipient_id)
            if entry.id == key.id
        }

    async def settings(self, user_id: UserId) -> Mapping[str, Delivery]:
        settings = self._store.state.notification_settings
        return {kind: value for (owner, kind), value in settings.items() if owner == user_id}

    def _entries_of(self, user_id: UserId) -> list[Entry]:
        state = self._store.state
        return [
            entry
            for entry in state.notifications.values()
            if entry.exists_in(state) and entry.first.recipient_id == user_id
        ]

    def _notification(self, entry: Entry) -> NotificationView:
        event = entry.last
        project = None
        if event.project_id is not None:
            title = self._store.state.projects[event.project_id].title
            project = NotifiedProject(event.project_id, title)
        return NotificationView(
            id=entry.id,
            kind=event.kind,
            subject_id=event.subject_id,
            actor=None if event.actor_id is None else self._summary(event.actor_id),
            count=len(entry.events),
            project=project,
            room_id=event.room_id,
            request_id=event.request_id,
            created_at=event.at,
            read=bool(entry.read_at),
        )
