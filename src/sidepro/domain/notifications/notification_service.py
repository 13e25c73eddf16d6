"""A person's notifications: the list, marks, and settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.domain.channels import ItemChanged, PubSub
from sidepro.domain.clock import Clock
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.identity import Caller
from sidepro.domain.ids import NotificationId
from sidepro.domain.notifications.notification import DEFAULT_SETTINGS, MESSAGES, Delivery
from sidepro.domain.notifications.ports import NotificationReader, NotificationUnitOfWork
from sidepro.domain.notifications.views import NotificationView
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import FieldCode, Violation

_OFF_OR_MAIL = Violation(
    FieldCode.NOT_A_CHOICE, "must be off or mail", {"choices": ["off", "mail"]}
)


@dataclass(frozen=True, slots=True)
class NotificationService:
    """Use cases of notifications. Events are published after the commit."""

    unit_of_work: UnitOfWorkFactory[NotificationUnitOfWork]
    reader: NotificationReader
    events: PubSub
    clock: Clock

    async def notifications(self, caller: Caller, page: PageRequest) -> Page[NotificationView]:
        """A page of the caller's notifications, the latest event first."""
        return await self.reader.notifications(caller.id, page)

    async def count(self, caller: Caller) -> int:
        """The number of the caller's notifications."""
        return await self.reader.notification_count(caller.id)

    async def unread_count(self, caller: Caller) -> int:
        """The number of the caller's unread notifications."""
        return await self.reader.unread_count(caller.id)

    async def mark_read(self, caller: Caller, up_to: NotificationId) -> None:
        """Mark a notification as read, and all whose last event is earlier. Safe to repeat.

        Raises:
            NotFound: the caller has no such notification.
        """
        async with self.unit_of_work() as work:
            changed = await work.notifications.mark_read(caller.id, up_to, self.clock())
            await work.commit()
        if changed:
            await self.events.publish(ItemChanged.badges(caller.id))

    async def settings(self, caller: Caller) -> Mapping[str, Delivery]:
        """How each kind, and unread messages, reach the caller."""
        return {**DEFAULT_SETTINGS, **await self.reader.settings(caller.id)}

    async def change_settings(
        self, caller: Caller, settings: Mapping[str, Delivery]
    ) -> Mapping[str, Delivery]:
        """Change some settings. Returns all of them. Entries that exist stay.

        Raises:
            InvalidInput: messages have no entries: they are mailed or not.
        """
        if settings.get(MESSAGES) is Delivery.WEB:
            raise InvalidInput(FieldError(_OFF_OR_MAIL, pointer=f"/{MESSAGES}"))
        if settings:
            async with self.unit_of_work() as work:
                await work.notifications.save_settings(caller.id, settings)
                await work.commit()
        return await self.settings(caller)
