"""Log-in: whether it tells who has an account, what it costs, and whom it delays.

    ./just bench log_in [--tries N]

Three questions of the quality list. Do unknown emails take as long as known ones? What does a
log-in cost beside the hash of the password? How much longer does everybody else wait while eight
log-ins run at once?
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import argon2
import uvloop

from bench.client import Call, Connection
from bench.servers import DurablePostgres, Measured, fill, platform, settings_of
from sidepro.adapters.demo.population import DEMO_EMAILS, DEMO_PASSWORD
from sidepro.adapters.passwords import LANES, MEMORY_KIB, PASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 8
OTHERS = 1_000
"""Requests of others that are timed, with and without log-ins beside them."""

SMALL = {"users": 50, "projects": 200}


def log_in(email: str, password: str, status: int) -> Call:
    """A log-in that must end like that."""
    body = json.dumps({"email": email, "password": password}).encode()
    return Call.to("/api/v1/sessions", method="POST", body=body, status=status)


def hash_cost(tries: int) -> float:
    """Milliseconds of processor time for one verification, nothing around it."""
    hasher = argon2.PasswordHasher(PASSES, MEMORY_KIB, LANES)
    hashed = hasher.hash(DEMO_PASSWORD)
    before = time.process_time()
    for _ in range(tries):
        hasher.verify(hashed, DEMO_PASSWORD)
    return (time.process_time() - before) / tries * 1000


async def known_and_unknown(server: Measured, tries: int) -> Iterator[str]:
    """Failed log-ins with a known and an unknown email, in turn."""
    calls = {
        "known": log_in(DEMO_EMAILS[0], "a wrong password", 401),
        "unknown": log_in("nobody@example.com", "a wrong password", 401),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    connection = await Connection.open(server.port)
    for _ in range(tries):
        for name, call in calls.items():
            seconds[name].append((await connection.send(call)).seconds)
    await connection.close()
    means = {name: statistics.mean(each) * 1000 for name, each in seconds.items()}
    spread = max(statistics.stdev(each) for each in seconds.values()) * 1000
    difference = abs(means["known"] - means["unknown"])
    return iter(
        [
            *(f"- {name} email: {mean:.1f} ms on average" for name, mean in means.items()),
            f"- they differ by {difference:.2f} ms; the spread (standard deviation) is "
            f"{spread:.2f} ms: {_told(difference < spread)}",
        ]
    )


async def cost(server: Measured, tries: int) -> Iterator[str]:
    """Processor time of a log-in and of the hash alone, in turn."""
    call = log_in(DEMO_EMAILS[0], DEMO_PASSWORD, 201)
    connection = await Connection.open(server.port)
    whole, database, bare = [], [], []
    for _ in range(5):
        bare.append(hash_cost(tries // 5))
        before = server.cpu()
        for _ in range(tries // 5):
            await connection.send(call)
        after = server.cpu()
        whole.append((after[0] - before[0]) / (tries // 5))
        database.append((after[1] - before[1]) / (tries // 5))
    await connection.close()
    more = statistics.median(whole) - statistics.median(bare)
    return iter(
        [
            f"- the hash alone: {statistics.median(bare):.1f} ms; a log-in: "
            f"{statistics.median(whole):.1f} ms of the app, {statistics.median(database):.1f} ms "
            "of the database",
            f"- {more:.1f} ms more than the hash: {_told(more <= 2)} (2 ms)",
        ]
    )


async def delay(server: Measured) -> Iterator[str]:
    """What others wait, alone and beside eight log-ins at once, in turn."""
    one_hash = hash_cost(20)
    alone, beside = [], []
    for _ in range(3):
        alone.append(await _p99(server))
        stopping = asyncio.Event()
        crowd = [asyncio.create_task(_log_in_again(server, stopping)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.2)
        beside.append(await _p99(server))
        stopping.set()
        await asyncio.gather(*crowd)
    rise = statistics.median(beside) - statistics.median(alone)
    return iter(
        [
            f"- the slowest of a hundred others: {statistics.median(alone):.1f} ms, and "
            f"{statistics.median(beside):.1f} ms while {AT_ONCE} log in at once",
            f"- {rise:.1f} ms more: {_told(rise < 5 + one_hash)} "
            f"(5 ms and one hash of {one_hash:.1f} ms)",
        ]
    )


async def _p99(server: Measured) -> float:
    call = Call.to("/api/v1/projects?limit=6")
    connection = await Connection.open(server.port)
    seconds = []
    for _ in range(OTHERS):
        seconds.append((await connection.send(call)).seconds)
        await asyncio.sleep(0.002)
    await connection.close()
    return statistics.quantiles(seconds, n=100)[-1] * 1000


async def _log_in_again(server: Measured, stopping: asyncio.Event) -> None:
    call = log_in(DEMO_EMAILS[0], DEMO_PASSWORD, 201)
    connection = await Connection.open(server.port)
    while not stopping.is_set():
        await connection.send(call)
    await connection.close()


def _told(holds: bool) -> str:
    return "reached" if holds else "NOT reached"


async def measure(name: str, server: Measured, tries: int) -> None:
    print(f"\n{name}\n")
    for part in (known_and_unknown(server, tries), cost(server, tries), delay(server)):
        print("\n".join(await part))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./just bench log_in", description="What log-ins cost, and whom they delay."
    )
    parser.add_argument("--tries", type=int, default=200, help="log-ins of each kind")
    tries = parser.parse_args().tries
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidepro-bench-")))
        postgres = stack.enter_context(DurablePostgres.start())
        databases = {"PostgreSQL": postgres.fresh_database(), "SQLite": None}
        for name, url in databases.items():
            settings = settings_of(folder / name, url)
            print(f"filling {name}", file=sys.stderr)
            fill(settings, SMALL)
            with platform(settings, postgres if url else None) as server:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(measure(name, server, tries))


if __name__ == "__main__":
    main()
