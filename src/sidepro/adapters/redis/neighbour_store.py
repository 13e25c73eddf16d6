"""The result of the similarity job, shared by all processes.

A result is stored in blocks of fixed-length rows: people ordered by id, and groups of people with
the same skills. Its token is a digest of its content, so an unchanged result is not written again.
A new one is written beside the old one, and one script makes it current. Another script finds a
person's row by binary search, and the rows of their neighbours. A million people take 0.3 GB, and
a lookup some 80 reads within the server.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.similarity.neighbour_rows import decoded, encoded_names
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import MAX_NEIGHBOURS
from sidepro.domain.recommendations.packed import (
    ID_SIZE,
    NO_NEIGHBOUR,
    PLACE_SIZE,
    STORED_NEIGHBOURS,
    Similarities,
)
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun

log = structlog.get_logger(__name__)

ROWS: Final = 4_096
"""Rows in a block, about a megabyte."""

PIPELINE_BLOCKS = 4
"""Blocks that are written or read in one round trip."""

UNUSED_TTL = 3_600
"""Seconds until blocks that never became current expire, for example after a crash."""

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)

GROUP_SIZE: Final = 1 + STORED_NEIGHBOURS * PLACE_SIZE
LAYOUT: Final = f"1:{ROWS}:{STORED_NEIGHBOURS}"
"""Version of the block format. A result in the format of another version is ignored."""

INCOMPLETE = -1
"""Reply of the script when a block of the result does not exist."""

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

_MAKE_CURRENT = (
    _BLOCKS
    + f"""
local token, computed_at, now = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local new = blocks(token, tonumber(ARGV[2]), tonumber(ARGV[3]), {ROWS})
local old = redis.call("HMGET", KEYS[1], "token", "people", "groups", "rows", "computed_at")
local is_changed = old[1] ~= token
for _, name in ipairs(new) do
    if redis.call("EXISTS", name) == 0 then
        if is_changed then
            each("UNLINK", new)
        end
        return {INCOMPLETE}
    end
end
each("PERSIST", new)
if is_changed then
    local before = tonumber(old[5] or -1)
    -- A result from the future is replaced: it was computed while the clock was ahead.
    if computed_at <= before and before <= now then
        each("UNLINK", new)
        return 0
    end
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
local user = ARGV[1]
local entry = {ID_SIZE} + width
local is_complete = true
local function row(kind, place, size)
    local from = place % {ROWS} * size
    local name = "similarity:" .. token .. ":" .. kind .. ":" .. math.floor(place / {ROWS})
    local found = redis.call("GETRANGE", name, from, from + size - 1)
    is_complete = is_complete and #found == size
    return found
end
local function is_before(one, other)
    for index = 1, {ID_SIZE} do
        local a, b = one:byte(index) or 0, other:byte(index)
        if a ~= b then
            return a < b
        end
    end
    return false
end
local low, high = 0, people
while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(row("people", middle, entry + {PLACE_SIZE + 1}), user) then
        low = middle + 1
    else
        high = middle
    end
end
local own = low < people and row("people", low, entry + {PLACE_SIZE + 1}) or ""
if not is_complete then
    return false
end
if own:sub(1, {ID_SIZE}) ~= user then
    return {{run[1]}}
