"""The store of images is read-only, full or away: uploads are 503, the rest works, it heals."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients import eventually
from tests.databases import settings_of
from tests.faults.at_work import HEALS_WITHIN, Work, at_work, in_thread
from tests.faults.full_disk import filled
from tests.image_files import picture, saved
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

    from tests.browser.relay import Relay
    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


async def upload(work: Work) -> httpx.Response:
    return await work.visits[0].post(
        "/api/v1/images",
        files={"file": ("picture.png", saved(picture()), "image/png")},
        headers=work.load.people[0].headers,
    )


async def check_that_uploads_are_refused(work: Work) -> None:
    refused = await upload(work)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    health = (await work.visits[0].get("/health/ready")).json()
    states = health["status"], health["parts"]["images"]["state"]
    assert states == ("degraded", "unavailable")
    await work.is_told()


async def until_stored(work: Work) -> None:
    async def is_stored() -> bool:
        return (await upload(work)).status_code == 201

    await eventually(is_stored, HEALS_WITHIN)


@pytest.mark.parametrize("fault", [read_only, filled])
async def test_without_a_folder_uploads_are_503_and_the_rest_works_under_load(
    small_disk: Path,
    fault: Callable[[Path], AbstractContextManager[None]],
    postgresql_databases: Databases,
) -> None:
    with (
        postgresql_databases.fresh() as url,
        SideProServer(settings_of(url, small_disk)) as server,
    ):
        async with at_work(server.url, statuses=(200, 201), people=2) as work:
            await until_stored(work)
            async with in_thread(fault(small_disk)):
                await check_that_uploads_are_refused(work)
            await until_stored(work)
            await work.heals()
        assert "Traceback" not in server.log()


async def test_without_s3_uploads_are_503_and_the_rest_works_under_load(
    server_before_s3: tuple[SideProServer, Relay],
) -> None:
    server, between = server_before_s3
    async with at_work(server.url, statuses=(200, 201), people=2) as work:
        await until_stored(work)
        await between.cut()
        await check_that_uploads_are_refused(work)
        await between.restore()
        await until_stored(work)
        await work.heals()
