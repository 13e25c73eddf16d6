"""All that readers say of projects, under a rule that shows one project to one viewer.

`python -m tests.contracts.visibility ADDRESS` prints it for a migrated SQL database. Statements
are built when their modules are imported: a process of its own replaces the rule before.
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Sized
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, and_

from sidepro.adapters.sql.schema import expressions
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import BoardReader
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery, CommentOrder
from sidepro.domain.recommendations.ports import RecommendationReader
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.visibility import Viewer
from tests import factories
from tests.fakes.unit_of_work import FullUnitOfWork

AUTHOR, VIEWER, STRANGER = (UserId(UUID(int=number)) for number in range(1, 4))
VISIBLE, HIDDEN = (ProjectId(UUID(int=number)) for number in range(1, 3))
COMMENTS = {VISIBLE: CommentId(UUID(int=1)), HIDDEN: CommentId(UUID(int=2))}


def rule(project: Project, viewer: Viewer) -> bool:
    """In place of `Project.is_visible_to`."""
    return project.id == VISIBLE and viewer.id == VIEWER


def sql_rule(viewer: BindParameter[Any], project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """In place of `visible_to`."""
    return and_(project_id == VISIBLE, viewer == VIEWER)


async def fill(unit_of_work: UnitOfWorkFactory[FullUnitOfWork]) -> None:
    """Two projects of one author. The viewer has bookmarked both and commented on both."""
    async with unit_of_work() as work:
        for number, user_id in enumerate((AUTHOR, VIEWER, STRANGER)):
            await work.users.add(factories.user(id=user_id, username=f"person{number}"))
        for project_id, comment_id in COMMENTS.items():
            await work.projects.add(factories.project(AUTHOR, id=project_id, skills=("Python",)))
            await work.comments.add(factories.comment(project_id, VIEWER, id=comment_id))
            await work.bookmarks.add(VIEWER, project_id, factories.NOW)
        await work.commit()


async def seen(
    board: BoardReader, recommendable: RecommendationReader, viewer: UserId
) -> dict[str, list[int]]:
    """How much of both projects each method of the readers shows the viewer."""
    page = PageRequest(100)
    queries = (
        BoardQuery(),
        BoardQuery(text=search_term(factories.project(AUTHOR).title)),
        BoardQuery(skills=("Python",)),
        BoardQuery(author=AUTHOR),
    )
    cards = await recommendable.projects_by_author([AUTHOR], viewer, most=9, first=0)
    return {
        "board": [_size(await board.board(query, page, viewer)) for query in queries],
        "board_size": [await board.board_size(query, viewer) for query in queries],
        "bookmarked_by": [_size(await board.bookmarked_by(VIEWER, page, viewer))],
        "bookmarks_of": [await board.bookmarks_of(VIEWER, viewer)],
        "project": [_count([await board.project(each, viewer) for each in COMMENTS])],
        "comments": [
            sum([_size(await board.comments(each, page, viewer, order)) for each in COMMENTS])
            for order in CommentOrder
        ],
        "comment": [
            _count([await board.comment(*each, viewer) for each in COMMENTS.items()]),
        ],
        "counters": [_count([await board.counters(each, viewer) for each in COMMENTS])],
        "addresses": [len(await board.addresses(None, 9, viewer))],
        "part_ends": [len(await board.part_ends(1, viewer))],
        "projects_by_author": [sum(map(len, cards.values()))],
        "popular": [_size(await recommendable.popular(viewer, 9))],
    }


def _count(found: Iterable[object]) -> int:
    return sum(one is not None for one in found)


def _size(found: Any) -> int:
    return len(found if isinstance(found, Sized) else found.items)


async def _seen_in_sql(address: str) -> list[dict[str, list[int]]]:
    from sidepro.adapters.sql.catalogue_ids import CatalogueCache
    from sidepro.adapters.sql.engine.database import Database
    from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
    from sidepro.adapters.sql.readers.recommendation_reader import SqlRecommendationReader
    from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
    from sidepro.domain.images.urls import ImageUrls

    database, cache, images = Database(address), CatalogueCache(), ImageUrls()
    await fill(lambda: SqlUnitOfWork(database, cache, images))
    board = SqlBoardReader(database, cache, images)
    recommendable = SqlRecommendationReader(database, cache, images)
    found = [await seen(board, recommendable, viewer) for viewer in (VIEWER, STRANGER)]
    await database.close()
    return found


if __name__ == "__main__":
    expressions.visible_to = sql_rule
    json.dump(asyncio.run(_seen_in_sql(sys.argv[1])), sys.stdout)
