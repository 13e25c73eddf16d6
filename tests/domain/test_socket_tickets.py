"""Socket tickets: issuing and redeeming them."""

import pytest

from sidepro.adapters.in_process.socket_tickets import InProcessSocketTickets
from sidepro.domain.channels import Channel
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


class RecordingTickets(InProcessSocketTickets):
    """Records what is saved, and can be unavailable."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[tuple[bytes, TicketClaims, int]] = []
        self.is_down = False

    async def save(self, ticket_hash: bytes, admission: TicketClaims, seconds: int) -> None:
        if self.is_down:
            raise Unavailable
        self.saved.append((ticket_hash, admission, seconds))
        await super().save(ticket_hash, admission, seconds)


@pytest.fixture
def tickets() -> RecordingTickets:
    return RecordingTickets()


@pytest.fixture
def service(services: Services, tickets: RecordingTickets) -> TicketService:
    return TicketService(services.rooms, tickets, iter(NEW).__next__)


@awaited
async def test_a_ticket_is_redeemed_once_for_its_caller(
    services: Services, service: TicketService
) -> None:
    one, other, room_id = await services.chat()
    mine, theirs = (
        await service.issue_for_room(one, room_id),
        await service.issue_for_room(other, room_id),
    )
    assert mine != theirs
    assert await service.redeem_for_room(theirs, room_id) == other
    assert await service.redeem_for_room(mine, room_id) == one
    with pytest.raises(NotAuthenticated):
        await service.redeem_for_room(mine, room_id)


@awaited
async def test_only_the_digest_of_a_ticket_is_stored_for_thirty_seconds(
    services: Services, service: TicketService, tickets: RecordingTickets
) -> None:
    one, _, room_id = await services.chat()
    ticket = await service.issue_for_room(one, room_id)
    assert tickets.saved == [
        (token_digest(ticket), TicketClaims(one, Channel.room(room_id)), TICKET_TTL)
    ]
    assert TICKET_TTL <= 30


@awaited
async def test_a_ticket_redeemed_for_another_room_is_used_up(
    services: Services, service: TicketService
) -> None:
    one, _, room_id = await services.chat()
    third = await services.person()
    another, *_ = await services.consent.open_room(one, third.id)
    ticket = await service.issue_for_room(one, room_id)
    for door in (another.id, room_id):
        with pytest.raises(NotAuthenticated):
            await service.redeem_for_room(ticket, door)


@pytest.mark.parametrize("text", ["", "nonsense", "x" * 8_000, "표"])
def test_an_invalid_ticket_is_refused(
    services: Services, service: TicketService, text: str
) -> None:
    @awaited
    async def shown() -> None:
        _, _, room_id = await services.chat()
        with pytest.raises(NotAuthenticated):
            await service.redeem_for_room(text, room_id)

    shown()


@awaited
async def test_only_participants_get_a_ticket(
    services: Services, service: TicketService, tickets: RecordingTickets
) -> None:
    one, _, room_id = await services.chat()
    stranger: Caller = await services.person()
    for caller, room in ((stranger, room_id), (one, RoomId(factories.new_id()))):
        with pytest.raises(NotFound):
            await service.issue_for_room(caller, room)
    await services.rooms.leave(one, room_id)
    with pytest.raises(NotFound):
        await service.issue_for_room(one, room_id)
    assert tickets.saved == []


@awaited
async def test_a_ticket_that_cannot_be_stored_is_not_issued(
    services: Services, service: TicketService, tickets: RecordingTickets
) -> None:
    one, _, room_id = await services.chat()
    tickets.is_down = True
    with pytest.raises(Unavailable):
        await service.issue_for_room(one, room_id)
