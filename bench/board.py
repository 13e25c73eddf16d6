"""The board, rooms and recommendations over HTTP: CPU time, bytes and statements per request.

    ./just bench board [--rounds N] [--requests N] [--only WORD] [--scale N]

Real servers answer over a few connections. Each round measures every row on every server in turn,
so other load on the machine affects all of them alike. The table shows medians of the rounds.
CPU time is user and system time of all processes of a server, divided by the requests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import uvloop

from bench.client import Call, drive
from bench.servers import (
    DurablePostgres,
    Measured,
    counting_statements,
    fill,
    harness,
    platform,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

POSTGRESQL, SQLITE, LIMIT = "PostgreSQL", "SQLite", "limit"

CONNECTIONS = 4
WARM_UP = 60
COUNTED = 20
DEEP = 6_000
"""Projects before the deep page: a thousand pages of six."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    rounds: int
    requests: int
    only: str
    scale: int


@dataclass(frozen=True)
class Row:
    """A row of the table: paths, and the CPU time allowed for a request, in milliseconds."""

    name: str
    paths: list[str]
    app: float | None = None
    database: float | None = None


@dataclass(frozen=True)
class Cost:
    """The cost of a request: CPU time in milliseconds, bytes and seconds of its response."""

    app: float
    database: float
    size: int
    seconds: float


async def rows_of(server: Measured, token: str) -> list[Row]:
    """The rows of the quality requirements, with ids and words of this server."""
    page = await server.get("/projects?limit=100")
    projects = [project["id"] for project in page["items"]]
    names = {word for project in page["items"] for word in project["title"].split()}
    korean, english = [await _word(server, names, is_ascii=kind) for kind in (False, True)]
    rooms = [room["id"] for room in (await server.get("/rooms?limit=20", token))["items"]]
    cursor = await _deep_cursor(server)
    six = "/api/v1/projects?limit=6"
    return [
        Row("no database: /health/live", ["/health/live"]),
        Row("board, newest, 6 cards", [six], 1.2, 0.6),
        Row("board, 1,000 pages deep", [f"{six}&cursor={cursor}"], 1.2, 0.6),
        Row("board, any of two skills", [f"{six}&skill=Python&skill=React"], 1.5, 1.0),
        Row("board, by popularity", [f"{six}&sort=popular"]),
        Row("board, trending", [f"{six}&sort=trending"]),
        Row(f"text search, {english[1]} hits", [f"{six}&q={quote(english[0])}"], 1.5, 2.0),
        Row(f"text search, Korean, {korean[1]} hits", [f"{six}&q={quote(korean[0])}"], 1.5, 2.0),
        Row("text search, no hit", [f"{six}&q=zyzzyvas"], 1.5, 2.0),
        Row("text search, two characters", [f"{six}&q=%EC%84%9C%EB%B9%84"], 1.5, 2.0),
        Row("text search, two letters, no hit", [f"{six}&q=zq"], 1.5, 2.0),
        Row("text search, a rare syllable", [f"{six}&q=%EC%BE%8C"], 1.5, 2.0),
        Row(
            "project page, one view counted", [f"/api/v1/projects/{i}" for i in projects], 1.5, 0.8
        ),
        Row("room list, 20 rooms", ["/api/v1/rooms?limit=20"], 1.5, 0.8),
        Row(
            "messages of a room, 20",
            [f"/api/v1/rooms/{room}/messages?limit=20" for room in rooms],
            1.0,
            0.4,
        ),
        Row("recommendations", ["/api/v1/recommendations"], 1.5, 0.8),
    ]


async def _word(server: Measured, words: set[str], *, is_ascii: bool) -> tuple[str, int]:
    """The word with a number of hits nearest to 400, and that number."""
    hits = []
    for word in sorted(words):
        if len(word) >= 3 and word.isascii() is is_ascii:
            page = await server.get(f"/projects?limit=1&total=true&q={quote(word)}")
            hits.append((abs(page["total"] - 400), word, page["total"]))
    return min(hits)[1:]


