"""`SocketTickets`: in one process, and shared over Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from sidepro.adapters.in_process.socket_tickets import InProcessSocketTickets
from sidepro.adapters.redis.socket_tickets import RedisSocketTickets
from sidepro.domain.channels import Channel
from sidepro.domain.errors import Unavailable
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import (
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.rooms.ticket_service import (
    TICKET_TTL,
    SocketTickets,
    TicketClaims,
)
from tests.contracts.processes import (
    MEMORY_AND_REDIS,
    adapter_of_another_process,
    redis_client,
)
from tests.factories import at_once, new_id
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio

TICKET = token_digest("a ticket")

AnotherProcess = Callable[[], SocketTickets]


@pytest.fixture(params=MEMORY_AND_REDIS)
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[AnotherProcess]:
    """Returns the tickets of another process."""
    tickets: SocketTickets = InProcessSocketTickets()
    async with adapter_of_another_process(request, tickets, RedisSocketTickets) as another:
        yield another


def new_claims(*, is_admin: bool = False) -> TicketClaims:
    caller = Caller(UserId(new_id()), SessionId(new_id()), is_admin)
    return TicketClaims(caller, Channel.room(RoomId(new_id())))


@pytest.mark.parametrize("is_admin", [False, True])
async def test_a_ticket_can_be_taken_once_by_any_process(
    processes: AnotherProcess, is_admin: bool
) -> None:
    here, there, claims = processes(), processes(), new_claims(is_admin=is_admin)
    await here.save(TICKET, claims, TICKET_TTL)
    assert await there.take(TICKET) == claims
    assert await there.take(TICKET) is None
    assert await here.take(TICKET) is None


async def test_an_unknown_ticket_has_no_claims(processes: AnotherProcess) -> None:
    tickets = processes()
    await tickets.save(TICKET, new_claims(), TICKET_TTL)
    assert await tickets.take(token_digest("another ticket")) is None


async def test_of_concurrent_takes_exactly_one_gets_the_claims(processes: AnotherProcess) -> None:
    everywhere = [processes() for _ in range(4)]
    claims = new_claims()
    await everywhere[0].save(TICKET, claims, TICKET_TTL)
    taken = await at_once([partial(everywhere[n % 4].take, TICKET) for n in range(20)])
    assert [one for one in taken if one] == [claims]


async def test_tickets_are_stored_separately(processes: AnotherProcess) -> None:
    tickets = processes()
    claims = {token_digest(str(number)): new_claims() for number in range(3)}
    for ticket, its_own in claims.items():
        await tickets.save(ticket, its_own, TICKET_TTL)
    assert {ticket: await tickets.take(ticket) for ticket in claims} == claims


async def test_an_expired_ticket_cannot_be_taken(processes: AnotherProcess) -> None:
    tickets = processes()
    await tickets.save(TICKET, new_claims(), 1)
    await asyncio.sleep(1.05)
    assert await tickets.take(TICKET) is None


# ------------------------------------------------------------------------------- in memory alone


async def test_in_process_a_ticket_is_valid_until_its_expiry() -> None:
    now = 1000.0
    tickets = InProcessSocketTickets(lambda: now)
    for ticket in (b"early", b"late"):
        await tickets.save(ticket, new_claims(), TICKET_TTL)
    now += TICKET_TTL - 0.01
    assert await tickets.take(b"early") is not None
    now += 0.01
    assert await tickets.take(b"late") is None


async def test_in_process_expired_tickets_are_removed() -> None:
    now = 1000.0
    tickets = InProcessSocketTickets(lambda: now)
    for number in range(100):
        await tickets.save(token_digest(str(number)), new_claims(), TICKET_TTL)
        now += 1
    assert len(tickets._tickets) <= TICKET_TTL


# --------------------------------------------------------------------------------- Redis alone


async def test_a_ticket_in_redis_has_an_expiry(redis_server: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        await RedisSocketTickets(redis_client(redis_server.url, stack)).save(
            TICKET, new_claims(), 30
        )
    with redis_server.client() as client:
        (key,) = client.keys("*ticket*")
        assert 28_000 < client.pttl(key) <= 30_000
        assert key.endswith(TICKET.hex().encode()), "stored by its digest"


async def test_during_a_redis_outage_tickets_are_unavailable() -> None:
    async with AsyncExitStack() as stack:
        tickets = RedisSocketTickets(redis_client(f"redis://127.0.0.1:{free_port()}", stack))
        for _ in range(2):
            with pytest.raises(Unavailable):
                await tickets.save(TICKET, new_claims(), 30)
            with pytest.raises(Unavailable):
                await tickets.take(TICKET)
