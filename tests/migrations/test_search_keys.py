"""The migration of search texts to search keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema import tables
from sidepro.domain.projects.search_key import search_text
from sidepro.domain.text import casefold_key
from tests.databases import both_databases
from tests.migrations.test_migrations import (
    found_by,
    migrations_up_to,
    projects_found_by_all_their_grams,
    seed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sidepro.adapters.sql.engine.database import Database

pytestmark = [pytest.mark.anyio, both_databases]


async def test_search_texts_are_rewritten_in_batches(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = migrations_up_to(migrations.head(), tmp_path)
    file = copy / "versions" / "0011_search_keys.py"
    file.write_text(
        file.read_text("utf-8").replace("BATCH_SIZE = 1_000", "BATCH_SIZE = 7"), "utf-8"
    )
    monkeypatch.setattr(migrations, "_FOLDER", copy)
    await migrations.migrate(database)
    await seed(database)
    keys = await search_texts(database)
    assert keys == {parts: search_text(*parts) for parts in keys}

    await migrations.undo(database, "0010")
    folded = await search_texts(database)
    assert folded == {parts: "\n".join(map(casefold_key, parts)) for parts in keys}
    assert await projects_found_by_all_their_grams(database) == 20
    word = re.findall("[가-힣]{2}", "".join(folded.values()))[0]
    assert await found_by(database, word) > 0

    await migrations.migrate(database)
    assert await search_texts(database) == keys
    assert await projects_found_by_all_their_grams(database) == 20
    assert await found_by(database, word) == 0


async def search_texts(database: Database) -> dict[tuple[str, str, str], str]:
    """The search texts by title, summary and author."""
    projects, users = tables.projects.c, tables.users.c
    texts = select(
        projects.title, projects.summary, users.username, projects.search_text
    ).join_from(tables.projects, tables.users, users.id == projects.author_id)
    async with database.reading() as connection:
        return {tuple(parts): text for *parts, text in await connection.execute(texts)}
