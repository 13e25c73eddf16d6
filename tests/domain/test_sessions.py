"""Sessions: refresh tokens, lifetimes and revocation."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from sidepro.adapters.in_process import session_registry as gate_module
from sidepro.adapters.in_process.session_registry import CACHE_TTL, InProcessSessionRegistry
from sidepro.domain.accounts.session import (
    RefreshToken,
    Session,
    SessionTtl,
    TokenUse,
)
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import SessionId, UserId
from tests import factories
from tests.domain.services import awaited
from tests.factories import NOW, new_id
from tests.fakes.readers import MemoryReader
from tests.fakes.store import MemoryStore

SESSION = factories.session(UserId(new_id()))


UNUSED = factories.refresh_token(SESSION)


USED = replace(UNUSED, used_at=NOW)


@pytest.mark.parametrize(
    ("token", "seconds", "successors", "successor_used", "meaning"),
    [
        (UNUSED, 0, 0, False, TokenUse.FIRST),
        (UNUSED, 1_000_000, 0, False, TokenUse.FIRST),
        (USED, 0, 1, False, TokenUse.GRACE),
        (USED, 0, 2, False, TokenUse.GRACE),
        (USED, 0, 3, False, TokenUse.REPLAY),
        (USED, 60, 1, False, TokenUse.GRACE),
        (USED, 60.000001, 1, False, TokenUse.REPLAY),
        (USED, 0, 1, True, TokenUse.REPLAY),
        (USED, 60.000001, 2, True, TokenUse.REPLAY),
        # Another process wrote the use, and its clock is ahead of ours.
        (USED, -0.5, 1, False, TokenUse.GRACE),
    ],
)
def test_what_presenting_a_token_means(
    token: RefreshToken, seconds: float, successors: int, successor_used: bool, meaning: TokenUse
) -> None:
    now = NOW + timedelta(seconds=seconds)
    found = token.use_at(now, successors=successors, successor_used=successor_used)
    assert found is meaning


def test_a_token_knows_its_parent_and_not_its_text() -> None:
    first = RefreshToken.issue("first", SESSION.id, None, NOW)
    second = RefreshToken.issue("second", SESSION.id, first, NOW)
    assert (first.parent, second.parent) == (None, token_digest("first"))
    assert "second" not in repr(second)


def test_a_session_lasts_so_long_unused_and_so_long_in_all() -> None:
    day = timedelta(days=1)
    session = Session.start(SESSION.id, SESSION.user_id, None, NOW, SessionTtl(2 * day, 5 * day))
    assert not session.is_expired(NOW + 2 * day - timedelta(microseconds=1))
    assert session.is_expired(NOW + 2 * day)
    session = session.used(NOW + day, SessionTtl(2 * day, 5 * day))
    assert (session.last_used_at, session.expires_at) == (NOW + day, NOW + 3 * day)
    session = session.used(NOW + 4 * day, SessionTtl(2 * day, 5 * day))
    assert session.expires_at == NOW + 5 * day
    brief = Session.start(SESSION.id, SESSION.user_id, None, NOW, SessionTtl(9 * day, day))
    assert brief.expires_at == NOW + day


class CountingReader(MemoryReader):
    """Says which sessions are live, when it is let; counts the questions."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(factories.CATALOGUE))
        self.live: set[SessionId] = set()
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: object
    ) -> frozenset[SessionId]:
        self.asked += 1
        found = frozenset(self.live.intersection(session_ids))
        await self.may_answer.wait()
        return found


@dataclass
class Stopwatch:
    """Stands in for the module `time`."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Gate:
    """A gate, what it asks, and its time."""

    reader: CountingReader
    watch: Stopwatch
    session_registry: InProcessSessionRegistry
    one: SessionId = field(default_factory=lambda: SessionId(new_id()))
    other: SessionId = field(default_factory=lambda: SessionId(new_id()))


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Gate:
    watch, reader = Stopwatch(), CountingReader()
    monkeypatch.setattr(gate_module, "time", watch)
    found = Gate(reader, watch, InProcessSessionRegistry(reader, factories.SetClock()))
    reader.live |= {found.one, found.other}
    return found


@awaited
async def test_a_live_session_is_remembered_for_less_than_a_second(house: Gate) -> None:
    assert await house.session_registry.is_active(house.one)
    house.watch.now += CACHE_TTL - 0.001
    assert await house.session_registry.is_active(house.one)
    assert house.reader.asked == 1
    house.reader.live.clear()
    house.watch.now += 0.001
    assert not await house.session_registry.is_active(house.one)
    assert house.reader.asked == 2


@awaited
async def test_a_session_that_is_not_live_is_not_remembered(house: Gate) -> None:
    house.reader.live.clear()
    assert not await house.session_registry.is_active(house.one)
    house.reader.live.add(house.one)
    assert await house.session_registry.is_active(house.one)


@awaited
async def test_what_ended_here_is_refused_at_once(house: Gate) -> None:
    assert await house.session_registry.is_active(house.one)
    assert await house.session_registry.is_active(house.other)
    house.reader.live.remove(house.one)
    await house.session_registry.revoke([house.one])
    assert not await house.session_registry.is_active(house.one)
    assert await house.session_registry.is_active(house.other)
    assert house.reader.asked == 3


@awaited
async def test_what_ends_during_a_look_up_is_not_remembered(house: Gate) -> None:
    house.reader.may_answer.clear()
    looking = asyncio.create_task(house.session_registry.is_active(house.one))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert house.reader.asked == 1
    house.reader.live.clear()
    await house.session_registry.revoke([house.one])
    house.reader.may_answer.set()
    await looking
    assert not await house.session_registry.is_active(house.one)


@awaited
async def test_the_age_of_an_answer_counts_from_the_question(house: Gate) -> None:
    house.reader.may_answer.clear()
    looking = asyncio.create_task(house.session_registry.is_active(house.one))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    house.reader.live.clear()
    house.watch.now += CACHE_TTL
    house.reader.may_answer.set()
    assert await looking
    assert not await house.session_registry.is_active(house.one)


@awaited
async def test_no_more_sessions_are_remembered_than_fit(
    house: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "MAX_CACHED", 1)
    for session_id in (house.one, house.other, house.other, house.one):
        assert await house.session_registry.is_active(session_id)
    assert house.reader.asked == 3


@awaited
async def test_who_waits_for_an_end_hears_of_it(house: Gate) -> None:
    waiting = [asyncio.create_task(house.session_registry.wait_for_revocation()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await house.session_registry.revoke([house.one])
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    again = asyncio.create_task(house.session_registry.wait_for_revocation())
    await asyncio.sleep(0)
    assert not again.done(), "the next end, not the last one"
    await house.session_registry.revoke([])
    await asyncio.wait_for(again, 5)
