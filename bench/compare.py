"""Compares this checkout with another one: CPU time per request of both, in one run.

    ./just bench compare CHECKOUT [--rounds N] [--requests N] [--only WORD]

CHECKOUT is a folder with its own environment (`./just --list` creates it), such as a worktree of
an older commit. Both serve the same demo data on PostgreSQL and are measured in turn, row by row.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench.board import Costs, Row, calls_of, measure, median, rows_of
from bench.client import Call, once
from bench.log_in import log_in
from bench.servers import SIDEPRO, DurablePostgres, Measured, fill, platform, settings_of
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BEFORE, NOW = "before", "now"


def table(names: list[str], costs: Costs) -> Iterator[str]:
    """The table in Markdown."""
    yield "| work | app before, ms | now | ratio | database before, ms | now | ratio |"
    yield "|---|---|---|---|---|---|---|"
    ratios = []
    for index, name in enumerate(names):
        before, now = median(costs[BEFORE, index]), median(costs[NOW, index])
        ratios.append(now.app / before.app)
        database = f"{now.database / before.database:.2f}" if before.database else ""
        yield (
            f"| {name} | {before.app:.2f} | {now.app:.2f} | {ratios[-1]:.2f} "
            f"| {before.database:.2f} | {now.database:.2f} | {database} |"
        )
    yield ""
    yield f"Median ratio of the app: {statistics.median(ratios):.2f}."


async def is_answered(server: Measured, row: Row, token: str) -> bool:
    """Whether the server has what the row requests. An older checkout may not."""
    try:
        await once(server.port, calls_of(row, token)[0])
    except RuntimeError:
        return False
    return True


def common_calls(
    rows: Mapping[str, list[Row]], tokens: Mapping[str, str]
) -> tuple[list[str], dict[str, list[list[Call]]]]:
    """The names of the rows that both servers answer, and their requests by server."""
    answered = {row.name for row in rows[BEFORE]} & {row.name for row in rows[NOW]}
    names = [row.name for row in rows[NOW] if row.name in answered]
    calls = {
        server: [calls_of(row, tokens[server]) for row in each if row.name in answered]
        for server, each in rows.items()
    }
    return names, calls


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./just bench compare", description="CPU time of requests, of two checkouts."
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=400, help="requests of each row per round")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    options = parser.parse_args()
    other = options.checkout.absolute() / ".venv" / "bin" / "sidepro"
    if not other.exists():
        sys.exit(f"bench: {other} is missing; run ./just --list in {options.checkout}")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidepro-bench-")))
        postgres = stack.enter_context(DurablePostgres.start())
        servers, tokens, rows = {}, {}, {}
        for name, sidepro in ((BEFORE, other), (NOW, SIDEPRO)):
            settings = settings_of(folder / name, postgres.fresh_database())
            print(f"filling the database of {sidepro}", file=sys.stderr)
            fill(settings, sidepro=sidepro)
            server = stack.enter_context(platform(settings, postgres, sidepro))
            servers[name] = server
            tokens[name] = token = asyncio.run(server.log_in())
            rows[name] = [
                row
                for row in asyncio.run(rows_of(server, token))
                if options.only in row.name and asyncio.run(is_answered(server, row, token))
            ]
        names, calls = common_calls(rows, tokens)
        if options.only in "log-in":
            # Not the user of the token: a further log-in ends the oldest session.
            for each in calls.values():
                each.append([log_in(DEMO_EMAILS[1], DEMO_PASSWORD, 201)])
            names.append("log-in")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            costs = runner.run(
                measure(servers, calls, rounds=options.rounds, requests=options.requests)
            )
        print("\n".join(table(names, costs)))


if __name__ == "__main__":
    main()
