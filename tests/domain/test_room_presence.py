"""Presence in rooms."""

from sidepro.domain.channels import Channel, StatusChanged
from sidepro.domain.pagination import PageRequest
from sidepro.domain.rooms.events import Typing
from sidepro.domain.rooms.room import RoomStatus
from tests.domain.services import Services, awaited


@awaited
async def test_changed_presence_is_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    steps = [
        (services.rooms.connect(one, room_id, "phone"), True),
        (services.rooms.connect(one, room_id, "laptop"), False),
        (services.rooms.connect(other, room_id, "desk"), True),
        (services.rooms.disconnect(one, room_id, "phone"), False),
        (services.rooms.disconnect(one, room_id, "laptop"), True),
        (services.rooms.disconnect(one, room_id, "laptop"), False),
        (services.rooms.disconnect(other, room_id, "desk"), True),
    ]
    for step, count in steps:
        await step
        assert services.pubsub.published == [StatusChanged(Channel.room(room_id))] * count
        services.pubsub.published.clear()


@awaited
async def test_a_room_is_running_while_a_participant_is_connected(services: Services) -> None:
    one, other, room_id = await services.chat()

    async def status() -> set[RoomStatus]:
        (listed,) = (await services.rooms.rooms(one, PageRequest())).items
        shown = await services.rooms.room(one, room_id)
        presences = (await services.rooms.room_snapshot(room_id)).presence(one.id)
        return {listed.status, shown.status, presences.status}

    assert await status() == {RoomStatus.STOP}
    await services.rooms.connect(other, room_id, "phone")
    assert await status() == {RoomStatus.RUNNING}
    assert (await services.rooms.room_snapshot(room_id)).presence(one.id).online == (other.id,)
    await services.rooms.disconnect(other, room_id, "phone")
    assert await status() == {RoomStatus.STOP}
    await services.rooms.leave(other, room_id)
    await services.rooms.connect(one, room_id, "phone")
    assert await status() == {RoomStatus.PENDING}
    assert (await services.rooms.room_snapshot(room_id)).presence(one.id).left_by == other.id


@awaited
async def test_a_user_who_left_is_not_online(services: Services) -> None:
    one, other, room_id = await services.chat()
    for person in (one, other):
        await services.rooms.connect(person, room_id, f"of {person.id}")
    await services.rooms.leave(other, room_id)
    assert (await services.rooms.room_snapshot(room_id)).presence(one.id).online == (one.id,)


@awaited
async def test_typing_is_published_and_not_stored(services: Services) -> None:
    one, _, room_id = await services.chat()
    before = services.store.state
    await services.rooms.typing(one, room_id)
    assert services.pubsub.published == [Typing(Channel.room(room_id), one.id)]
    assert services.store.state is before
