"""Withdrawal: a person closes their account for good.

It changes several topics at once, so no topic depends on it.
"""

from dataclasses import dataclass
from typing import Protocol

from sidepro.domain.accounts.account_service import AccountService, wrong_password
from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.accounts.ports import AccountUnitOfWork, SessionRegistry
from sidepro.domain.channels import Channel, ItemChanged, PubSub, StatusChanged
from sidepro.domain.coffee_chats.ports import ConsentUnitOfWork
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.events import RoomClosed, publish_room_change
from sidepro.domain.rooms.room import Room
from sidepro.domain.unit_of_work import UnitOfWorkFactory


class WithdrawalUnitOfWork(ConsentUnitOfWork, AccountUnitOfWork, Protocol):
    """A transaction over the account, its rooms and its requests."""


@dataclass(frozen=True, slots=True)
class WithdrawalService:
    """Deletes an account with everything that belongs to it."""

    unit_of_work: UnitOfWorkFactory[WithdrawalUnitOfWork]
    accounts: AccountService
    session_registry: SessionRegistry
    events: PubSub
    audit_log: AuthenticationLog

    async def withdraw(self, caller: Caller, password: str) -> None:
        """Delete the caller's account.

        Their images are removed by the next run of the image cleanup. A room stays for the other
        participant, without the caller.

        Raises:
            WrongPassword: this is not the password.
            RateLimited: the account's password was asked for too often.
        """
        user = await self.accounts.verify_password(caller, password, "password")
        kept_rooms: list[Room] = []
        deleted_rooms: list[RoomId] = []
        async with self.unit_of_work() as work:
            if await work.users.get_for_deletion(user.id) != user:
                raise wrong_password("password")
            for room in await work.rooms.of_user(user.id):
                remaining = room.withdraw(user.id)
                if remaining is None:
                    await work.rooms.delete(room.id)
                    deleted_rooms.append(room.id)
                else:
                    await work.rooms.save(remaining)
                    kept_rooms.append(remaining)
            ended = await work.sessions.end_all(user.id)
            # The locked rooms prevent new saved responses that name this user.
            await work.idempotency.forget(user.id)
            notifications = await work.notifications.remove_of(user.id)
            asked = await work.chat_requests.recipients(user.id)
            await work.users.delete(user.id)
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.WITHDRAWN, user.id)
        for entry in notifications:
            await self.events.publish(ItemChanged.notification(entry.recipient_id, entry.id))
        for person in asked:
            await self.events.publish(ItemChanged.badges(person))
        for room in kept_rooms:
            await self.events.publish(RoomClosed(Channel.room(room.id), user.id))
            await self.events.publish(StatusChanged(Channel.room(room.id)))
            await publish_room_change(self.events, room.id, room.user_ids)
        for room_id in deleted_rooms:
            await self.events.publish(RoomClosed(Channel.room(room_id), None))
