"""The board against a plain model of it: random projects, questions and walks, and others who
publish, edit, remove, read and bookmark between any two pages, while days pass and the trending
scores are renewed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.pagination import Cursor
from tests.contracts.board_model import Draft, Question, a_board, drafts, questions, steps
from tests.databases import both_databases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sidepro.domain.ids import ProjectId
    from tests.databases import Databases

pytestmark = both_databases


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def database(databases: Databases, runner: asyncio.Runner) -> Iterator[Database]:
    with databases.fresh() as address:
        opened = Database(address)
        yield opened
        runner.run(opened.close())


@given(made=st.lists(drafts, max_size=12), asked=questions, happens=steps, random=st.randoms())
def test_every_page_equals_the_models(
    database: Database,
    runner: asyncio.Runner,
    made: list[Draft],
    asked: Question,
    happens: list[Any],
    random: Random,
) -> None:
    async def example() -> None:
        board = await a_board(database, made, random)
        query = board.query(asked)
        page = await board.page(query, asked.limit, Cursor())
        for step in happens:
            if step not in ("next", "previous"):
                await board.do(step)
                continue
            cursor = page.next if step == "next" else page.previous
            start = Cursor(reverse=step == "previous")
            page = await board.page(query, asked.limit, cursor or start)

    runner.run(example())


@given(
    made=st.lists(drafts, min_size=2, max_size=12),
    asked=questions,
    happens=steps,
    reverse=st.booleans(),
    random=st.randoms(),
)
def test_paging_returns_unchanged_projects_once(
    database: Database,
    runner: asyncio.Runner,
    made: list[Draft],
    asked: Question,
    happens: list[Any],
    reverse: bool,
    random: Random,
) -> None:
    async def example() -> None:
        board = await a_board(database, made, random)
        query = board.query(asked)
        changes = [step for step in happens if isinstance(step, tuple)]
        seen: list[ProjectId] = []
        steady = set(board.found(query))
        cursor: Cursor | None = Cursor(reverse=reverse)
        while cursor is not None:
            page = await board.page(query, asked.limit, cursor)
            seen += [card.id for card in page.items]
            cursor = page.previous if reverse else page.next
            if changes:
                await board.do(changes.pop())
                steady &= set(board.found(query))
        for _, project_id in steady:
            assert seen.count(project_id) == 1

    runner.run(example())
