"""Everybody's skills, and the neighbours that the similarity job found, in SQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, insert, or_, select, update

from sidepro.adapters.sql.accounts import SKILLS_OF_PROFILE
from sidepro.adapters.sql.catalogue import CatalogueCache
from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.tables import (
    neighbours,
    profiles,
    projects,
    similarity_runs,
    users,
)
from sidepro.adapters.sql.upsert import upsert
from sidepro.domain.recommendations.jaccard import Neighbour, Population
from sidepro.domain.recommendations.ports import Neighbourhood
from sidepro.domain.shared import UserId

ROWS_AT_ONCE = 1_000
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_POPULATION = (
    select(
        profiles.c.user_id,
        SKILLS_OF_PROFILE,
        exists().where(projects.c.author_id == profiles.c.user_id).label("has_published"),
    )
    .join(users, users.c.id == profiles.c.user_id)
    .where(users.c.is_active)
)
_NEIGHBOURHOOD = select(similarity_runs.c.computed_at, neighbours.c.entries).select_from(
    similarity_runs.outerjoin(neighbours, neighbours.c.user_id == bindparam("user"))
)
_CLAIM = (
    update(similarity_runs)
    .where(
        similarity_runs.c.id == 1,
        or_(
            similarity_runs.c.computed_at < bindparam("started"),
            # Made while the clock was ahead: real time would take long to catch up.
            similarity_runs.c.computed_at > bindparam("now"),
        ),
    )
    .values(computed_at=bindparam("started"))
)


class SqlPopulationReader:
    """See `sidepro.domain.recommendations.ports.PopulationReader`."""

    def __init__(self, database: Database, catalogue: CatalogueCache) -> None:
        self._database = database
        self._catalogue = catalogue

    async def population(self) -> Population:
        numbered = await self._catalogue.current(self._database)
        rows = await self._database.fetch(_POPULATION)
        return Population(
            {row.user_id: numbered.skills_of_list(row.skill_ids) for row in rows},
            {row.user_id for row in rows if row.has_published},
        )


class SqlNeighbourStore:
    """See `sidepro.domain.recommendations.ports.NeighbourStore`.

    A new result is written in one transaction, which first claims the single row of
    `similarity_runs`: two runs at once go one after the other, and the older result stays out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(
        self, neighbours_of: Mapping[UserId, tuple[Neighbour, ...]], computed_at: datetime
    ) -> bool:
        async with self._database.writing() as connection:
            first = upsert(connection, similarity_runs).values(id=1, computed_at=EPOCH)
            await connection.execute(first.on_conflict_do_nothing())
            claimed = await connection.execute(
                _CLAIM, {"started": computed_at, "now": datetime.now(UTC)}
            )
            if claimed.rowcount == 0:
                return False
            await connection.execute(delete(neighbours))
            # People may withdraw while the job runs: only those still there are kept.
            there = set(await connection.scalars(select(users.c.id)))
            rows = [
                {
                    "user_id": user_id,
                    "entries": [
                        [near.user_id.hex, near.score, list(near.shared_skills)]
                        for near in found
                        if near.user_id in there
                    ],
                }
                for user_id, found in neighbours_of.items()
                if user_id in there
            ]
            for start in range(0, len(rows), ROWS_AT_ONCE):
                await connection.execute(insert(neighbours), rows[start : start + ROWS_AT_ONCE])
            await connection.commit()
        return True

    async def of(self, user_id: UserId) -> Neighbourhood:
        row = await self._database.fetch_one(_NEIGHBOURHOOD, {"user": user_id})
        if row is None:
            return Neighbourhood((), None)
        return Neighbourhood(
            tuple(
                Neighbour(UserId(UUID(hex=near)), score, tuple(shared))
                for near, score, shared in row.entries or ()
            ),
            row.computed_at,
        )
