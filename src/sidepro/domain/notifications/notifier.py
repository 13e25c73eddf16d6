"""How other topics raise and remove notifications, inside their unit of work."""

from collections.abc import Iterable
from dataclasses import dataclass

from sidepro.domain.channels import ItemChanged, PubSub
from sidepro.domain.ids import NewId, NotificationId
from sidepro.domain.notifications.notification import NotificationEvent
from sidepro.domain.notifications.ports import ChangedEntry, NotificationUnitOfWork


@dataclass(frozen=True, slots=True)
class Notifier:
    """Adds entries, and tells their owners of changes."""

    events: PubSub
    new_id: NewId

    async def notify(
        self, work: NotificationUnitOfWork, event: NotificationEvent
    ) -> list[ChangedEntry]:
        """Add an event in this unit of work, unless somebody would notify themselves.

        Publish what is returned after the commit.
        """
        if event.recipient_id == event.actor_id:
            return []
        changed = await work.notifications.add(event, NotificationId(self.new_id()), self.new_id())
        return [] if changed is None else [changed]

    async def publish(self, changes: Iterable[ChangedEntry]) -> None:
        """Tell the owners of entries that they were added, changed or removed."""
        for entry in changes:
            await self.events.publish(ItemChanged.notification(entry.recipient_id, entry.id))
