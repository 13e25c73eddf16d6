"""The composition root: settings → adapters → services → application.

The only module that knows everybody. Nothing is made when it is imported.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar
from sqlalchemy import text

from sidepro.adapters import markdown, system
from sidepro.adapters.memory.chat import MemoryFeed, MemoryPresence
from sidepro.adapters.memory.gate import MemoryGate
from sidepro.adapters.passwords import Argon2Passwords, CommonPasswordList, email_address
from sidepro.adapters.secret import kept_secret
from sidepro.adapters.similarity import ReferenceEngine
from sidepro.adapters.sql.accounts import SqlAccountReader
from sidepro.adapters.sql.board_reader import SqlBoardReader
from sidepro.adapters.sql.catalogue import CatalogueCache
from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.recommendations import SqlNeighbourStore, SqlPopulationReader
from sidepro.adapters.sql.rooms import SqlRoomReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.views import SqlViewCounter
from sidepro.adapters.tokens import JwtAccessTokens, derived
from sidepro.api.app import Parts, create_app
from sidepro.api.hub import Hub
from sidepro.api.services import Services
from sidepro.domain.accounts.administration import UserAdministration
from sidepro.domain.accounts.service import AccountService
from sidepro.domain.accounts.session import Lifetimes
from sidepro.domain.projects.service import ProjectService
from sidepro.domain.recommendations.service import RecommendationService
from sidepro.domain.rooms.service import RoomService
from sidepro.domain.shared import Cursors
from sidepro.jobs import in_process
from sidepro.settings import Settings, origin_of


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that a process needs, ready to be used and not yet connected to anything."""

    database: Database
    catalogue: CatalogueCache
    views: SqlViewCounter
    passwords: Argon2Passwords
    administration: UserAdministration
    parts: Parts

    async def close(self) -> None:
        """End connections and threads."""
        await self.views.close()
        await self.database.close()
        self.passwords.close()


def build(settings: Settings, public_url: str) -> Platform:
    """Put the platform together.

    Raises:
        OSError: the secret key of an embedded platform cannot be kept in the data folder.
    """
    secret_keys = settings.secret_key or (kept_secret(settings.data_dir),)
    clock, new_id = system.clock, system.new_id
    database = Database(settings.database)
    catalogue = CatalogueCache()

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database, catalogue)

    account_reader = SqlAccountReader(database, catalogue)
    board_reader = SqlBoardReader(database, catalogue)
    views = SqlViewCounter(database)
    feed = MemoryFeed()
    passwords = Argon2Passwords()
    tokens = JwtAccessTokens(
        [derived(key, "access tokens") for key in secret_keys],
        settings.public_url or "sidepro",
        settings.access_token_ttl,
        clock,
    )
    gate = MemoryGate(account_reader, clock)
    services = Services(
        accounts=AccountService(
            unit_of_work=unit_of_work,
            reader=account_reader,
            passwords=passwords,
            common_passwords=CommonPasswordList(),
            email_syntax=email_address,
            access_tokens=tokens,
            new_refresh_token=system.new_refresh_token,
            clock=clock,
            new_id=new_id,
            gate=gate,
            feed=feed,
            lifetimes=Lifetimes(settings.refresh_token_ttl, settings.session_ttl),
        ),
        projects=ProjectService(
            unit_of_work=unit_of_work,
            reader=board_reader,
            accounts=account_reader,
            views=views,
            markdown=markdown.render,
            clock=clock,
            new_id=new_id,
        ),
        rooms=RoomService(
            unit_of_work=unit_of_work,
            reader=SqlRoomReader(database),
            feed=feed,
            presence=MemoryPresence(),
            clock=clock,
            new_id=new_id,
        ),
        recommendations=RecommendationService(
            reader=board_reader,
            store=SqlNeighbourStore(database),
            population=SqlPopulationReader(database, catalogue),
            engine=ReferenceEngine(),
            clock=clock,
        ),
        cursors=Cursors([derived(key, "cursors") for key in secret_keys]),
    )

    async def database_answers() -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    parts = Parts(
        services=services,
        hub=Hub(services.rooms, feed),
        tokens=tokens,
        gate=gate,
        allowed_origins=settings.allowed_origins or (origin_of(public_url),),
        health_checks={"database": database_answers},
        with_docs=settings.docs,
    )
    administration = UserAdministration(unit_of_work, account_reader, services.accounts, gate)
    return Platform(database, catalogue, views, passwords, administration, parts)


def application(platform: Platform, *, with_jobs: bool) -> Litestar:
    """The application of a serving process, with its jobs inside unless told otherwise."""

    @asynccontextmanager
    async def watching(_app: Litestar) -> AsyncIterator[None]:
        watch = asyncio.create_task(platform.parts.hub.watch_sessions(platform.parts.gate))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    @asynccontextmanager
    async def jobs(_app: Litestar) -> AsyncIterator[None]:
        async with in_process.running(platform.parts.services.recommendations):
            yield

    return create_app(platform.parts, [watching, jobs] if with_jobs else [watching])
