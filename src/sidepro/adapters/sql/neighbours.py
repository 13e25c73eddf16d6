"""Taking somebody out of other people's neighbours.

Every entry names a person within a JSON value, where no foreign key reaches.
"""

from sqlalchemy import String, bindparam, cast, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.tables import neighbours, similarity_runs
from sidepro.domain.shared import UserId

_NO_NEW_RESULT = select(similarity_runs.c.id).with_for_update()
_WHO_NAME = (
    select(neighbours.c.user_id, neighbours.c.entries)
    .where(cast(neighbours.c.entries, String).contains(bindparam("hex")))
    .order_by(neighbours.c.user_id)
)
_SAVE = (
    update(neighbours)
    .where(neighbours.c.user_id == bindparam("of"))
    .values(entries=bindparam("kept"))
)


async def hold_results(connection: AsyncConnection) -> None:
    """Keep the similarity job from storing a result until the transaction ends.

    To be called before users are held: the job holds its results first, and users afterwards.
    """
    await connection.execute(_NO_NEW_RESULT)


async def take_out(connection: AsyncConnection, user_id: UserId) -> None:
    """Remove a person from everybody's neighbours. Looks at all of them: a withdrawal is rare."""
    rows = await connection.execute(_WHO_NAME, {"hex": user_id.hex})
    changed = [
        {"of": row.user_id, "kept": [entry for entry in row.entries if entry[0] != user_id.hex]}
        for row in rows
    ]
    if changed:
        await connection.execute(_SAVE, changed)
