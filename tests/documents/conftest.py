"""A running server with its documents, and a folder with the npm packages."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.documents.node_packages import FOLDER, install
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.databases import Databases


@pytest.fixture(scope="session")
def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SideProServer]:
    folder = tmp_path_factory.mktemp("documents")
    with databases.settings(folder) as settings, SideProServer(settings) as running:
        yield running


@pytest.fixture(scope="session")
def workshop(server: SideProServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both documents of the server, our scripts and the npm packages."""
    folder = tmp_path_factory.mktemp("workshop")
    for script in FOLDER.iterdir():
        if script.is_file() and script.suffix != ".py":
            shutil.copyfile(script, folder / script.name)
    (folder / "node_modules").symlink_to(install())
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        for name in ("openapi.json", "asyncapi.json"):
            answer = http.get(f"/api/{name}").raise_for_status()
            (folder / name).write_bytes(answer.content)
    return folder
