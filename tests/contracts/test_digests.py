"""Digests: whom they are for, when, and what they tell, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.adapters.sql.digests import SqlDigestReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.domain.accounts.user import User
from sidepro.domain.digests.digest_service import (
    DELAY,
    EVERYTHING,
    INTERVAL,
    MAX_LINES,
    DigestService,
)
from sidepro.domain.ids import NotificationId
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.notifications.notification import (
    Delivery,
    NotificationEvent,
    NotificationKind,
)
from sidepro.domain.pagination import PageRequest
from sidepro.domain.rooms.room import Room
from tests import factories
from tests.contracts.adapters import Adapters
from tests.factories import SetClock, new_id

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
    ),
]


class Scene:
    """A person, somebody else, and the digests of a database."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.me, self.other = factories.user(), factories.user()
        self.clock = SetClock()
        assert adapters.database
        self.service = DigestService(
            adapters.unit_of_work,  # type: ignore[arg-type]  # that of SQL has all repositories
            SqlDigestReader(adapters.database),
            self.clock,
            new_id,
        )
        self.sent: list[Mail] = []

    async def set_up(self) -> None:
        await self.adapters.add(self.me, self.other)

    async def save(self, user: User) -> None:
        async with self.adapters.unit_of_work() as work:
            await work.users.save(user)
            await work.commit()

    async def notify(self, kind: NotificationKind = NotificationKind.REQUEST) -> None:
        event = NotificationEvent(self.me.id, kind, new_id(), self.clock(), self.other.id)
        async with self.adapters.unit_of_work() as work:
            await work.notifications.add(event, NotificationId(new_id()), new_id())
            await work.commit()

    async def read_all(self) -> None:
        async with self.adapters.unit_of_work() as work:
            page = await self.adapters.notifications.notifications(self.me.id, PageRequest())
            await work.notifications.mark_read(self.me.id, page.items[0].id, self.clock())
            await work.commit()

    async def set(self, kind: str, delivery: Delivery) -> None:
        async with self.adapters.unit_of_work() as work:
            await work.notifications.save_settings(self.me.id, {kind: delivery})
            await work.commit()

    async def room(self, *messages: User) -> Room:
        """A room of the two, with a message of each of these people."""
        room = factories.room(self.me.id, self.other.id)
        await self.adapters.add(room)
        return await self.write_messages(room, *messages)

    async def write_messages(self, room: Room, *people: User) -> Room:
        async with self.adapters.unit_of_work() as work:
            for person in people:
                room, message = room.with_message(person.id, "커피?", None, self.clock())
                await work.rooms.add_messages(message)
            await work.rooms.save(room)
            await work.commit()
        return room

    async def mailed(self, minutes: float = 0) -> list[Mail]:
        """The digests that are sent after so many minutes."""
        self.clock.forward(minutes * 60)
        await self.service.run()
        sent: list[Mail] = []
        while True:
            async with self.adapters.unit_of_work() as work:
                assert isinstance(work, SqlUnitOfWork)
                mail = await work.mails.take_due(self.clock())
                if mail is None:
                    return sent
                prepared = await self.service.prepare(work, mail)
                if prepared and prepared.user_id == self.me.id:
                    sent.append(prepared)
                await work.mails.delete(mail.id)
                await work.commit()


@pytest.fixture
async def scene(adapters: Adapters) -> Scene:
    made = Scene(adapters)
    await made.set_up()
    return made


async def test_an_unread_notification_is_mailed_after_ten_minutes_and_once(scene: Scene) -> None:
    await scene.notify()
    assert await scene.mailed(9.9) == []
    (mail,) = await scene.mailed(0.2)
    assert (mail.kind, mail.user_id, mail.unsubscribe) == (
        MailKind.DIGEST,
        scene.me.id,
        "request",
    )
    (told,) = mail.content["notifications"]
    assert told == {"kind": "request", "name": scene.other.username, "count": 1, "title": None}
    assert await scene.mailed(120) == []


async def test_no_digest_follows_one_that_waits_or_was_just_sent(scene: Scene) -> None:
    async def begun(minutes: float) -> int:
        await scene.notify()
        scene.clock.forward(minutes * 60)
        return await scene.service.run()

    assert await begun(11) == 1
    assert await begun(90) == 0  # the mail server is away
    async with scene.adapters.unit_of_work() as work:
        assert isinstance(work, SqlUnitOfWork)
        mail = await work.mails.take_due(scene.clock())
        assert mail
        await work.mails.save(mail.sent(scene.clock()))
        await work.commit()
    assert await begun(59) == 0
    assert await begun(1) == 1


