"""Log-ins: timing of known and unknown emails, cost, and delay of other requests.

    ./just bench log_in [--tries N]

Checks that unknown emails take as long as known ones. Measures the cost of a log-in besides the
password hash, and the delay of other requests during eight concurrent log-ins.
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

Cost = tuple[float, float, float]
"""CPU milliseconds of a request: of the app, of its database, and of the app's event loop."""

CONNECTIONS = 4
CONCURRENT = 8
OTHER_REQUESTS = 1_000
"""Number of other timed requests, with and without concurrent log-ins."""

SMALL = {"users": 50, "projects": 200}


def log_in(email: str, password: str, status: int) -> Call:
    """A log-in that must be answered with `status`."""
    body = json.dumps({"email": email, "password": password}).encode()
    return Call.to("/api/v1/sessions", method="POST", body=body, status=status)


def hash_cost(tries: int) -> float:
    """CPU milliseconds of one password verification alone."""
    hasher = argon2.PasswordHasher(PASSES, MEMORY_KIB, LANES)
    hashed = hasher.hash(DEMO_PASSWORD)
    before = time.process_time()
    for _ in range(tries):
        hasher.verify(hashed, DEMO_PASSWORD)
    return (time.process_time() - before) / tries * 1000


async def known_and_unknown(server: Measured, tries: int) -> None:
    """Compare failed log-ins with a known and an unknown email, in turn."""
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
        f"{_verdict(difference < spread)}"
    )


async def cost(server: Measured, tries: int) -> None:
    """CPU time of log-ins, one at a time and concurrent, and of the hash alone."""
    calls = [log_in(DEMO_EMAILS[1], DEMO_PASSWORD, 201)]
    number = max(1, tries // 5)
    hashes: list[float] = []
    costs: dict[int, list[Cost]] = {1: [], CONNECTIONS: []}
    for _ in range(5):
        hashes.append(hash_cost(number))
        for connections, found in costs.items():
            found.append(await _cost(server, calls, number, connections))
    print(f"- the hash measured by itself: {statistics.median(hashes):.1f} ms")
    for connections, found in costs.items():
        of_app, of_database, of_loop = map(statistics.median, zip(*found, strict=True))
        print(
            f"- a log-in, {connections} at once: {of_app:.1f} ms of the app, {of_loop:.1f} of "
            f"them its event loop: {_verdict(of_loop <= 2)}; {of_database:.1f} ms of the database"
        )


async def beside_hashing(server: Measured) -> None:
    """CPU time of a request while another process hashes. That process shares no lock or thread
    with the server.
    """
    calls = [Call.to("/api/v1/projects?limit=6")]
    alone, beside = [], []
    for _ in range(3):
        alone.append((await _cost(server, calls, OTHER_REQUESTS, 1))[2])
        with _hashing():
            beside.append((await _cost(server, calls, OTHER_REQUESTS, 1))[2])
    before, after = statistics.median(alone), statistics.median(beside)
    print(
        f"- a page of the board costs the event loop {before:.2f} ms, and {after:.2f} ms while "
        f"another process hashes in {MAX_THREADS} threads: {after / before:.1f} times as much"
    )


async def _cost(server: Measured, calls: list[Call], number: int, connections: int) -> Cost:
    before = (*server.cpu(), server.main_thread_cpu())
    await drive(server.port, calls, number, connections)
    after = (*server.cpu(), server.main_thread_cpu())
    of_app, of_database, of_loop = (
        (late - early) / number for late, early in zip(after, before, strict=True)
    )
    return of_app, of_database, of_loop


@contextlib.contextmanager
def _hashing() -> Iterator[None]:
    """Hash in another process, with as many threads as a server."""
    process = multiprocessing.get_context("spawn").Process(target=_hash_forever, daemon=True)
    process.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        process.kill()
        process.join()


def _hash_forever() -> None:
    with ThreadPoolExecutor(MAX_THREADS) as threads:
        for _ in range(MAX_THREADS):
            threads.submit(hash_cost, 1_000_000)


async def delay(server: Measured) -> None:
    """The 99th percentile of other requests, alone and during concurrent log-ins, in turn."""
    one_hash = hash_cost(20)
    alone, beside = [], []
    for _ in range(3):
        alone.append(await _p99(server))
        stopping = asyncio.Event()
        log_ins = [
            asyncio.create_task(_log_in_repeatedly(server, stopping)) for _ in range(CONCURRENT)
        ]
        await asyncio.sleep(0.2)
        beside.append(await _p99(server))
        stopping.set()
        await asyncio.gather(*log_ins)
    before, after = statistics.median(alone), statistics.median(beside)
    print(
        f"- p99 of other requests: {before:.1f} ms, and {after:.1f} ms during {CONCURRENT} "
        "concurrent log-ins"
    )
    print(
        f"- {after - before:.1f} ms more than alone: {_verdict(after - before < 5 + one_hash)} "
        f"(5 ms and one hash of {one_hash:.1f})"
    )


async def _p99(server: Measured) -> float:
    call = Call.to("/api/v1/projects?limit=6")
    connection = await Connection.open(server.port)
    seconds = []
    for _ in range(OTHER_REQUESTS):
        seconds.append((await connection.send(call)).seconds)
        await asyncio.sleep(0.002)
    await connection.close()
    return statistics.quantiles(seconds, n=100)[-1] * 1000


async def _log_in_repeatedly(server: Measured, stopping: asyncio.Event) -> None:
    call = log_in(DEMO_EMAILS[1], DEMO_PASSWORD, 201)
    connection = await Connection.open(server.port)
    while not stopping.is_set():
        await connection.send(call)
    await connection.close()


def _verdict(holds: bool) -> str:
    return "reached" if holds else "NOT reached"


async def measure(name: str, server: Measured, tries: int) -> None:
    print(f"\n{name}\n")
    await known_and_unknown(server, tries)
    await cost(server, tries)
    await beside_hashing(server)
    await delay(server)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./just bench log_in", description="Cost of log-ins, and the delay of other requests."
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
