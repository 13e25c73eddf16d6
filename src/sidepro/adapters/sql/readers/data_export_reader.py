"""All that is held about a person, in SQL: each kind of record by its key, batch by batch."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, case, literal, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.repositories.images import IMAGE_OF_USER, THUMBNAIL
from sidepro.adapters.sql.repositories.profiles import SKILLS_OF_PROFILE
from sidepro.adapters.sql.repositories.projects import SKILLS_OF_PROJECT
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    images,
    known_addresses,
    messages,
    profiles,
    project_counters,
    projects,
    rooms,
    sessions,
    users,
)
from sidepro.domain.data_export import data_export_service as archive
from sidepro.domain.data_export.data_export_service import (
    ExportedAccount,
    ExportedProfile,
    Record,
    RecordT,
)
from sidepro.domain.ids import UserId
from sidepro.domain.images.image import ImageState
from sidepro.domain.images.urls import ImageUrls

_ME = bindparam("user", type_=Uuid())
_I_AM_LOW = rooms.c.low_id == _ME
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records of a kind come from. The key is of columns that the record has too."""

    rows: Select[Any]
    key: dict[str, Any]
    """Columns of the record that order it, each with a value that comes before all others."""

    at_once: int = 500

    def batch(self) -> Select[Any]:
        """The first rows after a place in the order."""
        columns: list[ColumnElement[Any]] = [self.rows.selected_columns[name] for name in self.key]
        place = [
            bindparam(f"after_{name}", type_=column.type)
            for name, column in zip(self.key, columns, strict=True)
        ]
        onward = tuple_(*columns) > tuple_(*place)
        return self.rows.where(onward).order_by(*columns).limit(literal(self.at_once))


ACCOUNT = (
    select(
        users.c.id,
        users.c.email,
        users.c.username,
        users.c.is_admin,
        users.c.is_active,
        users.c.created_at,
        profiles.c.user_id.label("has_profile"),
        profiles.c.bio,
        IMAGE_OF_USER,
        profiles.c.github_url,
        SKILLS_OF_PROFILE,
        profiles.c.region_id,
        profiles.c.meet_time_id,
        profiles.c.updated_at,
    )
    .select_from(users.outerjoin(profiles, profiles.c.user_id == users.c.id))
    .where(users.c.id == _ME)
)

# The members of a record are taken by their names, but for those that are made of something else:
# `skills` of the numbers of skills, and addresses of images of their keys.
SOURCES: dict[type[Record], Source] = {
    archive.ExportedSession: Source(
        select(
            sessions.c.id,
            sessions.c.user_agent,
            sessions.c.created_at,
            sessions.c.last_used_at,
            sessions.c.expires_at,
            sessions.c.ends_at,
        ).where(sessions.c.user_id == _ME),
        {"id": _BEFORE_ALL},
    ),
    archive.ExportedAddress: Source(
        select(known_addresses.c.address, known_addresses.c.last_used_at).where(
            known_addresses.c.user_id == _ME
        ),
        {"address": ""},
    ),
    archive.ExportedImage: Source(
        select(
            images.c.id,
            images.c.key.label("url"),
            images.c.width,
            images.c.height,
            images.c.size,
            images.c.created_at,
            images.c.unused_since,
        ).where(images.c.user_id == _ME, images.c.state == ImageState.STORED),
        {"id": _BEFORE_ALL},
    ),
    archive.ExportedProject: Source(
        select(
            projects.c.id,
            projects.c.title,
            projects.c.summary,
            projects.c.content,
            projects.c.repository_url,
            SKILLS_OF_PROJECT.label("skills"),
            THUMBNAIL.label("thumbnail_url"),
            project_counters.c.views.label("view_count"),
            project_counters.c.bookmarks.label("bookmark_count"),
            project_counters.c.comments.label("comment_count"),
            projects.c.revision,
            projects.c.created_at,
            projects.c.updated_at,
        )
        .join(project_counters, project_counters.c.project_id == projects.c.id)
        .where(projects.c.author_id == _ME),
        {"id": _BEFORE_ALL},
        at_once=20,  # of 50,000 characters each
    ),
    archive.ExportedComment: Source(
        select(
            comments.c.id,
            comments.c.project_id,
            comments.c.body,
            comments.c.created_at,
            comments.c.updated_at,
        ).where(comments.c.author_id == _ME),
        {"id": _BEFORE_ALL},
    ),
    archive.ExportedBookmark: Source(
        select(bookmarks.c.project_id, bookmarks.c.created_at).where(bookmarks.c.user_id == _ME),
        {"project_id": _BEFORE_ALL},
    ),
    archive.ExportedRoom: Source(
        select(
            rooms.c.id,
            case((_I_AM_LOW, rooms.c.high_id), else_=rooms.c.low_id).label("participant_id"),
            rooms.c.left_by,
            case((_I_AM_LOW, rooms.c.low_read_seq), else_=rooms.c.high_read_seq).label("read_seq"),
            rooms.c.last_seq,
            rooms.c.created_at,
            rooms.c.updated_at,
        ).where(or_(_I_AM_LOW, rooms.c.high_id == _ME)),
        {"id": _BEFORE_ALL},
    ),
    archive.ExportedMessage: Source(
        select(
            messages.c.room_id,
            messages.c.seq,
            messages.c.body,
            messages.c.client_id,
            messages.c.sent_at,
        ).where(messages.c.sender_id == _ME),
        {"room_id": _BEFORE_ALL, "seq": 0},
    ),
}
_BATCHES = {kind: source.batch() for kind, source in SOURCES.items()}


class SqlDataExportReader:
    """See `sidepro.domain.data_export.data_export_service.DataExportReader`."""

    def __init__(self, database: Database, catalogue: CatalogueCache, images: ImageUrls) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        row = await self._database.fetch_one(ACCOUNT, {"user": user_id})
        if row is None:
            return None
        numbered = await self._catalogue.current(self._database)
        profile = None
        if row.has_profile is not None:
            profile = ExportedProfile(
                bio=row.bio,
                image_url=self._images.url(row.image_key),
                github_url=row.github_url,
                skills=numbered.skills_of_list(row.skill_ids),
                region=numbered.region_names.get(row.region_id),
                meet_time=numbered.meet_time_names.get(row.meet_time_id),
                updated_at=row.updated_at,
            )
        return ExportedAccount(
            id=row.id,
            email=row.email,
            username=row.username,
            is_admin=row.is_admin,
            is_active=row.is_active,
            created_at=row.created_at,
            profile=profile,
        )

    async def section(
        self, kind: type[RecordT], user_id: UserId
    ) -> AsyncIterator[Sequence[RecordT]]:
        source, batch = SOURCES[kind], _BATCHES[kind]
        numbered = await self._catalogue.current(self._database)
        place = source.key
        while True:
            after = {f"after_{name}": value for name, value in place.items()}
            rows = await self._database.fetch(batch, {"user": user_id, **after})
            if rows:
                yield [self._record(kind, row, numbered) for row in rows]
            if len(rows) < source.at_once:
                return
            place = {name: getattr(rows[-1], name) for name in source.key}

    def _record(self, kind: type[RecordT], row: Row, numbered: CatalogueIds) -> RecordT:
        members = {field.name: getattr(row, field.name) for field in fields(kind)}
        for name, value in members.items():
            if name == "skills":
                members[name] = numbered.skills_of_list(value)
            elif name in ("url", "thumbnail_url"):
                members[name] = self._images.url(value)
        return kind(**members)
