"""A web process needs only the packages of requirements/web.txt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from tests.databases import Databases
from tests.servers import RedisServer, SideProServer, settings, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
HEAVY = {
    # jobs, commands and the demo
    *("polars", "numpy", "alembic", "mako", "multiprocessing.pool", "sidepro.demo"),
    # for the first image
    "PIL",
    # parts of libraries that nothing uses
    *("aiohttp.client", "rich.console", "pygments", "yaml.nodes", "cryptography.exceptions"),
    *("sqlalchemy.orm", "sqlalchemy.dialects.mysql", "sqlalchemy.dialects.oracle"),
    *("sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.dialects.postgresql.pg8000"),
    *("redis.cluster", "redis.asyncio.cluster", "redis.keyspace_notifications"),
    *("litestar.plugins.pydantic", "pydantic.v1", "pdb"),
}
"""What a serving process must not import: each takes 1 to 30 MB."""

SCRIPT = """#!/bin/sh
export PYTHONPATH={path}
exec {python} -S -c 'from sidepro.cli import main; main()' "$@"
"""


def pinned(name: str) -> set[str]:
    """The names of the packages in a file of requirements."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return set(re.findall(r"^([\w.-]+?)(?:\[[\w,]+\])?==", text, re.MULTILINE))


@pytest.fixture
def sidepro(tmp_path: Path) -> Path:
    """The command in an environment with nothing but those packages."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in (*pinned("web.txt"), "sidepro"):
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:  # for another version of Python
            continue
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            place = packages / top
            target = Path(str(files[0].locate())).parents[len(files[0].parts) - 1] / top
            if target.suffix != ".pth" and target.exists() and not place.exists():
                place.symlink_to(target)
    script = tmp_path / "sidepro"
    script.write_text(SCRIPT.format(path=f"{ROOT / 'src'}:{packages}", python=sys.executable))
    script.chmod(0o755)
    return script


def test_it_leaves_out_packages_of_jobs() -> None:
    assert pinned("web.txt") < pinned("runtime.txt")
    assert {"polars", "numpy", "faker"} <= pinned("runtime.txt") - pinned("web.txt")


def test_a_web_process_serves_with_it(sidepro: Path) -> None:
    with SideProServer({}, "--no-jobs", executable=sidepro) as server:
        for path in ("/", "/api/v1/projects", "/api/openapi.json", "/api/docs", "/health/ready"):
            assert httpx.get(f"{server.url}{path}").status_code == 200
        assert server.terminate() == 0
        assert "Traceback" not in server.log()


def test_an_idle_web_process_is_small(
    sidepro: Path, postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Under 130 MB with the files that it shares, and after some pages without modules that are
    not for serving. The memory of a password hash is returned.
    """
    with postgresql_databases.settings(tmp_path) as environment:
        environment |= {"SIDEPRO_REDIS_URL": redis_server.url, "PYTHONPROFILEIMPORTTIME": "1"}
        with SideProServer(environment, "--no-jobs", executable=sidepro) as server:
            assert resident(server) < 93e6
            for path in ("/", "/sign-up", "/api/v1/projects", "/api/openapi.json", "/metrics"):
                assert httpx.get(f"{server.url}{path}").status_code == 200
            before = resident(server)
            account = {
                "email": "a@example.com",
                "username": "ann",
                "password": "hash 19 MiB of it",
            }
            created = httpx.post(f"{server.url}/api/v1/users", json=account)
            assert created.status_code == 201, created.text
            wait_until(
                lambda: resident(server) < before + 10e6,
                seconds=20,
                failure=lambda: f"{resident(server)} after {before} bytes",
            )
            log = server.log()
    imported = set(re.findall(r"^import time: .*\| +(\S+)$", log, re.MULTILINE))
    assert "litestar.app" in imported
    assert imported & HEAVY == set()


def resident(server: SideProServer) -> int:
    """The memory of a process without pages of files, in bytes. Of those, which all processes
    share, as many are resident as the machine has in its cache: about 30 MB.
    """
    status = Path(f"/proc/{server.pid}/status").read_text()
    kilobytes = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    assert kilobytes
    return int(kilobytes[1]) * 1024


def test_jobs_are_refused_in_one_line(sidepro: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sidepro, "serve", "--port=0"],
        env=settings({"SIDEPRO_DATA_DIR": str(tmp_path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--no-jobs" in done.stderr


def test_a_program_that_has_yaml_may_import_the_application(tmp_path: Path) -> None:
    """Litestar then takes advanced-alchemy too, which needs the whole SQLAlchemy."""
    package = tmp_path / "advanced_alchemy"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n"
        "SESSIONS = async_sessionmaker[AsyncSession]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import yaml, sidepro.bootstrap"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path[1:]])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
