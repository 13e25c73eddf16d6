"""Taking somebody out of other people's neighbours.

These name people within a value of bytes, where no foreign key reaches.
"""

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.similarity.neighbour_rows import entries
from sidepro.adapters.sql.engine.containing import CONTAINING, SOUGHT
from sidepro.adapters.sql.schema.tables import neighbours, similarity_runs
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.packed import ID_SIZE

_NO_NEW_RESULT = select(similarity_runs.c.id).with_for_update()
_WHO_NAME = {
    dialect: select(neighbours)
    .where(containing(neighbours.c.nearest))
    .order_by(neighbours.c.user_id)
    for dialect, containing in CONTAINING.items()
}
_SAVE = (
    update(neighbours)
    .where(neighbours.c.user_id == bindparam("of"))
    .values(nearest=bindparam("kept"))
)


async def lock_results(connection: AsyncConnection) -> None:
    """Keep the similarity job from storing a result until the transaction ends.

    To be called before users are held: the job holds its results first, and users afterwards.
    """
    await connection.execute(_NO_NEW_RESULT)


async def remove_from_neighbours(connection: AsyncConnection, user_id: UserId) -> None:
    """Remove a person from everybody's neighbours. Looks at all of them: a withdrawal is rare."""
    statement = _WHO_NAME[connection.dialect.name]
    changed = []
    for row in await connection.execute(statement, {SOUGHT.key: user_id.bytes}):
        others = (
            entry
            for entry in entries(row.nearest, len(row.skills))
            if entry[:ID_SIZE] != user_id.bytes
        )
        changed.append({"of": row.user_id, "kept": b"".join(others)})
    if changed:
        await connection.execute(_SAVE, changed)
