"""Taking somebody out of other people's neighbours.

These name people within a value of bytes, where no foreign key reaches.
"""

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.similarity.entries import entries
from sidepro.adapters.sql.tables import neighbours, similarity_runs
from sidepro.domain.recommendations.columns import ID_SIZE
from sidepro.domain.shared import UserId

_NO_NEW_RESULT = select(similarity_runs.c.id).with_for_update()
_ID = bindparam("id", type_=neighbours.c.nearest.type)
_PLACE_IN_TEXT = {
    "postgresql": func.position(_ID.op("IN")(neighbours.c.nearest)),
    "sqlite": func.instr(neighbours.c.nearest, _ID),
}
_WHO_NAME = {
    dialect: select(neighbours).where(place > 0).order_by(neighbours.c.user_id)
    for dialect, place in _PLACE_IN_TEXT.items()
}
_SAVE = (
    update(neighbours)
    .where(neighbours.c.user_id == bindparam("of"))
    .values(nearest=bindparam("kept"))
)


async def hold_results(connection: AsyncConnection) -> None:
    """Keep the similarity job from storing a result until the transaction ends.

    To be called before users are held: the job holds its results first, and users afterwards.
    """
    await connection.execute(_NO_NEW_RESULT)


async def take_out(connection: AsyncConnection, user_id: UserId) -> None:
    """Remove a person from everybody's neighbours. Looks at all of them: a withdrawal is rare."""
    statement = _WHO_NAME[connection.dialect.name]
    changed = []
    for row in await connection.execute(statement, {"id": user_id.bytes}):
        others = (
            entry
            for entry in entries(row.nearest, len(row.skills))
            if entry[:ID_SIZE] != user_id.bytes
        )
        changed.append({"of": row.user_id, "kept": b"".join(others)})
    if changed:
        await connection.execute(_SAVE, changed)
