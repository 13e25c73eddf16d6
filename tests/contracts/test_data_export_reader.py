"""`DataExportReader`: exports everything about a person, and nothing of other people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.sql import visitors

from sidepro.adapters.sql.readers import data_export_reader
from sidepro.adapters.sql.schema import chat_tables, mail_tables, moderation_tables, tables
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.schema.notification_tables import (
    digests,
    mailed_rooms,
    notification_events,
    notifications,
)
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.data_export import views
from sidepro.domain.images.urls import LOCAL_BASE, ImageUrl
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import MailState
from tests import factories
from tests.contracts.builders import after, nobody
from tests.factories import ADDRESS, NOW

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

    from sidepro.domain.data_export.ports import RecordT
    from sidepro.domain.ids import UserId
    from tests.contracts.adapters import Adapters


DAY = 24 * 3600 * 1_000_000
"""Microseconds."""


async def export_section(
    adapters: Adapters, kind: type[RecordT], user_id: UserId
) -> list[RecordT]:
    batches = [batch async for batch in adapters.data_export.section(kind, user_id)]
    assert all(batches), "an empty batch"
    return [record for batch in batches for record in batch]


@pytest.mark.anyio
async def test_an_account_is_exported_with_its_profile(adapters: Adapters) -> None:
    user, other = (
        factories.user(
            is_active=False,
            is_moderator=True,
            suspended_until=after(9),
            email_verified=False,
            pending_email="new@example.com",
            language=Language.ENGLISH,
            time_zone="Europe/Berlin",
            username_changed_at=after(3),
            chat_policy=ChatPolicy.OPEN,
        ),
        factories.user(),
    )
    profile = factories.profile(user.id, updated_at=after(5))
    await adapters.add(user, other, profile)
    account = views.ExportedAccount(
        id=user.id,
        email=user.email,
        username=user.username,
        is_admin=user.is_admin,
        is_active=False,
        is_moderator=True,
        suspended_until=after(9),
        email_verified=False,
        pending_email="new@example.com",
        language=Language.ENGLISH,
        time_zone="Europe/Berlin",
        username_changed_at=after(3),
        chat_policy=ChatPolicy.OPEN,
        created_at=user.created_at,
        profile=views.ExportedProfile(
            bio=profile.bio,
            image_url=None,
            github_url=profile.github_url,
            skills=profile.skills,
            region=profile.region,
            meet_time=profile.meet_time,
            updated_at=after(5),
        ),
    )
    assert await adapters.data_export.account(user.id) == account
    bare = await adapters.data_export.account(other.id)
    assert bare is not None
    assert bare.profile is None
    assert await adapters.data_export.account(nobody()) is None


@pytest.mark.anyio
async def test_sessions_and_addresses_are_exported(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    sessions = [factories.session(user.id, last_used_at=after(-index)) for index in range(3)]
    await adapters.add(user, other, *reversed(sessions), factories.session(other.id))
    async with adapters.unit_of_work() as work:
        for person, address in ((user, ADDRESS), (user, "2001:db8::7"), (other, "192.0.2.9")):
            await work.users.remember_address(person.id, address, after(1))
        await work.commit()
    assert await export_section(adapters, views.ExportedSession, user.id) == [
        views.ExportedSession(
            one.id, one.user_agent, one.created_at, one.last_used_at, one.expires_at, one.ends_at
        )
        for one in sessions
    ]
    assert await export_section(adapters, views.ExportedAddress, user.id) == [
        views.ExportedAddress("2001:db8::7", after(1)),
        views.ExportedAddress(ADDRESS, after(1)),
    ]


@pytest.mark.anyio
async def test_mails_are_exported(adapters: Adapters) -> None:
    user, other = factories.user(language=Language.ENGLISH), factories.user()
    sent = replace(factories.mail(user), state=MailState.SENT, sent_at=after(7))
    waiting = factories.mail(user, address="new@example.com")
    await adapters.add(user, other, sent, waiting, factories.mail(other))
    assert await export_section(adapters, views.ExportedMail, user.id) == [
        views.ExportedMail(
            sent.id, sent.kind, user.email, Language.ENGLISH, MailState.SENT, NOW, after(7)
        ),
        views.ExportedMail(
            waiting.id,
            waiting.kind,
            "new@example.com",
            Language.ENGLISH,
            MailState.WAITING,
            NOW,
            None,
        ),
    ]


@pytest.mark.anyio
async def test_only_stored_images_are_exported(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other)
    stored, unfinished, others = [factories.image(person.id) for person in (user, user, other)]
    async with adapters.unit_of_work() as work:
        for image in (stored, unfinished, others):
            await work.images.add(image)
        for image in (stored, others):
            await work.images.mark_stored(image.id)
        await work.commit()
    assert await export_section(adapters, views.ExportedImage, user.id) == [
        views.ExportedImage(
            id=stored.id,
            url=ImageUrl(LOCAL_BASE + stored.key),
            width=stored.width,
            height=stored.height,
            size=stored.size,
            created_at=stored.created_at,
            unused_since=stored.created_at,
        )
    ]


@pytest.mark.anyio
async def test_projects_comments_and_bookmarks_are_exported(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    mine, theirs = factories.project(user.id), factories.project(other.id)
    comment = factories.comment(theirs.id, user.id)
    await adapters.add(user, other, mine, theirs, comment, factories.comment(mine.id, other.id))
    await adapters.adjust_counters(mine.id, comments=1)
    await adapters.bookmark(user.id, theirs.id, after(3))
    await adapters.bookmark(other.id, mine.id)
    await adapters.views.add(mine.id)
    assert await export_section(adapters, views.ExportedProject, user.id) == [
        views.ExportedProject(
            id=mine.id,
            title=mine.title,
            summary=mine.summary,
            content=mine.content,
            repository_url=mine.repository_url,
            skills=mine.skills,
            thumbnail_url=None,
            view_count=1,
            bookmark_count=1,
            comment_count=1,
            revision=mine.revision,
            created_at=mine.created_at,
            updated_at=mine.updated_at,
        )
    ]
    assert await export_section(adapters, views.ExportedComment, user.id) == [
        views.ExportedComment(
            comment.id, theirs.id, comment.body, comment.created_at, comment.updated_at
        )
    ]
    assert await export_section(adapters, views.ExportedBookmark, user.id) == [
        views.ExportedBookmark(theirs.id, after(3))
    ]


@pytest.mark.anyio
async def test_all_rooms_and_only_own_messages_are_exported(adapters: Adapters) -> None:
    others = [factories.user() for _ in range(2)]
    user = factories.user()
    people = sorted([*others, user], key=lambda person: person.id)
    rooms = [factories.room(user.id, other.id) for other in others]
    low, high = (
        replace(participant, read_seq=2 if participant.user_id == user.id else 1)
        for participant in rooms[1].participants
    )
    rooms[1] = replace(rooms[1], left_by=user.id, last_seq=2, participants=(low, high))
    mine = factories.message(rooms[1].id, 1, user.id, client_id="mine")
    theirs = factories.message(rooms[1].id, 2, others[1].id)
    elsewhere = factories.room(others[0].id, others[1].id)
    await adapters.add(*people, *rooms, elsewhere, mine, theirs)
    assert await export_section(adapters, views.ExportedRoom, user.id) == [
        views.ExportedRoom(
            *(rooms[0].id, others[0].id, None, 0, 0),
            *(rooms[0].created_at, rooms[0].updated_at),
        ),
        views.ExportedRoom(
            *(rooms[1].id, others[1].id, user.id, 2, 2),
            *(rooms[1].created_at, rooms[1].updated_at),
        ),
    ]
    assert await export_section(adapters, views.ExportedMessage, user.id) == [
        views.ExportedMessage(rooms[1].id, 1, mine.body, "mine", mine.sent_at)
    ]
    other = await export_section(adapters, views.ExportedRoom, others[1].id)
    assert {(room.participant_id, room.read_seq) for room in other} == {
        (user.id, 1),
        (others[0].id, 0),
    }


@pytest.mark.anyio
async def test_who_left_a_blocked_room_is_exported_to_that_person_alone(
    adapters: Adapters,
) -> None:
    one, other = factories.user(), factories.user()
    room = factories.room(one.id, other.id, left_by=other.id)
    await adapters.add(one, other, room)
    for is_blocked in (False, True):
        async with adapters.unit_of_work() as work:
            await work.rooms.save(room.with_block(is_blocked))
            await work.commit()
        (seen,) = await export_section(adapters, views.ExportedRoom, one.id)
        (own,) = await export_section(adapters, views.ExportedRoom, other.id)
        assert (seen.left_by, own.left_by) == (None if is_blocked else other.id, other.id)


@pytest.mark.anyio
async def test_a_person_without_data_has_empty_sections(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    project = factories.project(other.id)
    await adapters.add(user, other, project, factories.comment(project.id, other.id))
    for kind in data_export_reader.SOURCES:
        assert await export_section(adapters, kind, user.id) == []


@pytest.mark.anyio
async def test_batches_hold_each_record_once_during_concurrent_changes(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    projects = [factories.project(user.id) for _ in range(50)]
    room = replace(factories.room(user.id, other.id), last_seq=1_200)
    said = [
        factories.message(room.id, seq, (user if seq % 2 else other).id) for seq in range(1, 1_201)
    ]
    await adapters.add(user, other, *projects, room, *said)
    batches = adapters.data_export.section(views.ExportedProject, user.id)
    seen = list(await anext(batches))
    async with adapters.unit_of_work() as work:
        await work.projects.delete(projects[0].id)
        await work.projects.add(factories.project(user.id))
        await work.commit()
    seen += [record async for batch in batches for record in batch]
    assert [record.id for record in seen[:50]] == [project.id for project in projects]
    messages = await export_section(adapters, views.ExportedMessage, user.id)
    assert [message.seq for message in messages] == list(range(1, 1_201, 2))


@pytest.mark.anyio
async def test_requests_are_exported_as_each_of_their_people_sees_them(
    adapters: Adapters,
) -> None:
    user, other = factories.user(), factories.user()
    declined = factories.chat_request(user.id, other.id).declined(after(5))
    received = factories.chat_request(other.id, user.id, created_at=after(-30 * DAY))
    await adapters.add(user, other)
    async with adapters.unit_of_work() as work:
        await work.chat_requests.add(declined, received)
        await work.commit()
    assert await export_section(adapters, views.ExportedSentRequest, user.id) == [
        views.ExportedSentRequest(
            id=declined.id,
            to_id=other.id,
            introduction=declined.introduction,
            state=RequestState.PENDING,
            room_id=None,
            created_at=declined.created_at,
            settled_at=None,
        )
    ]
    assert await export_section(adapters, views.ExportedReceivedRequest, user.id) == [
        views.ExportedReceivedRequest(
            id=received.id,
            from_id=other.id,
            state=RequestState.EXPIRED,
            room_id=None,
            created_at=received.created_at,
            settled_at=received.expires_at,
        )
    ]
    (seen_by_other,) = await export_section(adapters, views.ExportedReceivedRequest, other.id)
    assert (seen_by_other.state, seen_by_other.settled_at) == (RequestState.DECLINED, after(5))


@pytest.mark.anyio
async def test_blocks_by_the_person_are_exported_and_those_by_others_not(
    adapters: Adapters,
) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other)
    async with adapters.unit_of_work() as work:
        await work.blocks.add(user.id, other.id, after(7))
        await work.commit()
    assert await export_section(adapters, views.ExportedBlock, user.id) == [
        views.ExportedBlock(other.id, after(7))
    ]
    assert await export_section(adapters, views.ExportedBlock, other.id) == []


# --------------------------------------------------------------------------------- completeness

NOT_EXPORTED = {
    # hashes of secrets
    tables.users.c.password_hash,
    tables.refresh_tokens,
    tables.sessions.c.cookie_digest,
    # derived from exported data
    mail_tables.mails.c.content,
    mail_tables.mails.c.time_zone,
    tables.users.c.email_key,
    tables.users.c.username_key,
    tables.projects.c.search_text,
    tables.projects.c.content_html,
    tables.project_images,
    tables.project_search,
    mail_tables.account_tokens,
    mail_tables.unsubscribe_tokens,
    mail_tables.mails.c.token_digest,
    # derived from blocks, which only their blocker may see
    chat_tables.rooms.c.is_blocked,
    # internal state
    mail_tables.mails.c.attempts,
    mail_tables.mails.c.due_at,
    mail_tables.mails.c.give_up_at,
    mail_tables.mails.c.message_id,
    mail_tables.mails.c.reason,
    mail_tables.mails.c.unsubscribe,
    tables.images.c.state,
    # decisions and reports are exported; cases name others, and snapshots copy exported data
    tables.comments.c.visibility,
    chat_tables.messages.c.visibility,
    chat_tables.messages.c.low_count,
    # copies of the read marks from when a pair was blocked; nobody is to learn of a block
    chat_tables.rooms.c.low_frozen_seq,
    chat_tables.rooms.c.high_frozen_seq,
    moderation_tables.hidden_projects,
    moderation_tables.withheld_images,
    moderation_tables.moderation_cases,
    moderation_tables.moderation_items,
    moderation_tables.moderation_log.c.moderator_id,
    moderation_tables.moderation_log.c.case_id,
    moderation_tables.moderation_log.c.reverses,
    moderation_tables.reports.c.case_id,
    moderation_tables.reports.c.reporter_id,
    # the subject is the project, the request or a case; it groups events
    notifications.c.subject_id,
    # what other people did; the number of their bookmarks and comments is exported
    notification_events,
    # when and what mails told; mails are exported
    notifications.c.mailed_at,
    digests,
    mailed_rooms,
    # of other people; the person's own messages are exported
    chat_tables.messages.c.sender_id,
    # exported through the neighbour store
    tables.neighbours,
    # copies of exported data, kept for a day
    tables.attempts,
    # what others did within a week; the totals are exported
    tables.project_days,
    tables.project_counters.c.trending,
}
"""Tables and columns about a person that the export leaves out."""


def _tables_about_people() -> set[Table]:
    """The tables that refer to users, directly or through other tables."""
    found = {tables.users}
    while True:
        more = {
            table
            for table in metadata.sorted_tables
            for key in table.foreign_keys
            if key.column.table in found
        }
        if more <= found:
            return found
        found |= more


def _exported() -> set[Column[object]]:
    """The columns that the statements of the export read."""
    found: set[Column[object]] = set()
    for rows in (
        data_export_reader.ACCOUNT,
        *(source.rows for source in data_export_reader.SOURCES.values()),
    ):
        for element in visitors.iterate(rows):
            if getattr(element, "table", None) in metadata.sorted_tables:
                found.add(element)  # type: ignore[arg-type]  # what has such a table is a column
    return found


def test_every_column_about_a_person_is_exported_or_excluded_explicitly() -> None:
    exported = _exported()
    missing = [
        str(column)
        for table in _tables_about_people()
        for column in table.columns
        if not {table, column} & NOT_EXPORTED and column not in exported
    ]
    assert missing == []


def test_every_section_has_a_source() -> None:
    sections = set(views.SECTIONS.values()) - {views.ExportedNeighbour}
    assert sections == set(data_export_reader.SOURCES)
