"""The results of the similarity job, in SQL."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.similarity.neighbour_rows import decoded, encoded_names
from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import neighbours, similarity_runs, users
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.packed import Similarities
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun

if TYPE_CHECKING:  # with NumPy, which only the job needs
    from sidepro.adapters.similarity.arrays import People

BATCH_SIZE = 1_000
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
_LOCK = select(similarity_runs.c.computed_at).with_for_update()
_CLAIM = (
    update(similarity_runs)
    .where(
        similarity_runs.c.id == 1,
        or_(
            similarity_runs.c.computed_at < bindparam("new_computed_at"),
            # A result stored while the clock was ahead must not block later ones.
            similarity_runs.c.computed_at > bindparam("now"),
        ),
    )
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("computed_at", "milliseconds", "people", "changed", "names")
        }
    )
)
_STORED_AFTER = (
    select(neighbours)
    .where(neighbours.c.user_id > bindparam("after", type_=neighbours.c.user_id.type))
    .order_by(neighbours.c.user_id)
    .limit(limit_param("limit"))
)
_EXISTING = select(users.c.id).where(users.c.id.in_(bindparam("ids", expanding=True)))
_DELETE = delete(neighbours).where(neighbours.c.user_id.in_(bindparam("ids", expanding=True)))

Digests = dict[bytes, bytes]
"""A digest of each person's stored row, by id."""


class SqlNeighbourStore:
    """See `sidepro.domain.recommendations.ports.NeighbourStore`.

    A result is stored in one transaction, which first claims the single row of `similarity_runs`:
    two runs are stored one after the other, and the older one is dropped. Only rows that changed
    are written. The process remembers the digests of its last result. Without them it reads the
    stored rows before the transaction, because the transaction blocks other writers of SQLite.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: tuple[datetime, Digests] | None = None

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        from sidepro.adapters.similarity.arrays import People  # noqa: PLC0415 - NumPy

        people = await asyncio.to_thread(People, similarities)
        digests = await asyncio.to_thread(_digests, people)
        stored_at, stored = await self._stored()
        parameters = {
            "new_computed_at": run.computed_at,
            "new_milliseconds": round(run.seconds * 1_000),
            "new_people": run.people,
            "new_changed": run.changed,
            "new_names": encoded_names(similarities.population.names),
            "now": datetime.now(UTC),
        }
        async with self._database.writing(job=True) as connection:
            first = upsert(connection, similarity_runs).values(NO_RUN)
            await connection.execute(first.on_conflict_do_nothing())
            current = await connection.scalar(_LOCK)
            if (await connection.execute(_CLAIM, parameters)).rowcount == 0:
                return False
            if current != stored_at:  # another process has stored a result meanwhile
                stored = {}
                await connection.execute(delete(neighbours))
            await _write(connection, people, stored, digests)
            await connection.commit()
        self._written = run.computed_at, digests
        return True

    async def _stored(self) -> tuple[datetime | None, Digests]:
        """When the stored result was computed, and the digests of its rows."""
        run = await self.last_run()
        if run is None:
            return None, {}
        if self._written and self._written[0] == run.computed_at:
            return self._written
        digests: Digests = {}
        after = UUID(int=0)
        while rows := await self._database.fetch(
            _STORED_AFTER, {"after": after, "limit": BATCH_SIZE}
        ):
            digests |= await asyncio.to_thread(_digests_of_rows, rows)
            after = rows[-1].user_id
        return run.computed_at, digests

    async def latest(self) -> Similarities | None:
        return None

    async def last_run(self) -> SimilarityRun | None:
        row = await self._database.fetch_one(_LAST_RUN)
        if row is None:
            return None
        return SimilarityRun(row.computed_at, row.milliseconds / 1_000, row.people, row.changed)

    async def of(self, user_id: UserId) -> Neighbourhood:
        row = await self._database.fetch_one(_NEIGHBOURHOOD, {"user": user_id})
        if row is None:
            return Neighbourhood((), None)
        if row.skills is None:
            return Neighbourhood((), row.computed_at)
        nearest = decoded(row.names, user_id, row.skills, row.nearest)
        return Neighbourhood(nearest, row.computed_at)


def _digests(people: "People") -> Digests:
    return {
        user_id.tobytes(): _digest(people.skills(place), people.neighbours(place))
        for place, user_id in enumerate(people.raw_ids)
    }


def _digests_of_rows(rows: Sequence[Row]) -> Digests:
    return {row.user_id.bytes: _digest(row.skills, row.nearest) for row in rows}


def _digest(skills: bytes, nearest: bytes) -> bytes:
    return blake2b(skills + nearest, digest_size=16).digest()


async def _write(
    connection: AsyncConnection, people: "People", stored: Digests, new: Digests
) -> None:
    """Replace the rows whose digests differ."""
    places = {user_id: place for place, user_id in enumerate(new)}
    removed = [user_id for user_id in stored if user_id not in new]
    changed = [user_id for user_id in new if stored.get(user_id) != new[user_id]]
    for ids in _batches([*removed, *(user_id for user_id in changed if user_id in stored)]):
        await connection.execute(_DELETE, {"ids": ids})
    for ids in _batches(changed):
        # People may have withdrawn while the job ran.
        existing = await connection.scalars(_EXISTING, {"ids": ids})
        rows = [_row(people, user_id, places[user_id.bytes]) for user_id in existing]
        if rows:
            await connection.execute(insert(neighbours), rows)


def _batches(ids: Sequence[bytes]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), BATCH_SIZE):
        yield [UUID(bytes=user_id) for user_id in ids[start : start + BATCH_SIZE]]


def _row(people: "People", user_id: UUID, place: int) -> Mapping[str, Any]:
    skills, nearest = people.skills(place), people.neighbours(place)
    return {"user_id": user_id, "skills": skills, "nearest": nearest}
