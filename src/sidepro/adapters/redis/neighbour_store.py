"""The neighbours that the similarity job found, where all processes find them.

A result is a few blocks of rows of one length: people in the order of their ids, and the groups
of those with the same skills. A new one is written beside the old one, and one script puts it in
its place. Another script finds a person's row by halving, and the rows of those near to them: a
million people take 0.3 GB, and a reading some 80 short looks within the server.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import structlog
from redis.asyncio import Redis

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.similarity import arrays
from sidepro.adapters.similarity.arrays import column
from sidepro.adapters.similarity.neighbour_rows import decoded, encoded_names
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import MAX_NEIGHBOURS
from sidepro.domain.recommendations.packed import (
    ID_SIZE,
    NO_NEIGHBOUR,
    PLACE_SIZE,
    STORED_NEIGHBOURS,
    Bytes,
    Population,
    Similarities,
)
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun

log = structlog.get_logger(__name__)

ROWS: Final = 4_096
"""Of a block: about a megabyte."""

BLOCKS_AT_ONCE = 4

PIPELINE_BATCH = 1 << 20
"""Bytes that are compared at once."""

RETRY_LIMIT = 3_600
"""Seconds after which the blocks go that a killed process has left behind."""

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)

GROUP_SIZE: Final = 1 + STORED_NEIGHBOURS * PLACE_SIZE
LAYOUT: Final = f"1:{ROWS}:{STORED_NEIGHBOURS}"
"""Of the blocks. A result of another one, by another version of the program, is none."""

LOST = -1
"""What the switch says when a block of the new result is gone."""

_RUN = "similarity:run"

_BLOCKS = """
local function blocks(token, people, groups, rows)
    local names = {}
    for kind, number in pairs({people = people, groups = groups}) do
        for block = 0, math.ceil(number / rows) - 1 do
            names[#names + 1] = "similarity:" .. token .. ":" .. kind .. ":" .. block
        end
    end
    return names
end
local function each(command, names)
    for _, name in ipairs(names) do
        redis.call(command, name)
    end
end
"""

_SWITCH = (
    _BLOCKS
    + f"""
local token, computed_at, now = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local new = blocks(token, tonumber(ARGV[2]), tonumber(ARGV[3]), {ROWS})
local old = redis.call("HMGET", KEYS[1], "token", "people", "groups", "rows", "computed_at")
-- Else it is the same result once more: computed again, or a reply was lost and this sent again.
local is_another = old[1] ~= token
for _, name in ipairs(new) do
    if redis.call("EXISTS", name) == 0 then
        if is_another then
            each("UNLINK", new)
        end
        return {LOST}
    end
end
if is_another then
    local before = tonumber(old[5] or -1)
    -- One made while the clock was ahead is replaced: real time would take long to catch up.
    if computed_at <= before and before <= now then
        each("UNLINK", new)
        return 0
    end
    each("PERSIST", new)
    if old[1] then
        each("UNLINK", blocks(old[1], tonumber(old[2]), tonumber(old[3]), tonumber(old[4])))
    end
end
redis.call("HSET", KEYS[1], "token", token, "people", ARGV[2], "groups", ARGV[3],
    "rows", {ROWS}, "layout", "{LAYOUT}", "computed_at", ARGV[4], "seconds", ARGV[6],
    "changed", ARGV[7], "width", ARGV[8], "names", ARGV[9])
return 1
"""
)

_NEIGHBOURS = f"""
local run = redis.call("HMGET", KEYS[1],
    "computed_at", "names", "token", "people", "width", "layout")
local token, people, width = run[3], tonumber(run[4] or 0), tonumber(run[5])
if run[6] ~= "{LAYOUT}" then
    return false
end
local wanted = ARGV[1]
local entry = {ID_SIZE} + width
local is_whole = true
local function row(kind, place, size)
    local from = place % {ROWS} * size
    local name = "similarity:" .. token .. ":" .. kind .. ":" .. math.floor(place / {ROWS})
    local found = redis.call("GETRANGE", name, from, from + size - 1)
    is_whole = is_whole and #found == size
    return found
end
local function is_before(one, other)
    for at = 1, {ID_SIZE} do
        local a, b = one:byte(at) or 0, other:byte(at)
        if a ~= b then
            return a < b
        end
    end
    return false
end
local low, high = 0, people
while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(row("people", middle, entry + {PLACE_SIZE + 1}), wanted) then
        low = middle + 1
    else
        high = middle
    end
end
local own = low < people and row("people", low, entry + {PLACE_SIZE + 1}) or ""
if not is_whole then
    return false
end
if own:sub(1, {ID_SIZE}) ~= wanted then
    return {{run[1]}}
end
local found = {{}}
local nearest = row("groups", struct.unpack("<I4", own, entry + 1), {GROUP_SIZE})
for at = 2, #nearest, {PLACE_SIZE} do
    local place = struct.unpack("<I4", nearest, at)
    if place == {NO_NEIGHBOUR} or #found == {MAX_NEIGHBOURS} then
        break
    end
    if place ~= low then
        found[#found + 1] = row("people", place, entry + {PLACE_SIZE + 1}):sub(1, entry)
    end
end
if not is_whole then
    return false
end
return {{run[1], run[2], own:sub({ID_SIZE} + 1, entry), table.concat(found)}}
"""


class RedisNeighbourStore:
    """See `sidepro.domain.recommendations.ports.NeighbourStore`.

    When Redis has lost a result, or a part of it, there is none until the next run. One that is
    the same as the one before is not written again.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._switch = redis.redis.register_script(_SWITCH)
        self._neighbours = redis.redis.register_script(_NEIGHBOURS)
        self._written: tuple[str, Similarities] | None = None

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        if self._written:
            token, before = self._written
            if await asyncio.to_thread(_are_same, similarities, before):
                outcome = await self._put(token, similarities, run)
                if outcome != LOST:
                    return bool(outcome)
        token = uuid4().hex
        for kind, rows_of in (("people", _people_of), ("groups", _groups_of)):
            rows = await asyncio.to_thread(rows_of, similarities)
            for blocks in _some_at_once(_cut(rows)):
                await self._redis.execute(partial(_write, token=token, kind=kind, blocks=blocks))
        outcome = await self._put(token, similarities, run)
        if outcome == LOST:
            log.warning("similarity_not_stored", reason="Redis has dropped a part of it")
            raise Unavailable
        if outcome:
            self._written = token, similarities
        return bool(outcome)

    async def _put(self, token: str, similarities: Similarities, run: SimilarityRun) -> int:
        """Make the blocks with this token the result; 1 when they are, 0 when there is a later
        one, or `LOST`. May be done twice.
        """
        population = similarities.population
        arguments: list[str | int | float] = [
            token,
            len(population),
            len(similarities.complete),
            _microseconds(run.computed_at),
            _microseconds(datetime.now(UTC)),
            run.seconds,
            run.changed,
            population.width,
            encoded_names(population.names),
        ]
        outcome = await self._redis.execute(
            lambda redis: self._switch([_RUN], arguments, client=redis)
        )
        return int(outcome)

    async def latest(self) -> Similarities | None:
        run = await self._facts()
        if not run or run.get(b"layout") != LAYOUT.encode():
            return None
        token = str(run[b"token"], "ascii")
        number_of_people, number_of_groups = int(run[b"people"]), int(run[b"groups"])
        try:
            people = await self._rows(
                token, "people", number_of_people, _person(int(run[b"width"]))
            )
            groups = await self._rows(token, "groups", number_of_groups, _GROUP)
        except LookupError:
            return None
        return Similarities(
            Population(
                tuple(json.loads(run[b"names"])),
                column(people["id"]),
                column(people["skills"]),
                column(people["published"]),
            ),
            column(people["group"]),
            column(groups["nearest"]),
            column(groups["complete"]),
        )

    async def _rows(
        self, token: str, kind: str, number: int, row: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        """All rows of a result.

        Raises:
            LookupError: a block, or a part of it, is not there.
        """
        found = bytearray()
        for start in range(0, number, ROWS * BLOCKS_AT_ONCE):
            stop = min(number, start + ROWS * BLOCKS_AT_ONCE)
            names = [_block(token, kind, at // ROWS) for at in range(start, stop, ROWS)]
            blocks = await self._redis.execute(partial(_read, names=names))
            if None in blocks:
                raise LookupError(kind)
            found += b"".join(blocks)
        if len(found) != number * row.itemsize:
            raise LookupError(kind)
        return np.frombuffer(bytes(found), row)

    async def _facts(self) -> dict[Any, Any]:
        """What is said of the last result; nothing where there is none."""
        return await self._redis.execute(lambda redis: redis.hgetall(_RUN))

    async def last_run(self) -> SimilarityRun | None:
        run = await self._facts()
        if not run:
            return None
        return SimilarityRun(
            _moment(run[b"computed_at"]),
            float(run[b"seconds"]),
            int(run[b"people"]),
            int(run[b"changed"]),
        )

    async def of(self, user_id: UserId) -> Neighbourhood:
        found = await self._redis.execute(
            lambda redis: self._neighbours([_RUN], [user_id.bytes], client=redis)
        )
        if found is None:
            return Neighbourhood((), None)
        computed_at = _moment(found[0])
        if len(found) == 1:
            return Neighbourhood((), computed_at)
        return Neighbourhood(decoded(found[1], user_id, found[2], found[3]), computed_at)


_GROUP = np.dtype([("complete", "u1"), ("nearest", arrays.PLACE, (STORED_NEIGHBOURS,))])


def _person(width: int) -> np.dtype[Any]:
    return np.dtype(
        [
            ("id", f"V{ID_SIZE}"),
            ("skills", f"V{width}"),
            ("group", arrays.PLACE),
            ("published", "u1"),
        ]
    )


def _people_of(similarities: Similarities) -> npt.NDArray[Any]:
    population = similarities.population
    rows = np.empty(len(population), _person(population.width))
    rows["id"] = np.frombuffer(population.ids, f"V{ID_SIZE}")
    rows["skills"] = np.frombuffer(population.skills, f"V{population.width}")
    rows["group"] = arrays.groups(similarities)
    rows["published"] = arrays.published(population)
    return rows


def _groups_of(similarities: Similarities) -> npt.NDArray[Any]:
    nearest = arrays.nearest(similarities)
    rows = np.empty(len(nearest), _GROUP)
    rows["complete"], rows["nearest"] = arrays.complete(similarities), nearest
    return rows


def _are_same(one: Similarities, other: Similarities) -> bool:
    people, others = one.population, other.population
    pairs = (
        (people.ids, others.ids),
        (people.skills, others.skills),
        (people.published, others.published),
        (one.groups, other.groups),
        (one.complete, other.complete),
        (one.nearest, other.nearest),
    )
    return people.names == others.names and all(_are_same_bytes(*pair) for pair in pairs)


def _are_same_bytes(one: Bytes, other: Bytes) -> bool:
    return len(one) == len(other) and all(
        bytes(one[start : start + PIPELINE_BATCH]) == bytes(other[start : start + PIPELINE_BATCH])
        for start in range(0, len(one), PIPELINE_BATCH)
    )


def _cut(rows: npt.NDArray[Any]) -> list[memoryview]:
    return [column(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]


def _some_at_once(blocks: list[memoryview]) -> Iterator[list[tuple[int, memoryview]]]:
    numbered = list(enumerate(blocks))
    for start in range(0, len(numbered), BLOCKS_AT_ONCE):
        yield numbered[start : start + BLOCKS_AT_ONCE]


async def _write(
    redis: Redis, *, token: str, kind: str, blocks: list[tuple[int, memoryview]]
) -> None:
    async with redis.pipeline(transaction=False) as pipeline:
        for number, block in blocks:
            # a pipeline's commands are queued, not awaited
            _ = pipeline.set(_block(token, kind, number), block, ex=RETRY_LIMIT)
        await pipeline.execute()


async def _read(redis: Redis, *, names: list[str]) -> list[Any]:
    return await redis.mget(names)


def _block(token: str, kind: str, number: int) -> str:
    return f"similarity:{token}:{kind}:{number}"


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _moment(microseconds: bytes | str) -> datetime:
    return EPOCH + int(microseconds) * MICROSECOND
