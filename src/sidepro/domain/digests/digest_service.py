"""The job that puts digests into the outbox, and what completes them when they are sent."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sidepro.domain.clock import Clock
from sidepro.domain.digests.ports import DigestContent, DigestReader, DigestUnitOfWork
from sidepro.domain.ids import MailId, NewId, UserId
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.notifications.notification import DEFAULT_SETTINGS, MESSAGES
from sidepro.domain.notifications.ports import NotificationUnitOfWork
from sidepro.domain.unit_of_work import UnitOfWorkFactory

DELAY = timedelta(minutes=10)
"""How long something stays unread before it is mailed."""

INTERVAL = timedelta(hours=1)
"""The shortest time between two digests of a person."""

BATCH = 500

EVERYTHING = "notifications"
"""What a click in a digest about several kinds switches off: mails of all kinds."""

MAX_LINES = 20
"""How many notifications a digest lists."""


@dataclass(frozen=True, slots=True)
class DigestService:
    """Mails people what they have not read for ten minutes, at most once an hour."""

    unit_of_work: UnitOfWorkFactory[DigestUnitOfWork]
    reader: DigestReader
    clock: Clock
    new_id: NewId

    async def run(self) -> int:
        """Put a digest into the outbox for everybody who is due. Returns how many.

        Safe to run twice, concurrently, and to stop at any time.
        """
        begun = 0
        while True:
            now = self.clock()
            due = await self.reader.due(now - DELAY, now - INTERVAL, BATCH)
            for user_id in due:
                begun += await self._begin(user_id, now)
            if len(due) < BATCH:
                return begun

    async def _begin(self, user_id: UserId, now: datetime) -> bool:
        async with self.unit_of_work() as work:
            user = await work.users.get(user_id)
            if user is None or not await work.digests.begin(user_id, now, now - INTERVAL):
                return False
            mail = Mail.to(
                user, MailKind.DIGEST, MailId(self.new_id()), now, unsubscribe=EVERYTHING
            )
            await work.mails.add(mail)
            await work.commit()
        return True

    async def prepare(self, work: DigestUnitOfWork, mail: Mail) -> Mail | None:
        """Complete a digest before its first attempt. `None` if all was read meanwhile. See
        `sidepro.domain.mail.mail_sender.MailPreparer`.
        """
        user = mail.user_id and await work.users.get(mail.user_id)
        if not user or not user.is_active:
            return None
        content = await work.digests.collect(user.id, self.clock())
        kinds = [entry.kind.value for entry in content.notifications]
        kinds += [MESSAGES] if content.chats else []
        if not kinds:
            return None
        only = kinds[0] if len(set(kinds)) == 1 else EVERYTHING
        members = {"username": user.username, **_members(content)}
        return replace(mail.addressed(user), content=members, unsubscribe=only)


def _members(content: DigestContent) -> dict[str, object]:
    return {
        "notifications": [
            {
                "kind": entry.kind.value,
                "name": entry.actor and entry.actor.username,
                "count": entry.count,
                "title": entry.project and entry.project.title,
            }
            for entry in content.notifications[:MAX_LINES]
        ],
        "more": max(0, len(content.notifications) - MAX_LINES),
        "chats": [
            {"name": chat.username, "count": chat.messages} for chat in content.chats[:MAX_LINES]
        ],
    }


UNSUBSCRIBE_KINDS = (EVERYTHING, *DEFAULT_SETTINGS)
"""What a click in a digest can switch off."""


async def stop_mails(work: NotificationUnitOfWork, user_id: UserId, kind: str) -> None:
    """Switch off what a click in a digest is for: the kind stays on the pages. See
    `sidepro.domain.mail.unsubscribe_service.SwitchOff`.
    """
    kinds = DEFAULT_SETTINGS if kind == EVERYTHING else [kind]
    await work.notifications.stop_mails(user_id, list(kinds))
