"""Storing what is said, and telling it: what many say at the same time is stored together.

A message is stored at once when nothing is being stored, else together with all that come in
meanwhile. So a busy process waits for one commit at a time, however many people talk in however
many rooms; and nobody waits for more than the commit under way and their own.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from sidepro.domain.clock import Clock
from sidepro.domain.errors import InvalidInput, NotFound, SideProError, Unavailable
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import MessageSent
from sidepro.domain.rooms.ports import MessageName, RoomEvents, RoomUnitOfWork
from sidepro.domain.rooms.room import Message, check_client_id
from sidepro.domain.unit_of_work import UnitOfWorkFactory

MAX_BATCH = 200
"""Messages that are stored together, at the most."""


class WriteResult(NamedTuple):
    """A stored message, and whether it had been stored before under this name."""

    message: Message
    duplicate: bool


@dataclass(frozen=True, slots=True)
class PendingMessage:
    sender: UserId
    room_id: RoomId
    body: str
    client_id: str | None
    outcome: "asyncio.Future[WriteResult]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def name(self) -> MessageName | None:
        """What the message is called, if it is called anything.

        Raises:
            InvalidInput: nothing can be called that.
        """
        if self.client_id is None:
            return None
        check_client_id(self.client_id)
        return self.room_id, self.sender, self.client_id

    def settle(self, outcome: WriteResult | Exception) -> None:
        """Tell who waits, unless they have given up."""
        if self.outcome.done():
            return
        if isinstance(outcome, WriteResult):
            self.outcome.set_result(outcome)
        else:
            self.outcome.set_exception(outcome)


class MessageWriter:
    """Stores messages, in the order in which they came in, and tells of them once they are
    committed. One refused message harms no other.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory[RoomUnitOfWork], feed: RoomEvents, clock: Clock
    ) -> None:
        self._unit_of_work = unit_of_work
        self._feed = feed
        self._clock = clock
        self._waiting: deque[PendingMessage] = deque()
        self._task: asyncio.Task[None] | None = None

    async def write(
        self,
        sender: UserId,
        room_id: RoomId,
        body: str,
        client_id: str | None,
        request: IdempotentRequest[WriteResult] | None = None,
    ) -> WriteResult:
        """Store a message, or find the one that the sender gave this name before. On return it is
        committed and told; so it will be when who asks goes away meanwhile.

        Raises:
            NotFound: the room is not there for the sender.
            RoomPending: the other one has left.
            InvalidInput: the body or the client id breaks its rule.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        wish = PendingMessage(sender, room_id, body, client_id)
        if request:
            return await self._write_idempotent(wish, request)
        self._waiting.append(wish)
        if self._task is None or self._task.done():
            # A task of its own: whoever asks may go away, and must not take the others along, nor
            # leave a message that is stored and not told.
            self._task = asyncio.create_task(self._store_all())
        return await wish.outcome

    async def close(self) -> None:
        """Store what still waits."""
        if self._task is not None:
            await self._task

    async def _store_all(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            try:
                outcomes = await self._stored(together)
            except Unavailable as error:
                outcomes = [error] * len(together)
            except Exception:
                # Something about one of them, such as a sender who withdraws: each for itself.
                outcomes = [await self._stored_alone(wish) for wish in together]
            for wish, outcome in zip(together, outcomes, strict=True):
                wish.settle(await self._told(outcome))

    async def _stored_alone(self, wish: PendingMessage) -> WriteResult | Exception:
        try:
            return (await self._stored([wish]))[0]
        except Exception as error:  # whatever it is, who waits has to hear of it
            return error

    async def _write_idempotent(
        self, wish: PendingMessage, request: IdempotentRequest[WriteResult]
    ) -> WriteResult:
        """Stores the message in a transaction of its own, which may wait for another request."""

        async def store(work: RoomUnitOfWork) -> WriteResult:
            (outcome,) = await self._decided(work, [wish])
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        result = await run_idempotent(self._unit_of_work, request, self._clock(), store)
        await self._publish(result)
        return result

    async def _stored(self, wishes: Sequence[PendingMessage]) -> list[WriteResult | Exception]:
        """What comes of each; those that are `Sent` are committed."""
        async with self._unit_of_work() as work:
            outcomes = await self._decided(work, wishes)
            await work.commit()
        return outcomes

    async def _told(self, outcome: WriteResult | Exception) -> WriteResult | Exception:
        """The outcome, told of where there is something to tell."""
        try:
            if isinstance(outcome, WriteResult):
                await self._publish(outcome)
        except Exception as error:  # whatever it is, who waits has to hear of it, and nobody else
            return error
        return outcome

    async def _publish(self, sent: WriteResult) -> None:
        """A repeated one too, in case the process that stored it died before telling."""
        await self._feed.publish(MessageSent(sent.message.room_id, sent.message))

    async def _decided(
        self, work: RoomUnitOfWork, wishes: Sequence[PendingMessage]
    ) -> list[WriteResult | Exception]:
        """What comes of each; those that are `Sent` are written."""
        outcomes: list[WriteResult | Exception] = []
        now = self._clock()
        before = await work.rooms.get_all({wish.room_id for wish in wishes})
        named = await work.rooms.find_messages(_names(wishes))
        rooms, messages = dict(before), []
        for wish in wishes:
            try:
                room = rooms.get(wish.room_id)
                if room is None:
                    raise NotFound
                room.authorize(wish.sender)
                name = wish.name
                if name in named:
                    outcomes.append(WriteResult(named[name], duplicate=True))
                    continue
                rooms[room.id], message = room.with_message(
                    wish.sender, wish.body, wish.client_id, now
                )
            except SideProError as error:
                outcomes.append(error)
                continue
            messages.append(message)
            outcomes.append(WriteResult(message, duplicate=False))
            if name:
                named[name] = message
        if messages:
            await work.rooms.save(
                *(room for room_id, room in rooms.items() if room != before[room_id])
            )
            await work.rooms.add_messages(*messages)
        return outcomes


def _names(wishes: Sequence[PendingMessage]) -> set[MessageName]:
    names = set()
    for wish in wishes:
        with suppress(InvalidInput):  # which is told once it is known that the room is there
            names.add(wish.name)
    return {name for name in names if name is not None}
