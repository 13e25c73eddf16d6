"""An empty database, without tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql.engine.database import Database
from tests.databases import address_of, settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases


@pytest.fixture
def settings(databases: Databases, tmp_path: Path) -> Iterator[Json]:
    """The settings of an empty database, without tables."""
    with databases.empty() as address:
        yield settings_of(address, tmp_path)


@pytest.fixture
async def database(settings: Json) -> AsyncIterator[Database]:
    opened = Database(address_of(settings))
    yield opened
    await opened.close()
