"""Tickets for sockets: whom they are given to, and what they open."""

import pytest

from sidepro.adapters.in_process.socket_tickets import InProcessSocketTickets
from sidepro.domain.errors import NotAuthenticated, NotFound, Unavailable
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.ticket_service import (
    TICKET_TTL,
    TicketClaims,
    TicketService,
)
from tests import factories
from tests.domain.services import Services, awaited

NEW = ["first", "second", "third"]


class NotedTickets(InProcessSocketTickets):
    """Notes for how long what is kept, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[bytes, TicketClaims, int]] = []
        self.away = False

    async def save(self, ticket_hash: bytes, admission: TicketClaims, seconds: int) -> None:
        if self.away:
            raise Unavailable
        self.noted.append((ticket_hash, admission, seconds))
        await super().save(ticket_hash, admission, seconds)


@pytest.fixture
def kept() -> NotedTickets:
    return NotedTickets()


@pytest.fixture
def service(services: Services, kept: NotedTickets) -> TicketService:
    return TicketService(services.rooms, kept, iter(NEW).__next__)


@awaited
async def test_a_ticket_opens_one_socket_of_whoever_asked_for_it(
    services: Services, service: TicketService
) -> None:
    one, other, room_id = await services.chat()
    mine, theirs = await service.issue(one, room_id), await service.issue(other, room_id)
    assert mine != theirs
    assert await service.redeem(theirs, room_id) == other
    assert await service.redeem(mine, room_id) == one
    with pytest.raises(NotAuthenticated):
        await service.redeem(mine, room_id)


@awaited
async def test_of_a_ticket_only_its_hash_is_kept_and_for_half_a_minute(
    services: Services, service: TicketService, kept: NotedTickets
) -> None:
    one, _, room_id = await services.chat()
    ticket = await service.issue(one, room_id)
    assert kept.noted == [(token_digest(ticket), TicketClaims(one, room_id), TICKET_TTL)]
    assert TICKET_TTL <= 30


@awaited
async def test_a_ticket_shown_at_another_room_is_lost(
    services: Services, service: TicketService
) -> None:
    one, _, room_id = await services.chat()
    third = await services.person()
    another, *_ = await services.rooms.open(one, third.id)
    ticket = await service.issue(one, room_id)
    for door in (another.id, room_id):
        with pytest.raises(NotAuthenticated):
            await service.redeem(ticket, door)


@pytest.mark.parametrize("text", ["", "nonsense", "x" * 8_000, "표"])
def test_what_is_no_ticket_opens_nothing(
    services: Services, service: TicketService, text: str
) -> None:
    @awaited
    async def shown() -> None:
        _, _, room_id = await services.chat()
        with pytest.raises(NotAuthenticated):
            await service.redeem(text, room_id)

    shown()


@awaited
async def test_who_is_not_in_the_room_gets_no_ticket(
    services: Services, service: TicketService, kept: NotedTickets
) -> None:
    one, _, room_id = await services.chat()
    stranger: Caller = await services.person()
    for caller, room in ((stranger, room_id), (one, RoomId(factories.new_id()))):
        with pytest.raises(NotFound):
            await service.issue(caller, room)
    await services.rooms.leave(one, room_id)
    with pytest.raises(NotFound):
        await service.issue(one, room_id)
    assert kept.noted == []


@awaited
async def test_no_ticket_is_given_out_that_is_not_kept(
    services: Services, service: TicketService, kept: NotedTickets
) -> None:
    one, _, room_id = await services.chat()
    kept.away = True
    with pytest.raises(Unavailable):
        await service.issue(one, room_id)
