"""One `sidepro serve` behind nginx, as `deploy/nginx` configures it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients import http_client
from tests.servers import HOST, SideProServer
from tests.servers.nginx import Nginx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx


@pytest.fixture(scope="module")
def server() -> Iterator[SideProServer]:
    settings = {"SIDEPRO_TRUSTED_PROXIES": HOST, "SIDEPRO_LOG_FORMAT": "json"}
    with SideProServer(settings) as running:
        yield running


@pytest.fixture(scope="module")
def nginx(server: SideProServer) -> Iterator[Nginx]:
    with Nginx([server.port]) as running:
        yield running


@pytest.fixture
async def http(nginx: Nginx) -> AsyncIterator[httpx.AsyncClient]:
    async with behind(nginx) as client:
        yield client


@asynccontextmanager
async def behind(nginx: Nginx) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API behind this nginx."""
    async with http_client(nginx.url, trust=nginx.trust) as client:
        yield client
