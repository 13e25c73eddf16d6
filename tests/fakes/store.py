"""Units of work in memory that are whole or not at all."""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sidepro.domain.catalogue.catalogue import Catalogue
from tests.factories import SetClock
from tests.fakes.accounts import (
    MemoryProfiles,
    MemorySessions,
    MemoryUsers,
)
from tests.fakes.idempotency import MemoryIdempotency
from tests.fakes.image_repository import MemoryImages, MemoryWithheldImages
from tests.fakes.mails import MemoryAccountTokens, MemoryMails, MemoryUnsubscribeTokens
from tests.fakes.moderation import MemoryModeration
from tests.fakes.notifications import MemoryNotifications
from tests.fakes.projects import (
    MemoryBookmarks,
    MemoryComments,
    MemoryProjects,
)
from tests.fakes.rooms import MemoryBlocks, MemoryChatRequests, MemoryRooms
from tests.fakes.state import State

if TYPE_CHECKING:
    from tests.fakes.moderation_reader import MemoryModerationReader
    from tests.fakes.readers import MemoryReader


class MemoryStore:
    """The stored state, and the lock that makes units of work follow one another."""

    def __init__(self, catalogue: Catalogue, clock: SetClock | None = None) -> None:
        """`clock` tells the day of a view."""
        self.catalogue = catalogue
        self.clock = clock or SetClock()
        self.state = State()
        self.lock = asyncio.Lock()

    def unit_of_work(self) -> "MemoryUnitOfWork":
        """See `sidepro.domain.unit_of_work.UnitOfWorkFactory`."""
        return MemoryUnitOfWork(self)


class MemoryUnitOfWork:
    """See `sidepro.domain.unit_of_work.UnitOfWork`. Works on a copy, which a commit puts in the
    place of the stored state.
    """

    users: MemoryUsers
    profiles: MemoryProfiles
    sessions: MemorySessions
    account_tokens: MemoryAccountTokens
    mails: MemoryMails
    unsubscribe_tokens: MemoryUnsubscribeTokens
    projects: MemoryProjects
    comments: MemoryComments
    bookmarks: MemoryBookmarks
    rooms: MemoryRooms
    chat_requests: MemoryChatRequests
    blocks: MemoryBlocks
    images: MemoryImages
    withheld_images: MemoryWithheldImages
    idempotency: MemoryIdempotency
    notifications: MemoryNotifications
    moderation: MemoryModeration

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._state = State()

    async def __aenter__(self) -> Self:
        await self._store.lock.acquire()
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.lock.release()

    @property
    def account_reader(self) -> "MemoryReader":
        return self.board_reader

    @property
    def board_reader(self) -> "MemoryReader":
        from tests.fakes.readers import MemoryReader

        return MemoryReader(self._within())

    @property
    def room_reader(self) -> "MemoryReader":
        return self.board_reader

    @property
    def chat_request_reader(self) -> "MemoryReader":
        return self.board_reader

    @property
    def moderation_reader(self) -> "MemoryModerationReader":
        from tests.fakes.moderation_reader import MemoryModerationReader

        return MemoryModerationReader(self._within())

    def _within(self) -> MemoryStore:
        """A store with the state of this unit of work."""
        within = MemoryStore(self._store.catalogue, self._store.clock)
        within.state = self._state
        return within

    async def commit(self) -> None:
        self._store.state = self._state
        self._begin()

    def _begin(self) -> None:
        self._state = state = self._store.state.copied()
        self.users = MemoryUsers(state)
        self.profiles = MemoryProfiles(state)
        self.sessions = MemorySessions(state)
        self.account_tokens = MemoryAccountTokens(state)
        self.mails = MemoryMails(state)
        self.unsubscribe_tokens = MemoryUnsubscribeTokens(state)
        self.projects = MemoryProjects(state)
        self.comments = MemoryComments(state)
        self.bookmarks = MemoryBookmarks(state)
        self.rooms = MemoryRooms(state)
        self.chat_requests = MemoryChatRequests(state)
        self.blocks = MemoryBlocks(state)
        self.images = MemoryImages(state)
        self.withheld_images = MemoryWithheldImages(state)
        self.idempotency = MemoryIdempotency(state)
        self.notifications = MemoryNotifications(state)
        self.moderation = MemoryModeration(state)
