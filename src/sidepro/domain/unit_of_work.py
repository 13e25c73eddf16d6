"""One change of the stored state, as a whole or not at all."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from sidepro.domain.accounts.ports import ProfileRepository, SessionRepository, UserRepository
from sidepro.domain.idempotency import IdempotencyRepository
from sidepro.domain.images.ports import ImageRepository
from sidepro.domain.projects.ports import (
    BoardReader,
    BookmarkRepository,
    CommentRepository,
    ProjectRepository,
)
from sidepro.domain.rooms.ports import RoomReader, RoomRepository


class UnitOfWork(Protocol):
    """The repositories of one transaction.

    Used as `async with factory() as work: …; await work.commit()`. Leaving the block without
    `commit` MUST undo everything; after `commit` returned, everything MUST survive a crash.
    What was committed by others before a repository reads MUST be visible to it. The readers are
    for what this unit of work itself has changed: they MUST see it before it is committed.
    """

    @property
    def users(self) -> UserRepository: ...
    @property
    def profiles(self) -> ProfileRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def projects(self) -> ProjectRepository: ...
    @property
    def comments(self) -> CommentRepository: ...
    @property
    def bookmarks(self) -> BookmarkRepository: ...
    @property
    def rooms(self) -> RoomRepository: ...
    @property
    def images(self) -> ImageRepository: ...
    @property
    def idempotency(self) -> IdempotencyRepository: ...
    @property
    def board_reader(self) -> BoardReader: ...
    @property
    def room_reader(self) -> RoomReader: ...

    async def __aenter__(self) -> "UnitOfWork": ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def commit(self) -> None:
        """Make the changes durable.

        Raises:
            Unavailable: the store cannot be reached; whether the change was kept is unknown only
                when the connection broke at this very moment.
        """
        ...


UnitOfWorkFactory = Callable[[], UnitOfWork]
