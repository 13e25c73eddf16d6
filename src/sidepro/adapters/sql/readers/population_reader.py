"""The skills of all people, as the similarity job reads them."""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import exists, select

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema.expressions import SKILLS_OF_PROFILE, is_public
from sidepro.adapters.sql.schema.tables import profiles, projects, users
from sidepro.domain.recommendations.packed import Population

_POPULATION = (
    select(
        profiles.c.user_id,
        SKILLS_OF_PROFILE,
        exists()
        .where(projects.c.author_id == profiles.c.user_id, is_public(projects.c.id))
        .label("has_published"),
    )
    .join(users, users.c.id == profiles.c.user_id)
    .where(users.c.is_active)
    .order_by(profiles.c.user_id)
)


class SqlPopulationReader:
    """See `sidepro.domain.recommendations.ports.PopulationReader`."""

    def __init__(self, database: Database, catalogue: CatalogueCache) -> None:
        self._database = database
        self._catalogue = catalogue

    async def population(self) -> Population:
        catalogue = await self._catalogue.current(self._database)
        rows = await self._database.fetch_long(_POPULATION)
        return await asyncio.to_thread(_pack, rows, catalogue.skill_names)


def _pack(rows: Sequence[Row], names: Mapping[int, str]) -> Population:
    from sidepro.adapters.similarity.packing import population_of  # noqa: PLC0415 - NumPy

    return population_of(rows, names)