async def _deep_cursor(server: Measured) -> str:
    """The cursor behind the first `DEEP` projects."""
    cursor = ""
    for _ in range(DEEP // 100):
        page = await server.get(f"/projects?limit=100{cursor and f'&cursor={cursor}'}")
        cursor = page["next"]
    return cursor


def calls_of(row: Row, token: str) -> list[Call]:
    """The row's requests, with the token if they need one."""
    is_private = any(part in row.paths[0] for part in ("/rooms", "/recommendations"))
    return [Call.to(path, token if is_private else None) for path in row.paths]


async def cost_of(server: Measured, calls: list[Call], requests: int) -> Cost:
    """The mean cost of `requests` requests, the calls in turn."""
    app_before, database_before = server.cpu()
    responses = await drive(server.port, calls, requests, CONNECTIONS)
    app, database = server.cpu()
    return Cost(
        (app - app_before) / requests,
        (database - database_before) / requests,
        round(statistics.mean(size for _, size in responses)),
        statistics.median(seconds for seconds, _ in responses),
    )


Costs = dict[tuple[str, int], list[Cost]]
"""Keys: name of the server and index of the row. Values: one cost per round."""


async def measure(
    servers: Mapping[str, Measured],
    calls: Mapping[str, list[list[Call]]],
    *,
    rounds: int,
    requests: int,
) -> Costs:
    """Measure all rows on all servers, in rounds after a warm-up. `calls` are by server."""
    costs: Costs = defaultdict(list)
    for number in range(rounds + 1):
        for index in range(len(next(iter(calls.values())))):
            for name, server in servers.items():
                cost = await cost_of(server, calls[name][index], requests if number else WARM_UP)
                if number:
                    costs[name, index].append(cost)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return costs


async def statements_of(server: Measured, calls: list[list[Call]], url: str) -> list[float]:
    """Number of SQL statements per request, for each row."""
    numbers = []
    for each in calls:
        with counting_statements(url) as counted:
            await drive(server.port, each, COUNTED, 1)
        numbers.append(counted[0] / COUNTED)
    return numbers


def table(rows: list[Row], costs: Costs, statements: list[float]) -> Iterator[str]:
    """The table in Markdown."""
    yield (
        "| work | app, ms | allowed | database, ms | allowed | bytes | statements "
        "| app at the limit, ms | ratio | median response, ms | on SQLite, ms |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for index, row in enumerate(rows):
        ours, limit, sqlite = (median(costs[name, index]) for name in (POSTGRESQL, LIMIT, SQLITE))
        yield " | ".join(
            [
                f"| {row.name}",
                f"{ours.app:.2f}",
                "" if row.app is None else f"{row.app}",
                f"{ours.database:.2f}",
                "" if row.database is None else f"{row.database}",
                f"{ours.size:,}",
                f"{statements[index]:.1f}",
                f"{limit.app:.2f}",
                f"{ours.app / limit.app:.1f}" if limit.app else "",
                f"{ours.seconds * 1000:.1f}",
                f"{sqlite.app:.2f} |",
            ]
        )
    spreads = [
        (max(cost.app for cost in row) - min(cost.app for cost in row)) / median(row).app
        for (name, _), row in costs.items()
        if name == POSTGRESQL
    ]
    yield ""
    spread = statistics.median(spreads)
    yield f"The rounds of a row differ by {spread:.0%} of its median (median of the rows)."


def median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.app for cost in costs),
        statistics.median(cost.database for cost in costs),
        costs[0].size,
        statistics.median(cost.seconds for cost in costs),
    )


def main() -> None:
    options = parse_options()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidepro-bench-")))
        postgres = stack.enter_context(DurablePostgres.start())
        url = postgres.fresh_database()
        settings = {
            POSTGRESQL: settings_of(folder / "postgresql", url),
            SQLITE: settings_of(folder / "sqlite", None),
        }
        print("filling two databases", file=sys.stderr)
        fill(settings[POSTGRESQL], scale=options.scale)
        fill(settings[SQLITE])
        servers = {
            name: stack.enter_context(platform(each, postgres if name == POSTGRESQL else None))
            for name, each in settings.items()
        }
        tokens = {name: asyncio.run(server.log_in()) for name, server in servers.items()}
        rows = {
            name: [
                row
                for row in asyncio.run(rows_of(server, tokens[name]))
                if options.only in row.name
            ]
            for name, server in servers.items()
        }
        calls = {name: [calls_of(row, tokens[name]) for row in rows[name]] for name in servers}
        calls[LIMIT] = calls[POSTGRESQL]
        paths = [path for row in rows[POSTGRESQL] for path in row.paths]
        (folder / "paths").write_text("\n".join(paths), "utf-8")
        with_token = {**settings[POSTGRESQL], "BENCH_TOKEN": tokens[POSTGRESQL]}
        servers[LIMIT] = stack.enter_context(
            harness("statements", str(folder / "paths"), settings=with_token, postgres=postgres)
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            costs = runner.run(
                measure(servers, calls, rounds=options.rounds, requests=options.requests)
            )
            statements = runner.run(statements_of(servers[POSTGRESQL], calls[POSTGRESQL], url))
        print("\n".join(table(rows[POSTGRESQL], costs, statements)))


def parse_options() -> Options:
    parser = argparse.ArgumentParser(
        prog="./just bench board", description="CPU time of requests."
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=800, help="requests of each row per round")
    parser.add_argument(
        "--scale", type=int, default=1, help="multiply the data on PostgreSQL, 1 to 999"
    )
    parser.add_argument("--only", default="", help="rows whose name contains this")
    return Options(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
