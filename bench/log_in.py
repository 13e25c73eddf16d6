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
import multiprocessing
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import argon2
import uvloop

from bench.client import Call, Connection, drive
from bench.servers import DurablePostgres, Measured, fill, platform, settings_of
from sidepro.adapters.security.passwords import (
    LANES,
    MAX_THREADS,
    MEMORY_KIB,
    PASSES,
)
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

Share = tuple[float, float, float]
"""Milliseconds of processor time for a request: of the app, its database and its event loop."""

CONNECTIONS = 4
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


async def known_and_unknown(server: Measured, tries: int) -> None:
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
    known, unknown = (statistics.mean(each) * 1000 for each in seconds.values())
    spread = max(statistics.stdev(each) for each in seconds.values()) * 1000
    difference = abs(known - unknown)
    print(f"- known email {known:.1f} ms, unknown {unknown:.1f} ms on average of {tries}")
    print(
        f"- they differ by {difference:.2f} ms; the spread (standard deviation) is {spread:.2f}: "
        f"{_told(difference < spread)}"
    )


async def cost(server: Measured, tries: int) -> None:
    """Processor time of a log-in, one at a time and several at once, and of the hash alone."""
    calls = [log_in(DEMO_EMAILS[0], DEMO_PASSWORD, 201)]
    number = max(1, tries // 5)
    bare: list[float] = []
    shares: dict[int, list[Share]] = {1: [], CONNECTIONS: []}
    for _ in range(5):
        bare.append(hash_cost(number))
        for connections, found in shares.items():
            found.append(await _share(server, calls, number, connections))
    print(f"- the hash measured by itself: {statistics.median(bare):.1f} ms")
    for connections, found in shares.items():
        of_app, of_database, of_loop = map(statistics.median, zip(*found, strict=True))
        print(
            f"- a log-in, {connections} at once: {of_app:.1f} ms of the app, {of_loop:.1f} of "
            f"them its event loop: {_told(of_loop <= 2)}; {of_database:.1f} ms of the database"
        )


async def crowded(server: Measured) -> None:
    """What the same request costs the event loop while the processor hashes beside it.

    The hashes are another process's: no lock or thread of the server's is in the way.
    """
    calls = [Call.to("/api/v1/projects?limit=6")]
    alone, beside = [], []
    for _ in range(3):
        alone.append((await _share(server, calls, OTHERS, 1))[2])
        with _hashing():
            beside.append((await _share(server, calls, OTHERS, 1))[2])
    before, after = statistics.median(alone), statistics.median(beside)
    print(
        f"- a page of the board costs the event loop {before:.2f} ms, and {after:.2f} ms while "
        f"another process hashes in {MAX_THREADS} threads: {after / before:.1f} times as much"
    )


async def _share(server: Measured, calls: list[Call], number: int, connections: int) -> Share:
    before = (*server.cpu(), server.main_thread_cpu())
    await drive(server.port, calls, number, connections)
    after = (*server.cpu(), server.main_thread_cpu())
    of_app, of_database, of_loop = (
        (late - early) / number for late, early in zip(after, before, strict=True)
    )
    return of_app, of_database, of_loop


@contextlib.contextmanager
def _hashing() -> Iterator[None]:
    """Another process that hashes in as many threads as a server does."""
    process = multiprocessing.get_context("spawn").Process(target=_hash_on, daemon=True)
    process.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        process.kill()
        process.join()


def _hash_on() -> None:
    with ThreadPoolExecutor(MAX_THREADS) as threads:
        for _ in range(MAX_THREADS):
            threads.submit(hash_cost, 1_000_000)


async def delay(server: Measured) -> None:
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
    before, after = statistics.median(alone), statistics.median(beside)
    print(
        f"- the slowest of a hundred others: {before:.1f} ms, and {after:.1f} ms while {AT_ONCE} "
        "log in at once"
    )
    print(
        f"- {after - before:.1f} ms more than alone: {_told(after - before < 5 + one_hash)} "
        f"(5 ms and one hash of {one_hash:.1f})"
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
    await known_and_unknown(server, tries)
    await cost(server, tries)
    await crowded(server)
    await delay(server)


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
            with (
                platform(settings, postgres if url else None) as server,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(measure(name, server, tries))


if __name__ == "__main__":
    main()
