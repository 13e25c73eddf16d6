"""One store behind all of its ports, whichever adapters they are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.data_export.ports import DataExportReader
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import BoardReader, Counters, ViewCounter
from sidepro.domain.projects.project import Project
from sidepro.domain.recommendations.ports import (
    NeighbourStore,
    PopulationReader,
    RecommendationReader,
)
from sidepro.domain.rooms.ports import RoomReader
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from tests import factories
from tests.fakes.unit_of_work import FullUnitOfWork

Storable = User | Profile | Session | Project | Comment | Room | Message


@dataclass(frozen=True, repr=False)
class World:
    """The ports of one store, and what tests need beside them.

    `another` gives the same store as another process has it. `sessions` tells what no port reads
    back yet. `grow_catalogue` does what a later migration may do. `database` is that of the SQL
    adapters.
    """

    unit_of_work: UnitOfWorkFactory[FullUnitOfWork]
    accounts: AccountReader
    catalogue: CatalogueReader
    board: BoardReader
    views: ViewCounter
    rooms: RoomReader
    recommendable: RecommendationReader
    population: PopulationReader
    neighbours: NeighbourStore
    data_export: DataExportReader
    another: Callable[[], Awaitable["World"]]
    sessions: Callable[[], Awaitable[list[Session]]]
    grow_catalogue: Callable[[Catalogue], Awaitable[None]]
    database: Database | None = None

    async def store(self, *things: Storable) -> None:
        """Add new things, in the order given, in one unit of work. No counter is moved."""
        async with self.unit_of_work() as work:
            for thing in things:
                await add(work, thing)
            await work.commit()

    async def move(self, project_id: ProjectId, *, bookmarks: int = 0, comments: int = 0) -> None:
        """Move a project's counters, in a unit of work of its own."""
        async with self.unit_of_work() as work:
            await work.projects.adjust_counters(project_id, bookmarks=bookmarks, comments=comments)
            await work.commit()

    async def bookmark(
        self, user_id: UserId, project_id: ProjectId, now: datetime = factories.NOW
    ) -> bool:
        """Bookmark as a use case does, in a unit of work of its own; whether it is a new one."""
        async with self.unit_of_work() as work:
            added = await work.bookmarks.add(user_id, project_id, now)
            await work.projects.adjust_counters(project_id, bookmarks=int(added))
            await work.commit()
        return added

    async def counters(self, project_id: ProjectId) -> Counters:
        """The counters of a project that is there."""
        counters = await self.board.counters(project_id)
        assert counters is not None
        return counters


async def add(work: FullUnitOfWork, thing: Storable) -> None:
    """Add a new thing through the repository of its kind."""
    match thing:
        case User():
            await work.users.add(thing)
        case Profile():
            await work.profiles.save(thing)
        case Session():
            await work.sessions.add(thing, factories.refresh_token(thing))
        case Project():
            await work.projects.add(thing)
        case Comment():
            await work.comments.add(thing)
        case Room():
            assert await work.rooms.add_if_absent(thing)
        case Message():
            await work.rooms.add_messages(thing)
