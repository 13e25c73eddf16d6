"""Use cases of blocks.

A block acts both ways and tells nobody: neither can ask the other for a chat, write to them or
comment on their projects, and recommendations and comment lists leave the other out. Project and
profile pages and the board stay as they are.
"""

from dataclasses import dataclass

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.blocks.ports import BlockReader, BlockUnitOfWork
from sidepro.domain.channels import Channel, ItemChanged, PubSub, StatusChanged
from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.request_events import publish_requests
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.events import BlockChanged, publish_room_change
from sidepro.domain.rooms.room import Room
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import YOURSELF


@dataclass(frozen=True, slots=True)
class BlockService:
    """Blocking and unblocking. Events are published after the commit."""

    unit_of_work: UnitOfWorkFactory[BlockUnitOfWork]
    reader: BlockReader
    events: PubSub
    clock: Clock

    async def block(self, caller: Caller, person: UserId) -> None:
        """Block somebody: undecided requests between the two become void, and their room
        read-only. Safe to repeat.

        Raises:
            InvalidInput: the person is the caller.
            NotFound: there is no such person.
        """
        if person == caller.id:
            raise InvalidInput(FieldError(YOURSELF, parameter="user_id"))
        now = self.clock()
        async with self.unit_of_work() as work:
            pair = await work.chat_requests.lock_pair(caller.id, person, now)
            await work.blocks.add(caller.id, person, now)
            notifications = await work.notifications.remove_between(caller.id, person)
            voided = [one.voided(now) for one in pair.requests if one.is_undecided(now)]
            await work.chat_requests.save(*voided)
            room = await _set_block(work, caller.id, person, is_blocked=True)
            await work.commit()
        await publish_requests(self.events, voided)
        for entry in notifications:
            await self.events.publish(ItemChanged.notification(entry.recipient_id, entry.id))
        await self._publish(room)

    async def unblock(self, caller: Caller, person: UserId) -> None:
        """Remove the caller's block. Void requests stay void. Safe to repeat.

        Raises:
            NotFound: there is no such person.
        """
        if person == caller.id:
            return
        async with self.unit_of_work() as work:
            await work.chat_requests.lock_pair(caller.id, person, self.clock())
            await work.blocks.remove(caller.id, person)
            is_blocked = await work.blocks.is_between(caller.id, person)
            room = await _set_block(work, caller.id, person, is_blocked=is_blocked)
            await work.commit()
        await self._publish(room)

    async def blocked(self, caller: Caller, page: PageRequest) -> Page[UserSummary]:
        """The people whom the caller blocks, the latest block first."""
        return await self.reader.blocked(caller.id, page)

    async def blocked_count(self, caller: Caller) -> int:
        """How many people the caller blocks."""
        return await self.reader.blocked_count(caller.id)

    async def is_blocking(self, caller: Caller, person: UserId) -> bool:
        """Whether the caller blocks this person."""
        return await self.reader.blocks(caller.id, person)

    async def _publish(self, room: Room | None) -> None:
        if room:
            channel = Channel.room(room.id)
            await self.events.publish(BlockChanged(channel, room.is_blocked))
            # Processes of the version before know only this one.
            await self.events.publish(StatusChanged(channel))
            people = (one.user_id for one in room.participants if one.user_id)
            await publish_room_change(self.events, room.id, people)


async def _set_block(
    work: BlockUnitOfWork, one: UserId, other: UserId, *, is_blocked: bool
) -> Room | None:
    """The pair's room with the block stored; `None` if there is none or nothing changed."""
    room = await work.rooms.get_of_pair(one, other)
    if room is None or room.is_blocked == is_blocked:
        return None
    changed = room.with_block(is_blocked)
    await work.rooms.save(changed)
    return changed
