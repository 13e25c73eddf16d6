"""A board of 6,000 projects with words and skills of known frequency, for tests of query plans."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.schema import chat_tables, tables
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.domain.projects.search_key import search_text
from sidepro.domain.projects.trending import day_of
from tests import factories
from tests.factories import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Table

    from sidepro.adapters.sql.engine.database import Database
    from sidepro.domain.ids import ProjectId, RoomId, UserId
    from sidepro.domain.projects.project import Project
    from sidepro.domain.rooms.room import Room

PROJECTS = 6_000
SCORED = 19
"""One project in so many has daily counts and a trending score: a prime, so that these projects
have words and skills like all others.
"""

TODAY = day_of(NOW)
OFTEN, SOMETIMES = "서비스", "quokka"
"""In half of the search texts, and in one of 300."""

FIRST, LAST = "walrus", "ocelot"
"""In the texts of the 300 oldest projects, and of the 300 newest."""

SYLLABLE, LETTERS = "쾌", "qx"
"""Both in one of 300."""

RARE, RARE_TOO = "Lucene", "HBase"
"""Skills of one project in 300. Other skills are those of one in 32."""

USUAL, USUAL_TOO = "Python", "Django"
"""Skills of one project in three, and of half."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class LargeBoard:
    """Ids of what the database holds."""

    user: UserId
    projects: Sequence[ProjectId]
    """The oldest first, each created a minute after the one before."""
    room: RoomId


def created_at(place: int) -> datetime:
    """When the project at this place was created."""
    return NOW + timedelta(minutes=place)


async def store_large_board(database: Database) -> LargeBoard:
    """Fills a migrated database and updates its statistics."""
    skills = (await CatalogueCache().current(database)).skill_ids
    drawn = random.Random(1)
    users = [factories.user() for _ in range(400)]
    projects = [
        factories.project(
            drawn.choice(users).id,
            title=title,
            summary=summary,
            content="내용 " * 200,
            content_html="<p>" + "내용 " * 200 + "</p>",
            created_at=created_at(place),
        )
        for place, (title, summary) in enumerate(_texts(drawn))
    ]
    ids = [project.id for project in projects]
    rooms = [
        factories.room(users[place % 20].id, other.id, updated_at=created_at(place))
        for place, other in enumerate(users[20:])
    ]
    rows: dict[Table, Rows] = {
        tables.users: [_row(tables.users, user) for user in users],
        **_project_rows(projects),
        tables.project_counters: [
            {
                "project_id": project_id,
                "views": drawn.randrange(5_000),
                "bookmarks": drawn.randrange(50),
                "comments": 0,
                "trending": place % 97 if place % SCORED == 0 else 0,
            }
            for place, project_id in enumerate(ids)
        ],
        tables.project_days: [
            {"project_id": project_id, "day": TODAY, "views": place % 97, "bookmarks": 0}
            for place, project_id in enumerate(ids)
            if place % SCORED == 0
        ],
        tables.project_skills: _skill_rows(ids, skills, drawn),
        tables.comments: [
            _row(tables.comments, factories.comment(project_id, users[1].id))
            for project_id in ids[:1_500]
            for _ in range(3)
        ],
        tables.bookmarks: [
            {"user_id": user.id, "project_id": project.id, "created_at": project.created_at}
            for user in users[:40]
            for project in drawn.sample(projects, 150)
        ],
        **_room_rows(rooms, users[0].id),
    }
    async with database.writing(job=True) as connection:
        for table, values in rows.items():
            await connection.execute(insert(table), values)
        await connection.commit()
    async with database.reading(job=True) as connection:
        await connection.exec_driver_sql("ANALYZE")
    return LargeBoard(users[0].id, ids, rooms[0].id)


def _texts(drawn: random.Random) -> Iterator[tuple[str, str]]:
    """Title and summary of each project."""
    letters = "가나다라마바사아자차카타파하abcdefghij"
    words = ["".join(drawn.choices(letters, k=4)) for _ in range(900)]
    for place in range(PROJECTS):
        special = [OFTEN] * (place % 2) + [SOMETIMES, SYLLABLE, LETTERS] * (place % 300 == 7)
        special += [FIRST] * (place < 300) + [LAST] * (place >= PROJECTS - 300)
        title = " ".join(drawn.choices(words, k=3))
        yield title, " ".join([*drawn.choices(words, k=3), *special])[:60]


def _project_rows(projects: Sequence[Project]) -> dict[Table, Rows]:
    texts = {one.id: search_text(one.title, one.summary, "somebody") for one in projects}
    return {
        tables.projects: [
            {**_row(tables.projects, one, but="search_text"), "search_text": texts[one.id]}
            for one in projects
        ],
        tables.project_search: [
            {
                "project_id": one.id,
                "created_at": one.created_at,
                "grams": ngrams_of(texts[one.id]),
            }
            for one in projects
        ],
    }


def _skill_rows(
    projects: Sequence[ProjectId], skills: Mapping[str, int], drawn: random.Random
) -> Rows:
    rare = [skills[RARE], skills[RARE_TOO]]
    usual, usual_too = skills[USUAL], skills[USUAL_TOO]
    others = sorted(set(skills.values()) - {*rare, usual, usual_too})
    return [
        {"project_id": project_id, "skill_id": skill}
        for place, project_id in enumerate(projects)
        for skill in [
            *drawn.sample(others, 4),
            *rare * (place % 300 == 7),
            *[usual] * (place % 3 == 0),
            *[usual_too] * (place % 4 < 2),
        ]
    ]


def _room_rows(rooms: Sequence[Room], sender: UserId) -> dict[Table, Rows]:
    return {
        chat_tables.rooms: [
            {
                "id": room.id,
                "low_id": room.participants[0].user_id,
                "high_id": room.participants[1].user_id,
                "low_read_seq": 0,
                "high_read_seq": 0,
                "left_by": None,
                "last_seq": 15,
                "created_at": room.created_at,
                "updated_at": room.updated_at,
            }
            for room in rooms
        ],
        chat_tables.messages: [
            {
                "room_id": room.id,
                "seq": seq,
                "sender_id": sender,
                "body": "안녕하세요",
                "client_id": None,
                "sent_at": NOW,
            }
            for room in rooms
            for seq in range(1, 16)
        ],
    }


def _row(table: Table, entity: object, but: str = "") -> dict[str, Any]:
    """The columns of a table that an entity has under the same names."""
    return {column.name: getattr(entity, column.name) for column in table.c if column.name != but}
