"""The neighbours that the similarity job found, in SQL."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.similarity.arrays import People
from sidepro.adapters.similarity.neighbour_rows import decoded, encoded_names
from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import (
    neighbours,
    similarity_runs,
    users,
)
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.packed import Similarities
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun

ROWS_AT_ONCE = 1_000
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
NO_RUN = {
    "id": 1,
    "computed_at": EPOCH,
    "milliseconds": 0,
    "people": 0,
    "changed": 0,
    "names": "[]",
}

_LAST_RUN = select(similarity_runs)
_NEIGHBOURHOOD = select(
    similarity_runs.c.computed_at,
    similarity_runs.c.names,
    neighbours.c.skills,
    neighbours.c.nearest,
).select_from(similarity_runs.outerjoin(neighbours, neighbours.c.user_id == bindparam("user")))
_HELD = select(similarity_runs.c.computed_at).with_for_update()
_CLAIM = (
    update(similarity_runs)
    .where(
        similarity_runs.c.id == 1,
        or_(
            similarity_runs.c.computed_at < bindparam("of"),
            # Made while the clock was ahead: real time would take long to catch up.
            similarity_runs.c.computed_at > bindparam("now"),
        ),
    )
    .values(
        computed_at=bindparam("of"),
        milliseconds=bindparam("took"),
        people=bindparam("all"),
        changed=bindparam("some"),
        names=bindparam("bits"),
    )
)
_STORED_AFTER = (
    select(neighbours)
    .where(neighbours.c.user_id > bindparam("after", type_=neighbours.c.user_id.type))
    .order_by(neighbours.c.user_id)
    .limit(limit_param("limit"))
)
_THERE = select(users.c.id).where(users.c.id.in_(bindparam("ids", expanding=True)))
_REMOVE = delete(neighbours).where(neighbours.c.user_id.in_(bindparam("ids", expanding=True)))

Digests = dict[bytes, bytes]
"""Of what was stored of each person, by id."""


class SqlNeighbourStore:
    """See `sidepro.domain.recommendations.ports.NeighbourStore`.

    A new result is written in one transaction, which first claims the single row of
    `similarity_runs`: two runs at once go one after the other, and the older result stays out.
    Only what differs from the one before is written. What that was a process knows when it has
    written it itself, and else reads before the transaction: on SQLite nobody writes meanwhile.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: tuple[datetime, Digests] | None = None

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        people = await asyncio.to_thread(People, similarities)
        digests = await asyncio.to_thread(_digests, people)
        known_of, known = await self._known()
        facts = {
            "of": run.computed_at,
            "took": round(run.seconds * 1_000),
            "all": run.people,
            "some": run.changed,
            "bits": encoded_names(similarities.population.names),
            "now": datetime.now(UTC),
        }
        async with self._database.writing() as connection:
            first = upsert(connection, similarity_runs).values(NO_RUN)
            await connection.execute(first.on_conflict_do_nothing())
            before = await connection.scalar(_HELD)
            if (await connection.execute(_CLAIM, facts)).rowcount == 0:
                return False
            if known_of != before:  # Somebody else has been here since.
                known = {}
                await connection.execute(delete(neighbours))
            await _write(connection, people, known, digests)
            await connection.commit()
        self._written = run.computed_at, digests
        return True

    async def _known(self) -> tuple[datetime | None, Digests]:
        """What is stored, and of when that is."""
        run = await self.last_run()
        if run is None:
            return None, {}
        if self._written and self._written[0] == run.computed_at:
            return self._written
        digests: Digests = {}
        after = UUID(int=0)
        while rows := await self._database.fetch(
            _STORED_AFTER, {"after": after, "limit": ROWS_AT_ONCE}
        ):
            digests |= await asyncio.to_thread(_digests_of_rows, rows)
            after = rows[-1].user_id
        return run.computed_at, digests

    async def latest(self) -> Similarities | None:
        return None

    async def last_run(self) -> SimilarityRun | None:
        row = await self._database.fetch_one(_LAST_RUN)
        return row and SimilarityRun(
            row.computed_at, row.milliseconds / 1_000, row.people, row.changed
        )

    async def of(self, user_id: UserId) -> Neighbourhood:
        row = await self._database.fetch_one(_NEIGHBOURHOOD, {"user": user_id})
        if row is None:
            return Neighbourhood((), None)
        if row.skills is None:
            return Neighbourhood((), row.computed_at)
        near = decoded(row.names, user_id, row.skills, row.nearest)
        return Neighbourhood(near, row.computed_at)


def _digests(people: People) -> Digests:
    return {
        user_id.tobytes(): _digest(people.skills(place), people.neighbours(place))
        for place, user_id in enumerate(people.raw_ids)
    }


def _digests_of_rows(rows: Sequence[Row]) -> Digests:
    return {row.user_id.bytes: _digest(row.skills, row.nearest) for row in rows}


def _digest(skills: bytes, nearest: bytes) -> bytes:
    return blake2b(skills + nearest, digest_size=16).digest()


async def _write(
    connection: AsyncConnection, people: People, stored: Digests, wanted: Digests
) -> None:
    """Bring the rows from what is stored to what is wanted."""
    places = {user_id: place for place, user_id in enumerate(wanted)}
    gone = [user_id for user_id in stored if user_id not in wanted]
    changed = [user_id for user_id in wanted if stored.get(user_id) != wanted[user_id]]
    for ids in _some_at_once([*gone, *(one for one in changed if one in stored)]):
        await connection.execute(_REMOVE, {"ids": ids})
    for ids in _some_at_once(changed):
        # People may withdraw while the job runs: only those still there are kept.
        there = await connection.scalars(_THERE, {"ids": ids})
        rows = [_row(people, user_id, places[user_id.bytes]) for user_id in there]
        if rows:
            await connection.execute(insert(neighbours), rows)


def _some_at_once(ids: Sequence[bytes]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), ROWS_AT_ONCE):
        yield [UUID(bytes=user_id) for user_id in ids[start : start + ROWS_AT_ONCE]]


def _row(people: People, user_id: UUID, place: int) -> Mapping[str, Any]:
    skills, nearest = people.skills(place), people.neighbours(place)
    return {"user_id": user_id, "skills": skills, "nearest": nearest}
