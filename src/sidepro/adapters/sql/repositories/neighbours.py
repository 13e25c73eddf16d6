"""Removing a person from other people's neighbours.

A row stores its neighbours' ids within one value of bytes, which no foreign key covers.
"""

from sqlalchemy import LargeBinary, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.similarity.neighbour_rows import entries
from sidepro.adapters.sql.engine.dialect import contains
from sidepro.adapters.sql.schema.tables import neighbours, similarity_runs
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.packed import ID_SIZE

_LOCK_RESULTS = select(similarity_runs.c.id).with_for_update()
_NEIGHBOURS_OF = (
    select(neighbours)
    .where(contains(neighbours.c.nearest, bindparam("id", type_=LargeBinary())))
    .order_by(neighbours.c.user_id)
)
_SAVE = (
    update(neighbours)
    .where(neighbours.c.user_id == bindparam("row"))
    .values(nearest=bindparam("remaining"))
)


async def lock_results(connection: AsyncConnection) -> None:
    """Keep the similarity job from storing a result until the transaction ends.

    Call it before locking users: the job locks its results first, and users afterwards.
    """
    await connection.execute(_LOCK_RESULTS)


async def remove_from_neighbours(connection: AsyncConnection, user_id: UserId) -> None:
    """Remove a person from everybody's neighbours. Scans all rows: deletions are rare."""
    changed = []
    for row in await connection.execute(_NEIGHBOURS_OF, {"id": user_id.bytes}):
        remaining = (
            entry
            for entry in entries(row.nearest, len(row.skills))
            if entry[:ID_SIZE] != user_id.bytes
        )
        changed.append({"row": row.user_id, "remaining": b"".join(remaining)})
    if changed:
        await connection.execute(_SAVE, changed)
