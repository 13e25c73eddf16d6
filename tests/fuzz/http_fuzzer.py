"""Runs schemathesis against servers on both databases, signed in and anonymous.

Run `python -m tests.fuzz.http_fuzzer [CASES] [SEED]`. All phases and checks run;
`hooks.py` has its own in place of `positive_data_acceptance`, which tells the reasons of refusals
apart. A server that logs an error fails the run too. The server on PostgreSQL has a Redis.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.databases import PostgresqlDatabases, SqliteDatabases
from tests.servers import Postgres, RedisServer, SideProServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.databases import Databases

ERRORS = ("unhandled_error", "Traceback", "[error ")
ROUNDS = 20
"""Rounds after which a run ends that generates fewer cases than expected."""


def fuzz(
    databases: Databases,
    cases: int,
    seed: int,
    *,
    anonymous: bool = False,
    extra: Mapping[str, str] | None = None,
) -> int:
    """Generates at least so many cases; returns their number.

    A round has a few cases an operation. Rounds follow, with the next seeds, until all are
    done. `extra` are further settings of the server.

    Raises:
        AssertionError: a check failed, or the server logged an error.
    """
    done = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.settings(Path(folder) / "data") as settings,
        SideProServer({**settings, **(extra or {})}) as own,
    ):
        for number in range(seed, seed + ROUNDS):
            done += _round(own, cases - done, number, anonymous=anonymous)
            if done >= cases:
                break
        log = own.log()
    found = [line for line in log.splitlines() if any(error in line for error in ERRORS)]
    assert not found, "\n".join(found[:10])
    return done


def _round(server: SideProServer, cases: int, seed: int, *, anonymous: bool) -> int:
    environment = {
        **os.environ,
        "FUZZ_URL": server.url,
        "FUZZ_ANONYMOUS": "1" if anonymous else "",
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
            "run",
            f"{server.url}/api/openapi.json",
            f"--seed={seed}",
            f"--max-examples={max(1, min(cases // 150, 300))}",
            "--exclude-checks=positive_data_acceptance",  # hooks.py has its own
            "--no-color",
            "--no-shrink",
            "--suppress-health-check=all",  # a busy machine generates slowly
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
        env=environment,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    counted = re.search(r"([\d,]+) generated", output)
    assert counted, output
    return int(counted[1].replace(",", ""))


def main() -> None:
    """Fuzzes servers of its own."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(31)
    print(f"seed {seed}", flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Postgres.start() as postgres,
        RedisServer.start() as redis,
    ):
        for databases, extra in (
            (SqliteDatabases(Path(folder)), {}),
            (PostgresqlDatabases(postgres), {"SIDEPRO_REDIS_URL": redis.url}),
        ):
            for anonymous in (False, True):
                started = time.monotonic()
                done = fuzz(databases, cases // 4, seed, anonymous=anonymous, extra=extra)
                seconds = time.monotonic() - started
                who = "anonymous" if anonymous else "signed in"
                print(f"{type(databases).__name__}, {who}: {done:,} cases in {seconds:.0f} s")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
