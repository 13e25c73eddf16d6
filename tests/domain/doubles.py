"""Doubles that record what a service does, or break when they are told to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.accounts.audit_log import AuthenticationEvent
from sidepro.domain.channels import Event, ItemChanged
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.rooms.events import MessageSent
from sidepro.domain.rooms.room import Message
from tests.fakes.image_store import MemoryImageStore
from tests.fakes.store import MemoryStore, MemoryUnitOfWork


class RecordingPubSub(InProcessPubSub):
    """Records the events, and the messages that the room has stored when each is published."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self._store = store
        self.published: list[Event] = []
        self.changes: list[ItemChanged] = []
        """What people's channels were told, apart from all other events."""
        self.stored_at_publish: list[set[Message]] = []

    async def publish(self, event: Event) -> None:
        if isinstance(event, ItemChanged):
            self.changes.append(event)
            return await super().publish(event)
        self.published.append(event)
        stored = self._store.state.messages.values()
        self.stored_at_publish.append({m for m in stored if m.room_id == event.channel.id})
        return await super().publish(event)

    def messages(self) -> list[int]:
        """The numbers of the published messages, in order."""
        return [event.message.seq for event in self.published if isinstance(event, MessageSent)]


class RecordingSimilarityTrigger:
    """See `sidepro.domain.accounts.ports.SimilarityTrigger`: counts them."""

    def __init__(self) -> None:
        self.asked = 0

    async def request(self) -> None:
        self.asked += 1


class BreakingImageStore(MemoryImageStore):
    """Keeps images until it is told to break, and does what it is told before it keeps one."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.before_put: Callable[[], Awaitable[None]] | None = None

    async def put(self, key: ImageKey, data: bytes) -> None:
        before, self.before_put = self.before_put, None
        if before:
            await before()
        self._must_not_be_broken()
        await super().put(key, data)

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        self._must_not_be_broken()
        await super().delete(keys)

    def _must_not_be_broken(self) -> None:
        if self.broken:
            raise Unavailable


class YieldingUnitOfWork(MemoryUnitOfWork):
    """A unit of work that lets others go first, so that calls made at once really mix."""

    def __init__(self, store: "YieldingStore") -> None:
        super().__init__(store)
        self._yielding = store

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        return await super().__aenter__()

    async def commit(self) -> None:
        await asyncio.sleep(0)
        if self._yielding.commits_left is not None:
            if self._yielding.commits_left == 0:
                raise Unavailable
            self._yielding.commits_left -= 1
        await super().commit()


class YieldingStore(MemoryStore):
    """A store whose units of work let others go first, and that may go away."""

    commits_left: int | None = None

    def unit_of_work(self) -> MemoryUnitOfWork:
        return YieldingUnitOfWork(self)


class BrokenUnitOfWork(MemoryUnitOfWork):
    """A unit of work whose store goes away just before the commit."""

    async def commit(self) -> None:
        raise Unavailable


class RecordedAuthenticationLog(list[tuple[AuthenticationEvent, UserId | None, str | None]]):
    """See `sidepro.domain.accounts.audit_log.AuthenticationLog`."""

    def __call__(
        self,
        event: AuthenticationEvent,
        user_id: UserId | None = None,
        *,
        session_id: SessionId | None = None,
        reason: str | None = None,
    ) -> None:
        self.append((event, user_id, reason))
