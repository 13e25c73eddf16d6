"""The composition root: settings → adapters → services → application.

The only module that knows everybody. Nothing is made when it is imported.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar
from sqlalchemy import text
from taskiq import AsyncBroker

from sidepro.adapters import system
from sidepro.adapters.images.codec import PillowCodec
from sidepro.adapters.images.store import FolderImages, S3Images
from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessRoomEvents
from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.adapters.in_process.socket_tickets import InProcessSocketTickets
from sidepro.adapters.logs import audit_log
from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.concurrency_limiter import RedisConcurrencyLimiter
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisRoomEvents
from sidepro.adapters.redis.rate_limiter import RedisRateLimiter
from sidepro.adapters.redis.session_registry import RedisSessionRegistry
from sidepro.adapters.redis.socket_tickets import RedisSocketTickets
from sidepro.adapters.security.passwords import (
    Argon2Passwords,
    CommonPasswordList,
    normalize_email,
)
from sidepro.adapters.security.secret_key import load_or_create_secret
from sidepro.adapters.security.tokens import JwtAccessTokens, derive_key
from sidepro.adapters.similarity.lazy_engine import PolarsEngine
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.job_lock import SqlJobLock
from sidepro.adapters.sql.neighbour_store import SqlNeighbourStore
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache, SqlCatalogueReader
from sidepro.adapters.sql.readers.data_export_reader import SqlDataExportReader
from sidepro.adapters.sql.readers.population_reader import SqlPopulationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.dependencies import Services
from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.accounts.profile_service import ProfileService
from sidepro.domain.accounts.session import SessionTtl
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import CursorCodec
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.ports import Presence, RoomEvents
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.domain.withdrawal import WithdrawalService
from sidepro.http.app import AppDependencies, create_app
from sidepro.http.health import Check
from sidepro.http.metrics import Metrics
from sidepro.jobs import broker as brokers
from sidepro.jobs import runner as running
from sidepro.jobs.claims import JobClaims
from sidepro.jobs.similarity_trigger import BrokerSimilarityTrigger
from sidepro.jobs.tasks import JobRunner
from sidepro.settings import Settings, aws_region, origin_of


@dataclass(frozen=True, slots=True)
class Container:
    """Everything that a process needs, ready to be used and not yet connected to anything."""

    database: Database
    catalogue: CatalogueCache
    views: SqlViewCounter
    message_writer: MessageWriter
    passwords: Argon2Passwords
    codec: PillowCodec
    markdown: SafeMarkdown
    redis: RedisClient | None
    chat: Sequence[RedisRoomEvents | RedisPresence]
    administration: AdministrationService
    similarity: SimilarityJob
    job_runner: JobRunner
    similarity_trigger: BrokerSimilarityTrigger
    dependencies: AppDependencies

    async def close(self) -> None:
        """End connections and threads."""
        await self.similarity_trigger.close()
        await self.job_runner.broker.shutdown()
        await self.message_writer.close()
        for part in self.chat:
            await part.close()
        await self.views.close()
        await self.database.close()
        if self.redis:
            await self.redis.close()
        self.passwords.close()
        self.codec.close()
        self.markdown.close()


def build(settings: Settings, public_url: str, threads: int = 1) -> Container:
    """Put the platform together; similarities are computed by so many threads at once.

    Raises:
        OSError: the secret key of an embedded platform cannot be kept in the data folder.
    """
    secret_keys = settings.secret_key or (load_or_create_secret(settings.data_dir),)
    clock, new_id = system.clock, system.new_id
    database = Database(settings.database)
    catalogue = CatalogueCache()

    image_store, image_urls = _images(settings)

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database, catalogue, image_urls)

    codec = PillowCodec(settings.image_max_pixels)
    markdown = SafeMarkdown(image_urls)
    account_reader = SqlAccountReader(database, catalogue, image_urls)
    board_reader = SqlBoardReader(database, catalogue, image_urls)
    views = SqlViewCounter(database)
    passwords = Argon2Passwords()
    tokens = JwtAccessTokens(
        [derive_key(key, "access tokens") for key in secret_keys],
        settings.public_url or "sidepro",
        settings.access_token_ttl,
        clock,
    )
    link = RedisClient(settings.redis_url) if settings.redis_url else None
    shared = link if settings.may_be_served_by_several else None
    neighbours = RedisNeighbourStore(shared) if shared else SqlNeighbourStore(database)
    feed, presence, chat = _chat(shared)
    sending = MessageWriter(unit_of_work, feed, clock)
    own_gate = InProcessSessionRegistry(account_reader, clock)
    gate = RedisSessionRegistry(link, own_gate) if link else own_gate
    limiter, socket_limits = _limits(settings, link)
    broker, notes = _sending_of_jobs(settings, shared)
    tick_requests = BrokerSimilarityTrigger(broker, notes)
    rooms = RoomService(
        unit_of_work=unit_of_work,
        reader=SqlRoomReader(database, image_urls),
        events=feed,
        presence=presence,
        message_writer=sending,
        clock=clock,
        new_id=new_id,
    )
    accounts = AccountService(
        unit_of_work=unit_of_work,
        reader=account_reader,
        passwords=passwords,
        common_passwords=CommonPasswordList(),
        normalize_email=normalize_email,
        clock=clock,
        new_id=new_id,
        session_registry=gate,
        audit_log=audit_log,
    )
    catalogue_reader = SqlCatalogueReader(database, catalogue)
    services = Services(
        catalogue=catalogue_reader,
        accounts=accounts,
        profiles=ProfileService(
            unit_of_work=unit_of_work,
            catalogue=catalogue_reader,
            clock=clock,
            similarity_trigger=tick_requests,
        ),
        withdrawal=WithdrawalService(
            unit_of_work=unit_of_work,
            accounts=accounts,
            session_registry=gate,
            room_events=feed,
            audit_log=audit_log,
        ),
        sessions=SessionService(
            unit_of_work=unit_of_work,
            reader=account_reader,
            passwords=passwords,
            normalize_email=normalize_email,
            access_tokens=tokens,
            new_secret=system.new_secret,
            clock=clock,
            new_id=new_id,
            session_registry=gate,
            session_ttl=SessionTtl(settings.refresh_token_ttl, settings.session_ttl),
            limiter=limiter,
            audit_log=audit_log,
        ),
        data_export=DataExportService(
            SqlDataExportReader(database, catalogue, image_urls), neighbours
        ),
        projects=ProjectService(
            unit_of_work=unit_of_work,
            reader=board_reader,
            catalogue=catalogue_reader,
            views=views,
            markdown=markdown.in_thread,
            clock=clock,
            new_id=new_id,
        ),
        rooms=rooms,
        tickets=TicketService(
            rooms,
            RedisSocketTickets(link) if link else InProcessSocketTickets(),
            system.new_secret,
        ),
        recommendations=RecommendationService(
            reader=board_reader,
            store=neighbours,
        ),
        images=ImageService(
            unit_of_work=unit_of_work,
            codec=codec,
            store=image_store,
            urls=image_urls,
            clock=clock,
            new_id=new_id,
            new_name=system.new_image_name,
            quota=settings.image_quota_bytes,
        ),
        cursors=CursorCodec([derive_key(key, "cursors") for key in secret_keys]),
    )

    async def database_answers() -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    helpful: dict[str, Check] = {}
    if link:
        helpful["redis"] = link.ping
    if isinstance(image_store, S3Images):
        helpful["images"] = image_store.ping
    hub = Hub(services.rooms, feed)
    parts = AppDependencies(
        services=services,
        hub=hub,
        tokens=tokens,
        session_registry=gate,
        limiter=limiter,
        socket_limits=socket_limits,
        allowed_origins=settings.allowed_origins or (origin_of(public_url),),
        health_checks={"database": database_answers},
        helpful_checks=helpful,
        upload_largest=settings.upload_max_bytes,
        media=image_store if isinstance(image_store, FolderImages) else None,
        metrics=(
            Metrics(lambda: hub.sockets, neighbours.last_run, clock) if settings.metrics else None
        ),
        with_docs=settings.docs,
    )
    administration = AdministrationService(
        unit_of_work, account_reader, services.accounts, gate, audit_log
    )
    similarity = SimilarityJob(
        SqlPopulationReader(database, catalogue),
        PolarsEngine(threads),
        neighbours,
        SqlJobLock(database),
        clock,
    )
    return Container(
        database=database,
        catalogue=catalogue,
        views=views,
        message_writer=sending,
        passwords=passwords,
        codec=codec,
        markdown=markdown,
        redis=link,
        chat=chat,
        administration=administration,
        similarity=similarity,
        job_runner=JobRunner(broker, notes, similarity, neighbours, services.images),
        similarity_trigger=tick_requests,
        dependencies=parts,
    )


def _chat(
    link: RedisClient | None,
) -> tuple[RoomEvents, Presence, list[RedisRoomEvents | RedisPresence]]:
    """The feed, presence, and those of them that have to be closed."""
    if link:
        feed = RedisRoomEvents(link)
        presence = RedisPresence(link, feed)
        return feed, presence, [presence, feed]
    # On SQLite there is one serving process, and nobody else to tell.
    return InProcessRoomEvents(), InProcessPresence(), []


def _sending_of_jobs(
    settings: Settings, link: RedisClient | None
) -> tuple[AsyncBroker, JobClaims]:
    if link and settings.redis_url:
        return brokers.shared(settings.redis_url), RedisJobClaims(link)
    return brokers.in_process(), InProcessJobClaims()


def _limits(
    settings: Settings, link: RedisClient | None
) -> tuple[RateLimiter | None, SocketLimits | None]:
    if not settings.rate_limits:
        return None, None
    limiter = RedisRateLimiter(link) if link else InProcessRateLimiter()
    slots = RedisConcurrencyLimiter(link) if link else InProcessConcurrencyLimiter()
    return limiter, SocketLimits(limiter, slots, settings.sockets_per_user)


def _images(settings: Settings) -> tuple[FolderImages | S3Images, ImageUrls]:
    """The store of the images, and where people find them."""
    if settings.images_bucket:
        bucket, prefix = settings.images_bucket
        in_s3 = S3Images(bucket, prefix, aws_region(), settings.s3_endpoint)
        public = settings.s3_public_url
        return in_s3, ImageUrls(f"{public}/" if public else in_s3.base)
    return FolderImages(settings.images_folder), ImageUrls()


def application(platform: Container, *, with_jobs: bool) -> Litestar:
    """The application of a serving process, with its jobs inside unless told otherwise."""

    @asynccontextmanager
    async def watching(_app: Litestar) -> AsyncIterator[None]:
        parts = platform.dependencies
        watches = [asyncio.create_task(parts.hub.watch_sessions(parts.session_registry))]
        if parts.socket_limits:
            watches.append(asyncio.create_task(parts.socket_limits.renew_loop()))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    @asynccontextmanager
    async def jobs(_app: Litestar) -> AsyncIterator[None]:
        async with running.running(platform.job_runner):
            yield

    return create_app(platform.dependencies, [watching, jobs] if with_jobs else [watching])
