"""The application on a database of its own, without a network.

The tests of a module share `api` and sign up their own users; `fresh_api` is empty.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sidepro.adapters.security import passwords
from sidepro.bootstrap import application, build
from sidepro.settings import Settings
from tests.api.client import ADDRESS, Api
from tests.databases import Databases
from tests.servers import SECRET_KEY


@asynccontextmanager
async def serving(address: str, folder: Path, **settings: Any) -> AsyncIterator[Api]:
    """The API on this database, by default without rate limits."""
    chosen = {"secret_key": (SECRET_KEY,), "rate_limits": False, "metrics": "on", **settings}
    with patch.object(passwords, "MEMORY_KIB", 8):  # every test signs people up
        container = build(
            Settings(data_dir=folder, database_url=address, **chosen),
            chosen.get("public_url", ADDRESS),
        )
    api = Api(container, application(container, with_jobs=False))
    try:
        async with api.http:
            yield api
    finally:
        await container.close()


@pytest.fixture(scope="module")
async def api(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """The API, shared by the tests of a module."""
    with databases.fresh() as address:
        async with serving(address, tmp_path_factory.mktemp("data")) as api:
            yield api


@pytest.fixture
async def fresh_api(databases: Databases, tmp_path: Path) -> AsyncIterator[Api]:
    """The API on an empty database."""
    with databases.fresh() as address:
        async with serving(address, tmp_path) as api:
            yield api
