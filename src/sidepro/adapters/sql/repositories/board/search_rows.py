"""What the text search finds projects by."""

from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.schema.tables import project_search, projects
from sidepro.adapters.sql.search.ngrams import NgramArray, ngrams_of
from sidepro.domain.ids import UserId
from sidepro.domain.projects.search_key import with_author

SET_NGRAMS = (
    update(project_search)
    .where(
        project_search.c.project_id == bindparam("of"),
        project_search.c.grams != bindparam("now", type_=NgramArray()),
    )
    .values(grams=bindparam("now", type_=NgramArray()))
)
_SEARCH_TEXTS = (
    select(projects.c.id, projects.c.search_text)
    .where(
        projects.c.author_id == bindparam("user", type_=projects.c.author_id.type),
        projects.c.id > bindparam("after", type_=projects.c.id.type),
    )
    .order_by(projects.c.id)
    .limit(bindparam("limit"))
    .with_for_update(key_share=True)
)
_SET_SEARCH_TEXT = (
    update(projects).where(projects.c.id == bindparam("of")).values(search_text=bindparam("now"))
)
_BATCH = 500
_NIL = UUID(int=0)  # sorts before every id


async def rename_author(connection: AsyncConnection, user_id: UserId, username: str) -> None:
    """Make a user's projects found by this username. The user's row has it already.

    A project that is being published has locked that row (see `SqlProjects.add`), so all projects
    that have the old name are there now.
    """
    after = _NIL
    while True:
        parameters = {"user": user_id, "after": after, "limit": _BATCH}
        rows = (await connection.execute(_SEARCH_TEXTS, parameters)).all()
        if not rows:
            return
        texts = {row.id: with_author(row.search_text, username) for row in rows}
        await connection.execute(
            _SET_SEARCH_TEXT, [{"of": key, "now": text} for key, text in texts.items()]
        )
        await connection.execute(
            SET_NGRAMS, [{"of": key, "now": ngrams_of(text)} for key, text in texts.items()]
        )
        after = rows[-1].id