end
local neighbours = {{}}
local nearest = row("groups", struct.unpack("<I4", own, entry + 1), {GROUP_SIZE})
for index = 2, #nearest, {PLACE_SIZE} do
    local place = struct.unpack("<I4", nearest, index)
    if place == {NO_NEIGHBOUR} or #neighbours == {MAX_NEIGHBOURS} then
        break
    end
    if place ~= low then
        neighbours[#neighbours + 1] = row("people", place, entry + {PLACE_SIZE + 1}):sub(1, entry)
    end
end
if not is_complete then
    return false
end
return {{run[1], run[2], own:sub({ID_SIZE} + 1, entry), table.concat(neighbours)}}
"""


class RedisNeighbourStore:
    """See `sidepro.domain.recommendations.ports.NeighbourStore`. Fails while Redis is down. If
    Redis loses a part of a result, there is none until the next run.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._make_current_script = redis.script(_MAKE_CURRENT)
        self._neighbours = redis.script(_NEIGHBOURS)

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        token = await asyncio.to_thread(_digest, similarities)
        outcome = await self._make_current(token, similarities, run)
        if outcome == INCOMPLETE:
            from sidepro.adapters.similarity import rows  # noqa: PLC0415 - NumPy

            for kind, encode in (("people", rows.people), ("groups", rows.groups)):
                encoded = await asyncio.to_thread(encode, similarities, ROWS)
                for blocks in _batches(encoded):
                    await self._redis.execute(
                        partial(
                            _write,
                            token=token,
                            kind=kind,
                            blocks=blocks,
                            prefix=self._redis.key(""),
                        )
                    )
            outcome = await self._make_current(token, similarities, run)
        if outcome == INCOMPLETE:
            log.warning("similarity_not_stored", reason="Redis has evicted a part of it")
            raise Unavailable
        return bool(outcome)

    async def _make_current(
        self, token: str, similarities: Similarities, run: SimilarityRun
    ) -> int:
        """Make the blocks with this token the current result. Returns 1 if they are, 0 if there is
        a later result, or `INCOMPLETE`. Safe to repeat.
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
            lambda redis: self._make_current_script(
                [self._redis.key(_RUN)], arguments, client=redis
            )
        )
        return int(outcome)

    async def latest(self) -> Similarities | None:
        run = await self._read_run()
        if not run or run.get(b"layout") != LAYOUT.encode():
            return None
        from sidepro.adapters.similarity import rows  # noqa: PLC0415 - NumPy

        token = str(run[b"token"], "ascii")
        number_of_people, number_of_groups = int(run[b"people"]), int(run[b"groups"])
        width = int(run[b"width"])
        try:
            people = await self._rows(
                token, "people", number_of_people, rows.person(width).itemsize
            )
            groups = await self._rows(token, "groups", number_of_groups, GROUP_SIZE)
        except LookupError:
            return None
        return rows.similarities(tuple(json.loads(run[b"names"])), width, people, groups)

    async def _rows(self, token: str, kind: str, number: int, size: int) -> bytes:
        """All rows of a result, each of `size` bytes.

        Raises:
            LookupError: a block is missing or incomplete.
        """
        content = bytearray()
        for start in range(0, number, ROWS * PIPELINE_BLOCKS):
            stop = min(number, start + ROWS * PIPELINE_BLOCKS)
            keys = [
                self._redis.key(_block(token, kind, place // ROWS))
                for place in range(start, stop, ROWS)
            ]
            blocks = await self._redis.execute(partial(_read, keys=keys))
            if None in blocks:
                raise LookupError(kind)
            content += b"".join(blocks)
        if len(content) != number * size:
            raise LookupError(kind)
        return bytes(content)

    async def _read_run(self) -> dict[Any, Any]:
        """The description of the current result; empty if there is none."""
        return await self._redis.execute(lambda redis: redis.hgetall(self._redis.key(_RUN)))

    async def last_run(self) -> SimilarityRun | None:
        run = await self._read_run()
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
            lambda redis: self._neighbours([self._redis.key(_RUN)], [user_id.bytes], client=redis)
        )
        if found is None:
            return Neighbourhood((), None)
        computed_at = _moment(found[0])
        if len(found) == 1:
            return Neighbourhood((), computed_at)
        return Neighbourhood(decoded(found[1], user_id, found[2], found[3]), computed_at)


def _digest(similarities: Similarities) -> str:
    """A digest of the content and its format, as 32 hexadecimal digits."""
    population = similarities.population
    digest = blake2b(f"{LAYOUT} {encoded_names(population.names)}".encode(), digest_size=16)
    for content in (
        population.ids,
        population.skills,
        population.published,
        similarities.groups,
        similarities.complete,
        similarities.nearest,
    ):
        digest.update(f" {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _batches(blocks: list[memoryview]) -> Iterator[list[tuple[int, memoryview]]]:
    indexed = list(enumerate(blocks))
    for start in range(0, len(indexed), PIPELINE_BLOCKS):
        yield indexed[start : start + PIPELINE_BLOCKS]


async def _write(
    redis: Redis,
    *,
    token: str,
    kind: str,
    blocks: list[tuple[int, memoryview]],
    prefix: str = "",
) -> None:
    async with redis.pipeline(transaction=False) as pipeline:
        for number, block in blocks:
            # a pipeline's commands are queued, not awaited
            _ = pipeline.set(prefix + _block(token, kind, number), block, ex=UNUSED_TTL)
        await pipeline.execute()


async def _read(redis: Redis, *, keys: list[str]) -> list[Any]:
    return await redis.mget(keys)


def _block(token: str, kind: str, number: int) -> str:
    return f"similarity:{token}:{kind}:{number}"


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _moment(microseconds: bytes | str) -> datetime:
    return EPOCH + int(microseconds) * MICROSECOND
