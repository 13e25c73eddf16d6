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
from sidepro.adapters.in_process.concurrency_limiter import MemorySlots
from sidepro.adapters.in_process.job_claims import MemoryNotes
from sidepro.adapters.in_process.presence import MemoryPresence
from sidepro.adapters.in_process.pubsub import MemoryFeed
from sidepro.adapters.in_process.rate_limiter import MemoryLimiter
from sidepro.adapters.in_process.session_registry import MemoryGate
from sidepro.adapters.in_process.socket_tickets import MemoryTickets
from sidepro.adapters.logs import note_authentication
from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.redis.client import Link
from sidepro.adapters.redis.concurrency_limiter import RedisSlots
from sidepro.adapters.redis.job_claims import RedisNotes
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisFeed
from sidepro.adapters.redis.rate_limiter import RedisLimiter
from sidepro.adapters.redis.session_registry import RedisGate
from sidepro.adapters.redis.socket_tickets import RedisTickets
from sidepro.adapters.security.passwords import (
    Argon2Passwords,
    CommonPasswordList,
    email_address,
)
from sidepro.adapters.security.secret_key import kept_secret
from sidepro.adapters.security.tokens import JwtAccessTokens, derived
from sidepro.adapters.similarity.lazy_engine import PolarsEngine
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.job_lock import SqlTurns
from sidepro.adapters.sql.neighbour_store import SqlNeighbourStore
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.readers.data_export_reader import SqlArchive
from sidepro.adapters.sql.readers.population_reader import SqlPopulationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.dependencies import Services
from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import UserAdministration
from sidepro.domain.accounts.session import Lifetimes
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.data_export.data_export_service import ArchiveService
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.images.urls import ImageAddresses
from sidepro.domain.pagination import Cursors
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.domain.rooms.message_writer import Sending
from sidepro.domain.rooms.ports import ChatFeed, Presence
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.http.app import Parts, create_app
from sidepro.http.health import Check
from sidepro.http.metrics import Metrics
from sidepro.jobs import broker as brokers
from sidepro.jobs import runner as running
from sidepro.jobs.claims import Notes
from sidepro.jobs.similarity_trigger import SentTickRequests
from sidepro.jobs.tasks import Jobs
from sidepro.settings import Settings, aws_region, origin_of


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that a process needs, ready to be used and not yet connected to anything."""

    database: Database
    catalogue: CatalogueCache
    views: SqlViewCounter
    sending: Sending
    passwords: Argon2Passwords
    codec: PillowCodec
    markdown: SafeMarkdown
    link: Link | None
    chat: Sequence[RedisFeed | RedisPresence]
    administration: UserAdministration
    similarity: SimilarityJob
    jobs: Jobs
    tick_requests: SentTickRequests
    parts: Parts

    async def close(self) -> None:
        """End connections and threads."""
        await self.tick_requests.close()
        await self.jobs.broker.shutdown()
        await self.sending.close()
        for part in self.chat:
            await part.close()
        await self.views.close()
        await self.database.close()
        if self.link:
            await self.link.close()
        self.passwords.close()
        self.codec.close()
        self.markdown.close()


def build(settings: Settings, public_url: str, threads: int = 1) -> Platform:
    """Put the platform together; similarities are computed by so many threads at once.

    Raises:
        OSError: the secret key of an embedded platform cannot be kept in the data folder.
    """
    secret_keys = settings.secret_key or (kept_secret(settings.data_dir),)
    clock, new_id = system.clock, system.new_id
    database = Database(settings.database)
    catalogue = CatalogueCache()

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database, catalogue)

    image_store, addresses = _images(settings)
    codec = PillowCodec(settings.image_max_pixels)
    markdown = SafeMarkdown(addresses)
    account_reader = SqlAccountReader(database, catalogue, addresses)
    board_reader = SqlBoardReader(database, catalogue, addresses)
    views = SqlViewCounter(database)
    passwords = Argon2Passwords()
    tokens = JwtAccessTokens(
        [derived(key, "access tokens") for key in secret_keys],
        settings.public_url or "sidepro",
        settings.access_token_ttl,
        clock,
    )
    link = Link(settings.redis_url) if settings.redis_url else None
    shared = link if settings.may_be_served_by_several else None
    neighbours = RedisNeighbourStore(shared) if shared else SqlNeighbourStore(database)
    feed, presence, chat = _chat(shared)
    sending = Sending(unit_of_work, feed, clock)
    own_gate = MemoryGate(account_reader, clock)
    gate = RedisGate(link, own_gate) if link else own_gate
    limiter, socket_limits = _limits(settings, link)
    broker, notes = _sending_of_jobs(settings, shared)
    tick_requests = SentTickRequests(broker, notes)
    rooms = RoomService(
        unit_of_work=unit_of_work,
        reader=SqlRoomReader(database, addresses),
        feed=feed,
        presence=presence,
        sending=sending,
        clock=clock,
        new_id=new_id,
    )
    services = Services(
        accounts=AccountService(
            unit_of_work=unit_of_work,
            reader=account_reader,
            passwords=passwords,
            common_passwords=CommonPasswordList(),
            email_syntax=email_address,
            clock=clock,
            new_id=new_id,
            gate=gate,
            feed=feed,
            note=note_authentication,
            tick_requests=tick_requests,
        ),
        sessions=SessionService(
            unit_of_work=unit_of_work,
            reader=account_reader,
            passwords=passwords,
            email_syntax=email_address,
            access_tokens=tokens,
            new_refresh_token=system.new_refresh_token,
            clock=clock,
            new_id=new_id,
            gate=gate,
            lifetimes=Lifetimes(settings.refresh_token_ttl, settings.session_ttl),
            limiter=limiter,
            note=note_authentication,
        ),
        archive=ArchiveService(SqlArchive(database, catalogue, addresses), neighbours),
        projects=ProjectService(
            unit_of_work=unit_of_work,
            reader=board_reader,
            accounts=account_reader,
            views=views,
            markdown=markdown.in_thread,
            clock=clock,
            new_id=new_id,
        ),
        rooms=rooms,
        tickets=TicketService(
            rooms, RedisTickets(link) if link else MemoryTickets(), system.new_ticket
        ),
        recommendations=RecommendationService(
            reader=board_reader,
            store=neighbours,
        ),
        images=ImageService(
            unit_of_work=unit_of_work,
            codec=codec,
            store=image_store,
            addresses=addresses,
            clock=clock,
            new_id=new_id,
            new_name=system.new_image_name,
            quota=settings.image_quota_bytes,
        ),
        cursors=Cursors([derived(key, "cursors") for key in secret_keys]),
    )

    async def database_answers() -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    helpful: dict[str, Check] = {}
    if link:
        helpful["redis"] = link.answers
    if isinstance(image_store, S3Images):
        helpful["images"] = image_store.answers
    hub = Hub(services.rooms, feed)
    parts = Parts(
        services=services,
        hub=hub,
        tokens=tokens,
        gate=gate,
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
    administration = UserAdministration(
        unit_of_work, account_reader, services.accounts, gate, note_authentication
    )
    similarity = SimilarityJob(
        SqlPopulationReader(database, catalogue),
        PolarsEngine(threads),
        neighbours,
        SqlTurns(database),
        clock,
    )
    return Platform(
        database=database,
        catalogue=catalogue,
        views=views,
        sending=sending,
        passwords=passwords,
        codec=codec,
        markdown=markdown,
        link=link,
        chat=chat,
        administration=administration,
        similarity=similarity,
        jobs=Jobs(broker, notes, similarity, neighbours, services.images),
        tick_requests=tick_requests,
        parts=parts,
    )


def _chat(
    link: Link | None,
) -> tuple[ChatFeed, Presence, list[RedisFeed | RedisPresence]]:
    """The feed, presence, and those of them that have to be closed."""
    if link:
        feed = RedisFeed(link)
        presence = RedisPresence(link, feed)
        return feed, presence, [presence, feed]
    # On SQLite there is one serving process, and nobody else to tell.
    return MemoryFeed(), MemoryPresence(), []


def _sending_of_jobs(settings: Settings, link: Link | None) -> tuple[AsyncBroker, Notes]:
    if link and settings.redis_url:
        return brokers.shared(settings.redis_url), RedisNotes(link)
    return brokers.in_process(), MemoryNotes()


def _limits(
    settings: Settings, link: Link | None
) -> tuple[RateLimiter | None, SocketLimits | None]:
    if not settings.rate_limits:
        return None, None
    limiter = RedisLimiter(link) if link else MemoryLimiter()
    slots = RedisSlots(link) if link else MemorySlots()
    return limiter, SocketLimits(limiter, slots, settings.sockets_per_user)


def _images(settings: Settings) -> tuple[FolderImages | S3Images, ImageAddresses]:
    """The store of the images, and where people find them."""
    if settings.images_bucket:
        bucket, prefix = settings.images_bucket
        in_s3 = S3Images(bucket, prefix, aws_region(), settings.s3_endpoint)
        public = settings.s3_public_url
        return in_s3, ImageAddresses(f"{public}/" if public else in_s3.base)
    return FolderImages(settings.images_folder), ImageAddresses()


def application(platform: Platform, *, with_jobs: bool) -> Litestar:
    """The application of a serving process, with its jobs inside unless told otherwise."""

    @asynccontextmanager
    async def watching(_app: Litestar) -> AsyncIterator[None]:
        parts = platform.parts
        watches = [asyncio.create_task(parts.hub.watch_sessions(parts.gate))]
        if parts.socket_limits:
            watches.append(asyncio.create_task(parts.socket_limits.renew_for_ever()))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    @asynccontextmanager
    async def jobs(_app: Litestar) -> AsyncIterator[None]:
        async with running.running(platform.jobs):
            yield

    return create_app(platform.parts, [watching, jobs] if with_jobs else [watching])
