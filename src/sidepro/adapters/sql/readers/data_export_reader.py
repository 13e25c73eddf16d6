"""Reads the data export from SQL: each record type by its key, batch by batch."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, bindparam, case, literal, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from sidepro.adapters.sql.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.repositories.chat_requests import load_request
from sidepro.adapters.sql.schema.chat_tables import blocks, chat_requests, messages, rooms
from sidepro.adapters.sql.schema.expressions import (
    IMAGE_NAME,
    IMAGE_OF_USER,
    SKILLS_OF_PROFILE,
    SKILLS_OF_PROJECT,
    THUMBNAIL,
    visible_to,
)
from sidepro.adapters.sql.schema.mail_tables import mails
from sidepro.adapters.sql.schema.moderation_tables import (
    moderation_cases,
    moderation_log,
    reports,
)
from sidepro.adapters.sql.schema.notification_tables import notification_settings, notifications
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    images,
    known_addresses,
    profiles,
    project_counters,
    projects,
    sessions,
    users,
)
from sidepro.domain.clock import Clock
from sidepro.domain.data_export.ports import RecordT
from sidepro.domain.data_export.views import (
    ExportedAccount,
    ExportedAddress,
    ExportedBlock,
    ExportedBookmark,
    ExportedComment,
    ExportedDecision,
    ExportedImage,
    ExportedMail,
    ExportedMessage,
    ExportedNotification,
    ExportedNotificationSetting,
    ExportedProfile,
    ExportedProject,
    ExportedReceivedRequest,
    ExportedReport,
    ExportedRoom,
    ExportedSentRequest,
    ExportedSession,
    Record,
)
from sidepro.domain.ids import UserId
from sidepro.domain.images.image import ImageState
from sidepro.domain.images.urls import ImageUrls

_ME = bindparam("user", type_=Uuid())
_I_AM_LOW = rooms.c.low_id == _ME
_IS_SEEN_LEAVING = or_(~rooms.c.is_blocked, rooms.c.left_by == _ME)
"""During a block, nobody learns that the other person left."""
_NIL = UUID(int=0)  # sorts before every id
_PROFILE = "profile_"


def _columns(
    record: type[Record], table: Table, prefix: str = "", **computed: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    """A column for each field of the record: the table's own unless `computed` has one."""
    return [
        (computed[field.name] if field.name in computed else table.c[field.name]).label(
            prefix + field.name
        )
        for field in fields(record)
    ]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a record type. They have its fields, some as ids or keys; see `_record`."""

    rows: Select[Any]
    key: dict[str, Any]
    """The fields that order the records, each with a value that sorts before all others."""

    batch_size: int = 500

    def batch(self) -> Select[Any]:
        """The next rows after a key."""
        columns = [self.rows.selected_columns[name] for name in self.key]
        after = [
            bindparam(f"after_{name}", type_=self.rows.selected_columns[name].type)
            for name in self.key
        ]
        return (
            self.rows.where(tuple_(*columns) > tuple_(*after))
            .order_by(*columns)
            .limit(literal(self.batch_size))
        )


ACCOUNT = (
    select(
        *_columns(ExportedAccount, users, profile=profiles.c.user_id),
        *_columns(
            ExportedProfile,
            profiles,
            _PROFILE,
            image_url=IMAGE_OF_USER,
            skills=SKILLS_OF_PROFILE,
            region=profiles.c.region_id,
            meet_time=profiles.c.meet_time_id,
        ),
    )
    .select_from(users.outerjoin(profiles, profiles.c.user_id == users.c.id))
    .where(users.c.id == _ME)
)

SOURCES: dict[type[Record], Source] = {
    ExportedSession: Source(
        select(*_columns(ExportedSession, sessions)).where(sessions.c.user_id == _ME),
        {"id": _NIL},
    ),
    ExportedAddress: Source(
        select(*_columns(ExportedAddress, known_addresses)).where(
            known_addresses.c.user_id == _ME
        ),
        {"address": ""},
    ),
    ExportedMail: Source(
        select(*_columns(ExportedMail, mails)).where(mails.c.user_id == _ME), {"id": _NIL}
    ),
    ExportedImage: Source(
        select(*_columns(ExportedImage, images, url=IMAGE_NAME)).where(
            images.c.user_id == _ME, images.c.state == ImageState.STORED
        ),
        {"id": _NIL},
    ),
    ExportedProject: Source(
        select(
            *_columns(
                ExportedProject,
                projects,
                skills=SKILLS_OF_PROJECT,
                thumbnail_url=THUMBNAIL,
                view_count=project_counters.c.views,
                bookmark_count=project_counters.c.bookmarks,
                comment_count=project_counters.c.comments,
            )
        )
        .join(project_counters, project_counters.c.project_id == projects.c.id)
        .where(projects.c.author_id == _ME),
        {"id": _NIL},
        batch_size=20,  # each up to 50,000 characters
    ),
    ExportedComment: Source(
        select(*_columns(ExportedComment, comments)).where(comments.c.author_id == _ME),
        {"id": _NIL},
    ),
    ExportedBookmark: Source(
        select(*_columns(ExportedBookmark, bookmarks)).where(
            bookmarks.c.user_id == _ME, visible_to(_ME, bookmarks.c.project_id)
        ),
        {"project_id": _NIL},
    ),
    ExportedRoom: Source(
        select(
            *_columns(
                ExportedRoom,
                rooms,
                participant_id=case((_I_AM_LOW, rooms.c.high_id), else_=rooms.c.low_id),
                left_by=case((_IS_SEEN_LEAVING, rooms.c.left_by)),
                read_seq=case((_I_AM_LOW, rooms.c.low_read_seq), else_=rooms.c.high_read_seq),
            )
        ).where(or_(_I_AM_LOW, rooms.c.high_id == _ME)),
        {"id": _NIL},
    ),
    ExportedMessage: Source(
        select(*_columns(ExportedMessage, messages)).where(messages.c.sender_id == _ME),
        {"room_id": _NIL, "seq": 0},
    ),
    ExportedReport: Source(
        select(
            *_columns(
                ExportedReport,
                reports,
                kind=moderation_cases.c.kind,
                target_id=moderation_cases.c.target_id,
            )
        )
        .join(moderation_cases, moderation_cases.c.id == reports.c.case_id)
        .where(reports.c.reporter_id == _ME),
        {"id": _NIL},
    ),
    ExportedDecision: Source(
        select(*_columns(ExportedDecision, moderation_log))
        .join(moderation_cases, moderation_cases.c.id == moderation_log.c.case_id)
        .where(moderation_cases.c.author_id == _ME),
        {"id": _NIL},
    ),
    ExportedSentRequest: Source(
        select(*chat_requests.c).where(chat_requests.c.from_id == _ME),
        {"id": _NIL},
    ),
    ExportedReceivedRequest: Source(
        select(*chat_requests.c).where(chat_requests.c.to_id == _ME),
        {"id": _NIL},
    ),
    ExportedBlock: Source(
        select(*_columns(ExportedBlock, blocks)).where(blocks.c.blocker_id == _ME),
        {"blocked_id": _NIL},
    ),
    ExportedNotification: Source(
        select(*_columns(ExportedNotification, notifications)).where(
            notifications.c.recipient_id == _ME
        ),
        {"id": _NIL},
    ),
    ExportedNotificationSetting: Source(
        select(*_columns(ExportedNotificationSetting, notification_settings)).where(
            notification_settings.c.user_id == _ME
        ),
        {"kind": ""},
    ),
}
_BATCHES = {kind: source.batch() for kind, source in SOURCES.items()}


class SqlDataExportReader:
    """See `sidepro.domain.data_export.ports.DataExportReader`."""

    def __init__(
        self, database: Database, catalogue: CatalogueCache, images: ImageUrls, clock: Clock
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images
        self._clock = clock

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        row = await self._database.fetch_one(ACCOUNT, {"user": user_id})
        if row is None:
            return None
        catalogue = await self._catalogue.current(self._database)
        profile = None
        if row.profile is not None:
            profile = self._record(ExportedProfile, row, catalogue, _PROFILE)
        return self._record(ExportedAccount, row, catalogue, profile=profile)

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        source, batch = SOURCES[kind], _BATCHES[kind]
        catalogue = await self._catalogue.current(self._database)
        key = source.key
        while True:
            after = {f"after_{name}": value for name, value in key.items()}
            rows = await self._database.fetch(batch, {"user": user_id, **after})
            if rows:
                yield [
                    self._record(kind, row, catalogue, **self._seen_by(user_id, kind, row))
                    for row in rows
                ]
            if len(rows) < source.batch_size:
                return
            key = {name: getattr(rows[-1], name) for name in source.key}

    def _seen_by(self, user_id: UserId, kind: type[Record], row: Row) -> dict[str, Any]:
        """The fields of a chat request that its two people see differently."""
        if kind not in (ExportedSentRequest, ExportedReceivedRequest):
            return {}
        request, now = load_request(row), self._clock()
        return {
            "state": request.state_for(user_id, now),
            "settled_at": request.settled_at_for(user_id, now),
        }

    def _record(
        self,
        kind: type[RecordT],
        row: Row,
        catalogue: CatalogueIds,
        prefix: str = "",
        **computed: Any,
    ) -> RecordT:
        """A record from a row: catalogue ids become names, and keys of images URLs."""
        values: dict[str, Any] = {}
        for field in fields(kind):
            value = getattr(row, prefix + field.name)
            match field.name:
                case "skills":
                    value = catalogue.skills_of_list(value)
                case "region":
                    value = catalogue.region_names.get(value)
                case "meet_time":
                    value = catalogue.meet_time_names.get(value)
                case "url" | "image_url" | "thumbnail_url":
                    value = self._images.url(value)
                case _:
                    pass
            values[field.name] = value
        return kind(**{**values, **computed})
