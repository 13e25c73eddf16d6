"""A server with the screens, a Chromium of each test process, and windows for each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.fixtures import api, fresh_api
from tests.browser.chromium import chromium
from tests.browser.relay import Relay
from tests.browser.relay import relay as running_relay
from tests.browser.windows import FAILURES, Windows
from tests.clients import Client, http_client
from tests.servers import HOST, ServerError, SideProServer, free_port
from tests.web.cast import SMALL, Cast, cast_of, demo_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    import httpx
    from playwright.async_api import Browser

    from tests.databases import Databases

__all__ = ["api", "fresh_api"]

REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leaves the outcome of the test to its fixtures."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


@pytest.fixture(scope="session")
def relay_port() -> int:
    """The port of `relay`, whose origin the server has to know."""
    return free_port()


@pytest.fixture(scope="session")
def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, relay_port: int
) -> Iterator[SideProServer]:
    """`sidepro serve` with the screens, on SQLite with the jobs in it and without rate limits.

    All tests share it: each makes people of its own.
    """
    port = free_port()
    origins = ",".join(f"http://{HOST}:{each}" for each in (port, relay_port))
    with (
        databases.settings(tmp_path_factory.mktemp("web")) as settings,
        SideProServer({**settings, "SIDEPRO_ALLOWED_ORIGINS": origins}, port=port) as running,
    ):
        yield running


@pytest.fixture
async def relay(server: SideProServer, relay_port: int) -> AsyncIterator[Relay]:
    """A network to the server that a test may cut: `windows.open(person, relay=relay)`."""
    async with running_relay(relay_port, server.port) as relay:
        yield relay


@pytest.fixture(scope="session")
def stage() -> Iterator[SideProServer]:
    """A server with demo data. Tests only look at it."""
    with demo_server(*SMALL) as running:
        yield running


@pytest.fixture(scope="session")
async def cast(stage: SideProServer, anyio_backend: str) -> Cast:
    """Who looks at the demo, and what is on its screens."""
    return await cast_of(stage)


@pytest.fixture
async def http(server: SideProServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server, for `Client.sign_up`. It keeps no cookies of the log-in form."""
    async with http_client(server.url) as client:
        yield client


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Client:
    """A new person without a profile, as a client of the API."""
    return await Client.sign_up(http)


@pytest.fixture
async def partner(http: httpx.AsyncClient) -> Client:
    """Another new person."""
    return await Client.sign_up(http)


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """Chromium, started once in each test process."""
    try:
        async with chromium() as running:
            yield running
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Relay | None:
    """The relay of a test that has one. It ends after the windows: what they still load is no
    problem of theirs.
    """
    return request.getfixturevalue("relay") if "relay" in request.fixturenames else None


@pytest.fixture
async def windows(
    browser: Browser,
    server: SideProServer,
    network: Relay | None,  # set up before the windows
    request: pytest.FixtureRequest,
) -> AsyncIterator[Windows]:
    """Opens windows on `server`. Problems in a window fail the test; see `Problems`.

    A failed test leaves what its windows showed in `build/failures`.
    """
    windows = Windows(browser, server.url, traces=request.config.getoption("traces"))
    try:
        yield windows
        problems = await windows.problems()
        report = request.node.stash.get(REPORT, None)
        if problems or report is None or report.failed:
            name = re.sub(r"[^\w.-]+", "_", request.node.nodeid.removeprefix("tests/web/"))
            await windows.keep(FAILURES / name)
        if problems:
            pytest.fail("\n".join(["problems in the browser:", *problems]), pytrace=False)
    finally:
        await windows.close()
