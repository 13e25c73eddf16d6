"""Requests whose time is over: what is stored, and what both people are told."""

from datetime import timedelta

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.channels import ItemChanged
from sidepro.domain.coffee_chats.chat_request import REQUEST_TTL, RequestState
from sidepro.domain.coffee_chats.request_expiry import BATCH_SIZE
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ChatRequestId
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.domain.services import Services, awaited


async def asked(services: Services, recipient: Caller) -> tuple[Caller, ChatRequestId]:
    """An asker, whose account is old, and their request."""
    services.clock.forward(1)
    asker = await services.person(created_at=services.clock.now - timedelta(days=8))
    return asker, (await services.consent.ask(asker, recipient.id, "안녕하세요")).request.id


async def unread(services: Services, person: Caller) -> list[bool]:
    page = await services.notifications.notifications(person, PageRequest(100))
    badges = await services.reader.badges([person.id])
    found = [not entry.read for entry in page.items]
    assert (badges[person.id].unread_notifications if badges else 0) == sum(found)
    return found


@awaited
async def test_the_expiry_is_stored_however_many_have_expired(services: Services) -> None:
    recipient = await services.person(chat_policy=ChatPolicy.REQUEST)
    count = BATCH_SIZE + 1
    for asker in await services.people(count):
        request = factories.chat_request(asker.id, recipient.id, created_at=services.clock.now)
        services.store.state.chat_requests[request.id] = request
    services.clock.forward(REQUEST_TTL.total_seconds() - 1)
    assert await services.request_expiry.expire() == 0
    services.clock.forward(1)
    assert await services.request_expiry.expire() == count
    stored = services.store.state.chat_requests.values()
    assert {request.settled_at for request in stored} == {services.clock.now}


@awaited
async def test_an_expired_request_is_no_longer_unread_and_both_people_learn_of_it(
    services: Services,
) -> None:
    recipient = await services.person(chat_policy=ChatPolicy.REQUEST)
    asker, request = await asked(services, recipient)
    services.clock.forward(REQUEST_TTL.total_seconds() - 1)
    await asked(services, recipient)  # this one stays
    services.pubsub.changes.clear()
    assert await services.request_expiry.expire() == 1
    assert await unread(services, recipient) == [True, False]
    assert services.store.state.chat_requests[request].state is RequestState.EXPIRED
    for person in (asker, recipient):
        assert ItemChanged.request(person.id, request) in services.pubsub.changes
    entries = (await services.notifications.notifications(recipient, PageRequest(2))).items
    assert ItemChanged.notification(recipient.id, entries[1].id) in services.pubsub.changes


@awaited
async def test_a_run_that_was_killed_before_the_notifications_is_made_up_for(
    services: Services,
) -> None:
    recipient = await services.person(chat_policy=ChatPolicy.REQUEST)
    await asked(services, recipient)
    services.clock.forward(REQUEST_TTL.total_seconds())
    async with services.store.unit_of_work() as work:
        await work.chat_requests.expire(services.clock.now, BATCH_SIZE)
        await work.commit()
    assert await unread(services, recipient) == [True]
    assert await services.request_expiry.expire() == 0
    assert await unread(services, recipient) == [False]