async def test_what_was_read_meanwhile_is_not_mailed(scene: Scene) -> None:
    await scene.notify()
    await scene.read_all()
    assert await scene.mailed(11) == []


async def test_what_is_read_before_the_mail_is_sent_is_not_mailed(scene: Scene) -> None:
    await scene.notify()
    scene.clock.forward(11 * 60)
    assert await scene.service.run() == 1
    await scene.read_all()
    assert await scene.mailed() == []


async def test_a_person_gets_at_most_one_mail_an_hour(scene: Scene) -> None:
    await scene.notify()
    assert len(await scene.mailed(11)) == 1
    await scene.notify()
    assert await scene.mailed(30) == []
    assert await scene.mailed(29) == []
    (mail,) = await scene.mailed(2)
    assert len(mail.content["notifications"]) == 1


async def test_nobody_is_found_who_was_mailed_within_the_hour(scene: Scene) -> None:
    """A batch full of people who must wait would be read for ever."""
    await scene.notify()
    assert len(await scene.mailed(11)) == 1
    await scene.notify()
    found = []
    for minutes in (59, 2):
        scene.clock.forward(minutes * 60)
        now = scene.clock()
        found.append(await scene.service.reader.due(now - DELAY, now - INTERVAL, 100))
    assert found == [[], [scene.me.id]]


async def test_no_digest_goes_to_an_address_that_is_not_verified(scene: Scene) -> None:
    await scene.save(replace(scene.me, email_verified=False))
    await scene.notify()
    assert await scene.mailed(11) == []
    await scene.save(scene.me)
    assert len(await scene.mailed()) == 1


async def test_a_digest_lists_twenty_notifications_and_counts_the_rest(scene: Scene) -> None:
    for _ in range(MAX_LINES + 3):
        await scene.notify()
    (mail,) = await scene.mailed(11)
    assert len(mail.content["notifications"]) == MAX_LINES
    assert mail.content["more"] == 3


async def test_only_what_is_wanted_by_mail_is_mailed(scene: Scene) -> None:
    for kind in (NotificationKind.COMMENT, NotificationKind.BOOKMARKS):
        await scene.notify(kind)
    assert await scene.mailed(11) == []
    await scene.set("comment", Delivery.MAIL)
    await scene.notify(NotificationKind.ACCEPTED)
    (mail,) = await scene.mailed(11)
    kinds = sorted(entry["kind"] for entry in mail.content["notifications"])
    assert (kinds, mail.unsubscribe) == (["accepted", "comment"], EVERYTHING)


async def test_unread_chat_is_mailed_once_until_it_was_read(scene: Scene) -> None:
    room = await scene.room(scene.other, scene.other, scene.me)
    assert await scene.mailed(9) == []
    (mail,) = await scene.mailed(2)
    assert mail.content["chats"] == [{"name": scene.other.username, "count": 2}]
    assert mail.unsubscribe == "messages"
    room = await scene.write_messages(room, scene.other)
    assert await scene.mailed(90) == []
    async with scene.adapters.unit_of_work() as work:
        room = room.read_by(scene.me.id, 99)
        await work.rooms.save(room)
        await work.commit()
    await scene.write_messages(room, scene.other)
    (mail,) = await scene.mailed(11)
    assert mail.content["chats"] == [{"name": scene.other.username, "count": 1}]


async def test_unread_chat_is_not_mailed_if_it_is_switched_off(scene: Scene) -> None:
    await scene.set("messages", Delivery.OFF)
    await scene.room(scene.other)
    assert await scene.mailed(11) == []


async def test_own_messages_and_left_rooms_are_not_mailed(scene: Scene) -> None:
    await scene.set("messages", Delivery.MAIL)
    room = await scene.room(scene.other)
    async with scene.adapters.unit_of_work() as work:
        await work.rooms.save(replace(room, left_by=scene.me.id))
        await work.commit()
    assert await scene.mailed(11) == []


async def test_a_blocked_room_is_not_mailed_until_it_is_unblocked(scene: Scene) -> None:
    room = await scene.room(scene.other)
    for is_blocked in (True, False):
        async with scene.adapters.unit_of_work() as work:
            await work.rooms.save(room.with_block(is_blocked))
            await work.commit()
        assert len(await scene.mailed(minutes=15)) == int(not is_blocked)


async def test_concurrent_runs_begin_one_digest(scene: Scene) -> None:
    await scene.notify()
    scene.clock.forward(11 * 60)
    assert sum(await factories.at_once([scene.service.run] * 3)) == 1


async def test_old_entries_are_not_mailed(scene: Scene) -> None:
    await scene.notify()
    assert await scene.mailed(timedelta(days=2).total_seconds() / 60) == []
