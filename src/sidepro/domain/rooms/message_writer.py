"""Stores and publishes messages, in batches under load.

While one batch is being stored, new messages wait and form the next one. So a process runs one
transaction at a time for all its rooms, and a message waits for at most one other commit.

A batch waits for no room that another transaction has locked. The messages of such a room wait in
a second lane, which tries again, while the other rooms go on.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from sidepro.domain.channels import Channel, PubSub
from sidepro.domain.clock import Clock
from sidepro.domain.errors import InvalidInput, SideProError, Unavailable, ensure_found
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import MessageSent, publish_room_change
from sidepro.domain.rooms.ports import MessageName, RoomUnitOfWork
from sidepro.domain.rooms.room import Message, Room, validate_client_id
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.waiting import LONGEST_WAITS, begin_waits, wait_at_most

MAX_BATCH = 200
"""Maximum number of messages in one transaction."""

RETRY_DELAY, MAX_RETRY_DELAY = 0.01, 0.05
"""Seconds between two attempts to store the messages of locked rooms, doubled after each that
stores none: an attempt costs some milliseconds of the processor.
"""

LOCKED_TIMEOUT = 4.0
"""Seconds that a message waits for its room before it is unavailable."""

LONG_WAIT = 1.0
"""Seconds. A message that has waited so long for a batch that failed is not tried in another."""

MAX_TOGETHER = 2.0
"""Seconds. A batch that was contended for so long waited for more than a row, such as a locked
table, and its messages would wait for it too.
"""

MAX_ALONE = 1.0
"""Seconds to store the messages of a batch one by one. The others wait in the second lane."""


class WriteResult(NamedTuple):
    """A stored message, and whether an earlier request with this client id had stored it."""

    message: Message
    duplicate: bool


class Stored(NamedTuple):
    """A stored message with the participants of its room."""

    result: WriteResult
    participants: tuple[UserId, ...]


Outcome = Stored | Exception
MaybeOutcome = Outcome | None
"""`None` if another transaction has locked the room: nothing is stored."""


@dataclass(slots=True, eq=False)
class PendingMessage:
    """A message that waits to be stored, and the future of its sender."""

    sender: UserId
    room_id: RoomId
    body: str
    client_id: str | None
    cause: object = None
    """What `MessageWriter.current_cause` returned for the sender."""
    received_at: float = field(default_factory=time.monotonic)
    future: "asyncio.Future[WriteResult]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future(), repr=False
    )

    @property
    def name(self) -> MessageName | None:
        """The message's name, if the sender gave a client id.

        Raises:
            InvalidInput: the client id breaks its rule.
        """
        if self.client_id is None:
            return None
        validate_client_id(self.client_id)
        return self.room_id, self.sender, self.client_id

    def resolve(self, outcome: Outcome) -> None:
        """Resolve the future, unless the sender has cancelled it. Call once.

        The message lets go of its future: the traceback of an error refers to the message, and
        such a cycle would keep the request in memory until the next garbage collection.
        """
        future = self.future
        del self.future
        if future.done():
            return
        if isinstance(outcome, Stored):
            future.set_result(outcome.result)
        else:
            future.set_exception(outcome)


class MessageWriter:
    """Stores messages in order of arrival and publishes each after its commit.

    A rejected message does not affect the others of its batch.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory[RoomUnitOfWork],
        events: PubSub,
        clock: Clock,
        request_unit_of_work: UnitOfWorkFactory[RoomUnitOfWork] | None = None,
    ) -> None:
        """`unit_of_work` is for batches, at most two at a time. `request_unit_of_work` is for
        messages with a request, any number at a time, if batches must not wait for those.
        """
        self._unit_of_work = unit_of_work
        self._request_unit_of_work = request_unit_of_work or unit_of_work
        self._events = events
        self._clock = clock
        self._pending: deque[PendingMessage] = deque()
        self._storing: Sequence[PendingMessage] = ()
        self._task: asyncio.Task[None] | None = None
        self._locked: dict[RoomId, deque[PendingMessage]] = {}
        """Messages by room. Both lanes never store messages of one room at the same time."""
        self._locked_task: asyncio.Task[None] | None = None
        self.current_cause: Callable[[], object] = lambda: None
        self.observe_batch: Callable[[Sequence[object]], AbstractContextManager[object]] = (
            nullcontext
        )
        """Takes the causes of a batch's messages. Each batch is stored inside of it."""

    async def write(
        self,
        sender: UserId,
        room_id: RoomId,
        body: str,
        client_id: str | None,
        request: IdempotentRequest[WriteResult] | None = None,
    ) -> WriteResult:
        """Store and publish a message, or return the one that the sender stored under this client
        id. Without a request, completes even if the caller is cancelled.

        Raises:
            NotFound: the sender has no such room.
            RoomPending: the other participant has left.
            InvalidInput: the body or the client id breaks its rule.
            Unavailable: a store is down, the room is locked for `LOCKED_TIMEOUT`, or the sender
                has waited for as long as a request may. The message may be stored later.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        pending = PendingMessage(sender, room_id, body, client_id, self.current_cause())
        if request:
            return await self._write_idempotent(pending, request)
        self._pending.append(pending)
        if self._task is None or self._task.done():
            # A separate task: a cancelled caller must neither cancel the whole batch nor leave a
            # stored message unpublished.
            self._task = asyncio.create_task(self._write_pending())
        try:
            return await wait_at_most(LONGEST_WAITS, pending.future)
        except Unavailable:
            with suppress(ValueError):
                self._pending.remove(pending)  # it has waited for batches of others
            raise

    @property
    def waiting(self) -> int:
        """The number of messages that are not stored yet."""
        return sum(map(len, self._queues()))

    def oldest_age(self) -> float:
        """Seconds that the oldest message which is not stored has waited; 0 without any."""
        oldest = [queue[0].received_at for queue in self._queues() if queue]
        return time.monotonic() - min(oldest) if oldest else 0.0

    def _queues(self) -> Iterator[Sequence[PendingMessage]]:
        """Each in order of arrival."""
        yield self._pending
        yield self._storing
        yield from self._locked.values()

    async def close(self) -> None:
        """Store the pending messages."""
        for task in (self._task, self._locked_task):
            if task is not None:
                await task

    async def _write_pending(self) -> None:
        while self._pending:
            batch = self._storing = self._next_batch()
            announced = set[RoomId]()
            outcomes = await self._store_batch(batch)
            self._storing = ()
            for pending, outcome in zip(batch, outcomes, strict=True):
                if outcome is None:
                    self._defer(pending)
                else:
                    pending.resolve(await self._publish(outcome, announced))
            self._fail_waiting(outcomes)

    def _fail_waiting(self, outcomes: Sequence[MaybeOutcome]) -> None:
        """After a batch failed as a whole, fail those that have waited for it for long."""
        outcome = next(iter(outcomes), None)
        if not isinstance(outcome, Unavailable) or any(one is not outcome for one in outcomes):
            return
        now = time.monotonic()
        while self._pending and now - self._pending[0].received_at > LONG_WAIT:
            self._pending.popleft().resolve(outcome)

    def _next_batch(self) -> list[PendingMessage]:
        """The first pending messages. Those of locked rooms queue behind the earlier ones."""
        batch: list[PendingMessage] = []
        while self._pending and len(batch) < MAX_BATCH:
            pending = self._pending.popleft()
            if pending.room_id in self._locked:
                self._defer(pending)
            else:
                batch.append(pending)
        return batch

    def _defer(self, pending: PendingMessage) -> None:
        self._locked.setdefault(pending.room_id, deque()).append(pending)
        if self._locked_task is None or self._locked_task.done():
            self._locked_task = asyncio.create_task(self._write_locked())

    async def _write_locked(self) -> None:
        delay = RETRY_DELAY
        while self._locked:
            await asyncio.sleep(delay)
            delay = min(2 * delay, MAX_RETRY_DELAY)
            batch = [pending for queue in self._locked.values() for pending in queue][:MAX_BATCH]
            announced = set[RoomId]()
            for pending, outcome in zip(batch, await self._store_batch(batch), strict=True):
                if outcome is not None:
                    delay = RETRY_DELAY
                    self._locked[pending.room_id].remove(pending)
                    pending.resolve(await self._publish(outcome, announced))
            # In turn: the messages of later rooms must fit into the next batch.
            for room_id in {pending.room_id for pending in batch}:
                self._locked[room_id] = self._locked.pop(room_id)
            self._fail_overdue()

    def _fail_overdue(self) -> None:
        """Fail the messages that have waited for their room for too long, tried or not."""
        overdue = time.monotonic() - LOCKED_TIMEOUT
        for room_id, queue in list(self._locked.items()):
            while queue and queue[0].received_at <= overdue:
                queue.popleft().resolve(Unavailable("The room is busy. Please try again."))
            if not queue:
                del self._locked[room_id]

    async def _store_batch(self, batch: Sequence[PendingMessage]) -> Sequence[MaybeOutcome]:
        """Store a batch in one transaction. If that fails, store each message by itself."""
        begin_waits()
        with self.observe_batch([pending.cause for pending in batch]):
            return await self._store_together_or_alone(batch)

    async def _store_together_or_alone(
        self, batch: Sequence[PendingMessage]
    ) -> Sequence[MaybeOutcome]:
        began = time.monotonic()
        try:
            return await self._store(batch)
        except Unavailable as error:
            if not error.is_contended or time.monotonic() - began > MAX_TOGETHER:
                return [error] * len(batch)
        except Exception:  # noqa: S110 - one message caused this: its sender may be withdrawing
            pass
        outcomes: list[MaybeOutcome] = []
        locked: set[RoomId] = set()
        began = time.monotonic()
        for pending in batch:
            # A later message must not overtake an earlier one of its room.
            must_wait = pending.room_id in locked or time.monotonic() - began > MAX_ALONE
            outcome = None if must_wait else await self._store_alone(pending)
            if outcome is None:
                locked.add(pending.room_id)
            outcomes.append(outcome)
        return outcomes

    async def _store_alone(self, pending: PendingMessage) -> MaybeOutcome:
        try:
            return (await self._store([pending]))[0]
        except Exception as error:  # goes to the sender, and the rest of the batch continues
            is_contended = isinstance(error, Unavailable) and error.is_contended
            return None if is_contended else error

    async def _write_idempotent(
        self, pending: PendingMessage, request: IdempotentRequest[WriteResult]
    ) -> WriteResult:
        """Store the message in a transaction of its own, which may wait for another request."""
        participants: tuple[UserId, ...] = ()

        async def store(work: RoomUnitOfWork) -> WriteResult:
            nonlocal participants
            (outcome,) = await self._apply(
                work, [pending], await work.rooms.get_all([pending.room_id])
            )
            if isinstance(outcome, Exception):
                try:
                    raise outcome
                finally:
                    del outcome  # its traceback refers to this frame
            participants = outcome.participants
            return outcome.result

        result = await run_idempotent(self._request_unit_of_work, request, self._clock(), store)
        await self._events.publish(_event(result.message))
        await publish_room_change(self._events, result.message.room_id, participants)
        return result

    async def _store(self, batch: Sequence[PendingMessage]) -> list[MaybeOutcome]:
        if not batch:
            return []
        async with self._unit_of_work() as work:
            unlocked = await work.rooms.get_unlocked({pending.room_id for pending in batch})
            storable = [pending for pending in batch if pending.room_id not in unlocked.locked]
            outcomes = iter(await self._apply(work, storable, unlocked.rooms))
            await work.commit()
        return [
            None if pending.room_id in unlocked.locked else next(outcomes) for pending in batch
        ]

    async def _publish(self, outcome: Outcome, announced: set[RoomId]) -> Outcome:
        """Publish a message. `announced` are the rooms whose participants know that their state,
        with all messages of the batch, changed.
        """
        try:
            if isinstance(outcome, Stored):
                message = outcome.result.message
                await self._events.publish(_event(message))
                if message.room_id not in announced:
                    announced.add(message.room_id)
                    await publish_room_change(self._events, message.room_id, outcome.participants)
        except Exception as error:  # a defect in a subscriber; the batch continues
            return error
        return outcome

    async def _apply(
        self,
        work: RoomUnitOfWork,
        batch: Sequence[PendingMessage],
        before: Mapping[RoomId, Room],
    ) -> list[Outcome]:
        """Add the messages to their rooms, which are locked, with at most three statements for the
        whole batch.
        """
        outcomes: list[Outcome] = []
        now = self._clock()
        stored = await work.rooms.find_messages(_valid_names(batch))
        rooms, messages = dict(before), []
        for pending in batch:
            try:
                room = ensure_found(rooms.get(pending.room_id))
                room.authorize(pending.sender)
                name = pending.name
                if name in stored:
                    earlier = stored[name].seen_by(pending.sender)
                    outcomes.append(Stored(WriteResult(earlier, duplicate=True), room.user_ids))
                    continue
                rooms[room.id], message = room.with_message(
                    pending.sender, pending.body, pending.client_id, now
                )
            except SideProError as error:
                # The traceback refers to this frame, and so to `outcomes`: a cycle.
                outcomes.append(error.with_traceback(None))
                continue
            messages.append(message)
            outcomes.append(Stored(WriteResult(message, duplicate=False), room.user_ids))
            if name:
                stored[name] = message
        if messages:
            await work.rooms.save(
                *(room for room_id, room in rooms.items() if room != before[room_id])
            )
            await work.rooms.add_messages(*messages)
        return outcomes


def _event(message: Message) -> MessageSent:
    """A duplicate is published too: the process that stored it may have died before publishing.
    It may have been hidden since.
    """
    return MessageSent(Channel.room(message.room_id), message.seen_by(None))


def _valid_names(batch: Sequence[PendingMessage]) -> set[MessageName]:
    names = set()
    for pending in batch:
        with suppress(InvalidInput):  # reported by `_apply`, after the access check
            names.add(pending.name)
    return {name for name in names if name is not None}
