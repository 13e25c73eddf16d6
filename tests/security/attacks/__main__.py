"""Attacks a server with limits on, with one connection of each kind that bounds stop.

Run `python -m tests.security.attacks [SECONDS] [KIND …]`; `./just attacks` runs it with 256 open
files and without that limit. Every kind attacks in a process of its own, with one connection that
is opened again when the server closes it. Meanwhile others ask for `/health/live`. It fails if
their 99th percentile reaches 250 ms, if the server holds 50 MB more than before, or if the
attacker stays connected.
"""

from __future__ import annotations

import http.client
import itertools
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.security.attacks.kinds import CLOSED, KINDS, attack_repeatedly
from tests.security.attacks.target import Target
from tests.servers import HOST, SideProServer
from tests.servers.sidepro_process import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_P99 = 0.25
"""Seconds."""

MAX_GROWTH = 50 * 2**20
"""Bytes of memory."""

SETTLING = 45.0
"""Seconds in which the memory returns and the last connections are closed."""

PASSWORD = "정확한 horse battery 9"


def percentile_of_others(server: SideProServer, until: Callable[[], bool]) -> tuple[float, int]:
    """The 99th percentile of `/health/live`, with new and reused connections; failed calls."""
    took, failed = [], 0
    reused = http.client.HTTPConnection(HOST, server.port, timeout=10)
    for number in itertools.count():
        if until() and number >= 100:
            break
        connection = reused
        if number % 2:
            connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
        started = time.perf_counter()
        try:
            failed += not answers(connection)
        except (OSError, http.client.HTTPException):
            connection.close()
            # A server that is full may close an idle connection. Clients try once more.
            failed += connection is not reused or not answers(connection)
        took.append(time.perf_counter() - started)
        if connection is not reused:
            connection.close()
        time.sleep(0.01)
    reused.close()
    return sorted(took)[int(len(took) * 0.99)], failed


def answers(connection: http.client.HTTPConnection) -> bool:
    """The answer of `/health/live`."""
    connection.request("GET", "/health/live")
    response = connection.getresponse()
    response.read()
    return response.status == 200


def memory(server: SideProServer) -> int:
    """The resident memory of the server's process, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def attackers_account(server: SideProServer) -> Target:
    with httpx.Client(base_url=f"{server.url}/api/v1", trust_env=False, timeout=30) as http:
        ids, tokens = [], []
        for number in range(2):
            account = {"email": f"{number}@example.com", "password": PASSWORD}
            made = http.post("/users", json={**account, "username": f"attacker{number}"})
            ids.append(made.raise_for_status().json()["id"])
            tokens.append(http.post("/sessions", json=account).json()["access_token"])
            headers = {"Authorization": f"Bearer {tokens[-1]}"}
            http.patch("/me", json={"chat_policy": "open"}, headers=headers)
        headers = {"Authorization": f"Bearer {tokens[0]}"}
        room = http.post("/rooms", json={"user_id": ids[1]}, headers=headers)
    return Target(server.port, tokens[0], str(room.raise_for_status().json()["id"]))


def attack(server: SideProServer, target: Target, kind: str, seconds: float) -> list[str]:
    """Run one kind, print its figures, and return what it broke."""
    spawn = multiprocessing.get_context("spawn")
    closed = spawn.Value("i", 0)
    before = memory(server)
    attacker = spawn.Process(target=attack_repeatedly, args=(kind, target, seconds, closed))
    attacker.start()
    p99, failed = percentile_of_others(server, lambda: not attacker.is_alive())
    peak = memory(server)
    settled = time.monotonic() + SETTLING
    while (growth := memory(server) - before) > MAX_GROWTH and time.monotonic() < settled:
        time.sleep(0.5)
    attacker.join()
    broken = []
    if attacker.exitcode:
        broken.append(f"{kind}: the attacker failed")
    if p99 >= MAX_P99 or failed:
        broken.append(f"{kind}: others waited {p99 * 1000:.0f} ms, {failed} calls failed")
    if growth > MAX_GROWTH:
        broken.append(f"{kind}: {growth / 2**20:.0f} MB more memory")
    if kind in CLOSED and not closed.value:
        broken.append(f"{kind}: the attacker stayed connected")
    print(
        f"{kind:28} p99 {p99 * 1000:5.0f} ms  {growth / 2**20:+5.0f} MB"
        f" (peak {(peak - before) / 2**20:+5.0f})  closed {closed.value}",
        flush=True,
    )
    return broken


def main() -> None:
    """Attack a server of its own with every kind."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 12.0
    kinds = sys.argv[2:] or list(KINDS)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    print(f"{files} open files, {seconds:.0f} s for each kind")
    broken = []
    settings = {"SIDEPRO_RATE_LIMITS": "on", "SIDEPRO_ACCESS_TOKEN_TTL": "86400"}
    # not a fork: its memory is measured
    with SideProServer(settings, executable=COMMAND) as server:
        # The attackers may open more files than the server.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        target = attackers_account(server)
        idle, _ = percentile_of_others(server, lambda: True)
        print(f"{'nothing':28} p99 {idle * 1000:5.0f} ms")
        for kind in kinds:
            broken += attack(server, target, kind, seconds)
    sys.exit("\n".join(broken) or None)


if __name__ == "__main__":
    main()
