"""The adapters of all ports of one store, in memory or in SQL."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.blocks.ports import BlockReader
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.coffee_chats.ports import ChatRequestReader
from sidepro.domain.data_export.ports import DataExportReader
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.images.ports import ImageReader
from sidepro.domain.mail.mail import Mail
from sidepro.domain.mail.ports import MailReader
from sidepro.domain.moderation.ports import ModerationReader
from sidepro.domain.notifications.ports import NotificationReader
from sidepro.domain.operations.ports import JobRunStore, OperatorReader
from sidepro.domain.person_stream.ports import BadgeReader
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import BoardReader, Counters, TrendingStore, ViewCounter
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts, day_of
from sidepro.domain.recommendations.ports import (
    NeighbourStore,
    PopulationReader,
    RecommendationReader,
)
from sidepro.domain.rooms.ports import RoomReader
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from tests import factories
from tests.factories import SetClock
from tests.fakes.unit_of_work import FullUnitOfWork

Storable = User | Profile | Session | Project | Comment | Room | Message | Mail


@dataclass(frozen=True, repr=False)
class Adapters:
    """The ports of one store, and what the contract tests need beside them.

    `another` gives the adapters of another process on the same store. `sessions` reads what no
    port does. `grow_catalogue` adds entries as a later migration may. `days` reads the daily
    counts. `clock` tells the day of views. `database` is that of the SQL adapters.
    """

    unit_of_work: UnitOfWorkFactory[FullUnitOfWork]
    accounts: AccountReader
    catalogue: CatalogueReader
    board: BoardReader
    views: ViewCounter
    images: ImageReader
    rooms: RoomReader
    badges: BadgeReader
    chat_requests: ChatRequestReader
    blocks: BlockReader
    notifications: NotificationReader
    moderation: ModerationReader
    recommendable: RecommendationReader
    population: PopulationReader
    neighbours: NeighbourStore
    data_export: DataExportReader
    another: Callable[[], Awaitable["Adapters"]]
    sessions: Callable[[], Awaitable[list[Session]]]
    days: Callable[[], Awaitable[dict[tuple[ProjectId, date], DailyCounts]]]
    grow_catalogue: Callable[[Catalogue], Awaitable[None]]
    trending: TrendingStore
    operator: OperatorReader
    job_runs: JobRunStore
    mails: MailReader
    clock: SetClock
    database: Database | None = None

    async def add(self, *entities: Storable) -> None:
        """Adds entities in one unit of work, in the given order. No counter changes."""
        async with self.unit_of_work() as work:
            for entity in entities:
                await add(work, entity)
            await work.commit()

    async def adjust_counters(
        self, project_id: ProjectId, *, bookmarks: int = 0, comments: int = 0
    ) -> None:
        """Adjusts a project's counters in a unit of work of its own."""
        async with self.unit_of_work() as work:
            await work.projects.adjust_counters(project_id, bookmarks=bookmarks, comments=comments)
            await work.commit()

    async def bookmark(
        self, user_id: UserId, project_id: ProjectId, now: datetime = factories.NOW
    ) -> bool:
        """Bookmarks as the use case does. Returns whether the bookmark is new."""
        async with self.unit_of_work() as work:
            added = await work.bookmarks.add(user_id, project_id, now)
            await work.projects.adjust_counters(project_id, bookmarks=int(added))
            if added:
                await work.projects.adjust_daily_bookmarks(project_id, day_of(now), 1)
            await work.commit()
        return added

    async def remove_bookmark(self, user_id: UserId, project_id: ProjectId) -> bool:
        """Removes a bookmark as the use case does. Returns whether there was one."""
        async with self.unit_of_work() as work:
            given_at = await work.bookmarks.remove(user_id, project_id)
            removed = given_at is not None
            await work.projects.adjust_counters(project_id, bookmarks=-int(removed))
            if given_at is not None:
                await work.projects.adjust_daily_bookmarks(project_id, day_of(given_at), -1)
            await work.commit()
        return removed

    async def counters(self, project_id: ProjectId) -> Counters:
        """The counters of an existing project."""
        counters = await self.board.counters(project_id, None)
        assert counters is not None
        return counters


async def add(work: FullUnitOfWork, entity: Storable) -> None:
    """Adds an entity through its repository."""
    match entity:
        case User():
            await work.users.add(entity)
        case Profile():
            await work.profiles.save(entity)
        case Session():
            await work.sessions.add(entity, factories.refresh_token(entity))
        case Project():
            await work.projects.add(entity)
        case Comment():
            await work.comments.add(entity)
        case Room():
            assert await work.rooms.add_if_absent(entity)
        case Mail():
            await work.mails.add(entity)
        case Message():
            await work.rooms.add_messages(entity)
