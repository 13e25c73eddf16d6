"""Chooses adapters by the settings: embedded, or scaled out over PostgreSQL, Redis and S3."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sidepro.adapters import system
from sidepro.adapters.images.store import FolderImages, S3Images
from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.adapters.in_process.socket_tickets import InProcessSocketTickets
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.concurrency_limiter import RedisConcurrencyLimiter
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.adapters.redis.rate_limiter import RedisRateLimiter
from sidepro.adapters.redis.session_registry import RedisSessionRegistry
from sidepro.adapters.redis.socket_tickets import RedisSocketTickets
from sidepro.adapters.sql.catalogue_ids import CatalogueCache, SqlCatalogueReader
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.neighbour_store import SqlNeighbourStore
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.domain.accounts.ports import SessionRegistry
from sidepro.domain.channels import Presence, PubSub
from sidepro.domain.images.urls import LOCAL_BASE, ImageUrls
from sidepro.domain.rate_limiting import ConcurrencyLimiter, RateLimiter
from sidepro.domain.recommendations.ports import NeighbourStore
from sidepro.domain.rooms.ticket_service import SocketTickets
from sidepro.settings import Settings, aws_credentials, aws_region


@dataclass(frozen=True, slots=True)
class Storage:
    """The database and the image store, with the readers that several services use."""

    database: Database
    catalogue_cache: CatalogueCache
    images: FolderImages | S3Images
    image_urls: ImageUrls
    catalogue: SqlCatalogueReader
    accounts: SqlAccountReader
    board: SqlBoardReader
    views: SqlViewCounter

    def unit_of_work(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.database, self.catalogue_cache, self.image_urls)

    def batch_unit_of_work(self) -> SqlUnitOfWork:
        """For batches of chat messages."""
        return SqlUnitOfWork(self.database, self.catalogue_cache, self.image_urls, messages=True)


def build_storage(settings: Settings, public_url: str, application: str = "sidepro") -> Storage:
    database = Database(settings.database, application, settings.database_pool)
    cache = CatalogueCache()
    images, image_urls = _build_image_store(settings, public_url)
    return Storage(
        database=database,
        catalogue_cache=cache,
        images=images,
        image_urls=image_urls,
        catalogue=SqlCatalogueReader(database, cache),
        accounts=SqlAccountReader(database, cache, image_urls),
        board=SqlBoardReader(database, cache, image_urls),
        views=SqlViewCounter(database, system.clock),
    )


def _build_image_store(
    settings: Settings, public_url: str
) -> tuple[FolderImages | S3Images, ImageUrls]:
    own = public_url.rstrip("/") + LOCAL_BASE
    aliases = (own, urlsplit(own).path)
    if settings.images_bucket:
        bucket, prefix = settings.images_bucket
        store = S3Images(bucket, prefix, aws_region(), settings.s3_endpoint, aws_credentials())
        base = f"{settings.s3_public_url}/" if settings.s3_public_url else store.base
        return store, ImageUrls(base, (*aliases, store.base))
    return FolderImages(settings.images_folder), ImageUrls(urlsplit(own).path, aliases)


@dataclass(frozen=True, slots=True)
class SharedState:
    """State that several processes share over Redis, or that one process keeps for itself.

    `rate_limiter` is `None` if limits are off.
    """

    redis: RedisClient | None
    session_registry: SessionRegistry
    rate_limiter: RateLimiter | None
    concurrency_limiter: ConcurrencyLimiter
    tickets: SocketTickets
    events: PubSub
    presence: Presence
    chat_connections: Sequence[RedisPubSub | RedisPresence]
    neighbours: NeighbourStore
    job_claims: RedisJobClaims | InProcessJobClaims


def build_shared_state(settings: Settings, storage: Storage) -> SharedState:
    redis = RedisClient(settings.redis_url, settings.redis_prefix) if settings.redis_url else None
    # SQLite has one serving process: chat, jobs and neighbours stay in it even with Redis.
    cluster = redis if settings.allows_several_processes else None
    registry = InProcessSessionRegistry(storage.accounts, system.clock)
    events, presence, chat_connections = _build_chat_feed(cluster)
    return SharedState(
        redis=redis,
        session_registry=RedisSessionRegistry(redis, registry) if redis else registry,
        rate_limiter=_build_rate_limiter(redis) if settings.rate_limits else None,
        concurrency_limiter=(
            RedisConcurrencyLimiter(redis) if redis else InProcessConcurrencyLimiter()
        ),
        tickets=RedisSocketTickets(redis) if redis else InProcessSocketTickets(),
        events=events,
        presence=presence,
        chat_connections=chat_connections,
        neighbours=(
            RedisNeighbourStore(cluster) if cluster else SqlNeighbourStore(storage.database)
        ),
        job_claims=RedisJobClaims(cluster) if cluster else InProcessJobClaims(),
    )


def _build_rate_limiter(redis: RedisClient | None) -> RateLimiter:
    return RedisRateLimiter(redis) if redis else InProcessRateLimiter()


def _build_chat_feed(
    redis: RedisClient | None,
) -> tuple[PubSub, Presence, list[RedisPubSub | RedisPresence]]:
    """Room events and presence, and a list of the adapters to close."""
    if redis:
        events = RedisPubSub(redis)
        presence = RedisPresence(redis, events)
        return events, presence, [presence, events]
    return InProcessPubSub(), InProcessPresence(), []
