"""The composition root: settings → adapters → services → application.

The only module that imports every layer. Importing it creates nothing.
"""

import sidepro.bootstrap.lean_imports  # noqa: F401 # isort: skip - the first of all imports

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response

from sidepro.adapters import system
from sidepro.adapters.factory import SharedState, build_shared_state, build_storage
from sidepro.adapters.images.codec import PillowCodec
from sidepro.adapters.images.store import FolderImages
from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.adapters.redis.sentinel import build_pool
from sidepro.adapters.security.passwords import Argon2Passwords
from sidepro.adapters.similarity.lazy_engine import PolarsEngine
from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import SqlJobLock
from sidepro.adapters.sql.job_run_store import SqlJobRunStore
from sidepro.adapters.sql.mail.mails import SqlMailReader
from sidepro.adapters.sql.readers.population_reader import SqlPopulationReader
from sidepro.adapters.sql.trending_store import SqlTrendingStore
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.chat.person_events import PersonEventHandler
from sidepro.api.chat.room_events import RoomEventHandler
from sidepro.api.errors import access_error_hook, handle_error
from sidepro.api.router import ApiDependencies, api_router, documentation
from sidepro.bootstrap.health import following_clock, health_checks
from sidepro.bootstrap.mail import build_digests, build_mail_sender
from sidepro.bootstrap.monitoring import CountedMessageWriter, build_metrics
from sidepro.bootstrap.services import Media, Security, build_security, build_services
from sidepro.bootstrap.tracing import build_tracing
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.channels import PERSON, ROOM
from sidepro.domain.coffee_chats.request_expiry import RequestExpiryService
from sidepro.domain.deletion.retention import RetentionService
from sidepro.domain.mail.mail_sender import MailSender
from sidepro.domain.mail.mail_service import MailService
from sidepro.domain.moderation.purge_service import PurgeService
from sidepro.domain.moderation.role_service import RoleService
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.operations.counter_service import CounterService
from sidepro.domain.operations.job_service import JobRecorder
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.http.app import Application, ExceptionHandler, create_app
from sidepro.http.mail_pages.pages import mail_pages
from sidepro.http.mail_pages.plain import PlainLook
from sidepro.http.media import media_router
from sidepro.http.middleware.hosts import HostPolicy
from sidepro.http.middleware.middleware import RejectionPage, ServiceAddress
from sidepro.http.monitoring.health import HealthChecks, health_router
from sidepro.http.monitoring.metrics import Metrics, metrics_routes
from sidepro.http.problems.pages import problem_pages
from sidepro.http.services import Services
from sidepro.jobs import broker as brokers
from sidepro.jobs.tasks import REQUESTED_MAIL, REQUESTED_SIMILARITY, JobRunner
from sidepro.jobs.trigger import BrokerTrigger
from sidepro.settings import Settings
from sidepro.settings.parsers import origin_of
from sidepro.web.errors import is_page, page_error_handler, rejection_page
from sidepro.web.mail_pages import SiteLook
from sidepro.web.page import Site
from sidepro.web.router import build_site, web_router

if TYPE_CHECKING:
    from sidepro.adapters.tracing import Tracing


def _service_address(settings: Settings, public_url: str) -> ServiceAddress:
    address = urlsplit(public_url)
    return ServiceAddress(
        HostPolicy.of([address.hostname or "", *settings.allowed_hosts]),
        settings.allowed_origins or (origin_of(public_url),),
        address.path,
        public_url.rstrip("/"),
    )


@dataclass(frozen=True, slots=True)
class Container:
    """Everything a process needs, built and not yet connected."""

    database: Database
    catalogue: CatalogueCache
    views: SqlViewCounter
    message_writer: MessageWriter
    passwords: Argon2Passwords
    codec: PillowCodec
    markdown: SafeMarkdown
    redis: RedisClient | None
    chat: Sequence[RedisPubSub | RedisPresence]
    administration: AdministrationService
    roles: RoleService
    counters: CounterService
    similarity: SimilarityJob
    trending: TrendingService
    job_runner: JobRunner
    triggers: Sequence[BrokerTrigger]
    mail: MailService
    mail_sender: MailSender[SqlUnitOfWork]
    api: ApiDependencies
    health: HealthChecks
    media: FolderImages | None
    metrics: Metrics | None
    metrics_token: str | None
    metrics_bind: tuple[str, int] | None
    docs: bool
    service_address: ServiceAddress
    tracing: "Tracing | None"
    site: Site | None
    """What the pages share; `None` for an API without pages."""

    @property
    def rejection_page(self) -> RejectionPage | None:
        """Renders the middleware's rejections for people."""
        return rejection_page(self.site) if self.site else None

    async def close(self) -> None:
        """Close connections and threads."""
        for trigger in self.triggers:
            await trigger.close()
        await self.job_runner.broker.shutdown()
        await self.message_writer.close()
        for part in self.chat:
            await part.close()
        await self.views.close()
        await self.api.services.sessions.close()
        await self.database.close()
        if self.redis:
            await self.redis.close()
        self.passwords.close()
        self.codec.close()
        self.markdown.close()
        if self.tracing:
            await self.tracing.close()


def build(
    settings: Settings, public_url: str, threads: int = 1, application_name: str = "sidepro"
) -> Container:
    """Build everything a process needs. `threads` bounds the similarity engine.

    `application_name` names the process in PostgreSQL's list of sessions.

    Raises:
        OSError: the secret key of an embedded platform cannot be stored in the data folder.
        ValueError, TypeError: an option of the URL of Redis is invalid or unknown.
    """
    service_address = _service_address(settings, public_url)
    security = build_security(settings)
    storage = build_storage(settings, public_url, application_name)
    shared = build_shared_state(settings, storage)
    media = Media(PillowCodec(settings.image_max_pixels), SafeMarkdown(storage.image_urls))
    message_writer = CountedMessageWriter(
        storage.batch_unit_of_work, shared.events, system.clock, storage.unit_of_work
    )
    broker = brokers.for_settings(settings, build_pool)
    similarity_trigger = BrokerTrigger(broker, shared.job_claims, REQUESTED_SIMILARITY)
    mail_trigger = BrokerTrigger(broker, shared.job_claims, REQUESTED_MAIL)
    mail_reader = SqlMailReader(storage.database)
    services = build_services(
        settings,
        public_url,
        storage,
        shared,
        security,
        media,
        message_writer,
        similarity_trigger,
        mail_trigger,
    )
    api = _build_api(settings, public_url, service_address, services, security, shared)
    similarity = SimilarityJob(
        SqlPopulationReader(storage.database, storage.catalogue_cache),
        PolarsEngine(threads),
        shared.neighbours,
        SqlJobLock(storage.database),
        system.clock,
    )
    trending = TrendingService(SqlTrendingStore(storage.database), system.clock)
    digests = build_digests(storage)
    mail_sender = build_mail_sender(settings, public_url, storage, security.mail_tokens, digests)
    metrics = build_metrics(
        settings, public_url, api.hub, message_writer, storage, shared, trending, mail_reader
    )
    job_runner = JobRunner(
        broker,
        shared.job_claims,
        similarity,
        shared.neighbours,
        services.images,
        RetentionService(
            storage.unit_of_work,
            system.clock,
            settings.refresh_token_ttl,
            RequestExpiryService(
                storage.unit_of_work, Notifier(shared.events, system.new_id), system.clock
            ),
            PurgeService(storage.unit_of_work, system.clock),
        ),
        trending,
        JobRecorder(SqlJobRunStore(storage.database), system.clock),
        mail_sender,
        digests,
    )
    if metrics:
        message_writer.record = metrics.record_message
        job_runner.record = metrics.record_job
    return Container(
        database=storage.database,
        catalogue=storage.catalogue_cache,
        views=storage.views,
        message_writer=message_writer,
        passwords=security.passwords,
        codec=media.codec,
        markdown=media.markdown,
        redis=shared.redis,
        chat=shared.chat_connections,
        administration=services.operator.administration,
        roles=services.roles,
        counters=services.operator.counters,
        similarity=similarity,
        trending=trending,
        job_runner=job_runner,
        triggers=(similarity_trigger, mail_trigger),
        mail_sender=mail_sender,
        mail=MailService(storage.unit_of_work, mail_reader, mail_trigger, system.clock),
        api=api,
        health=health_checks(storage, shared),
        media=storage.images if isinstance(storage.images, FolderImages) else None,
        metrics=metrics,
        metrics_token=None if settings.metrics in ("on", "off") else settings.metrics,
        metrics_bind=settings.metrics_bind,
        docs=settings.docs,
        tracing=build_tracing(
            application_name, storage.database, shared.redis, message_writer, job_runner
        ),
        service_address=service_address,
        site=(
            build_site(
                public_url, storage.image_urls.base, settings.upload_max_bytes, system.clock
            )
            if settings.web
            else None
        ),
    )


def _build_api(
    settings: Settings,
    public_url: str,
    service_address: ServiceAddress,
    services: Services,
    security: Security,
    shared: SharedState,
) -> ApiDependencies:
    limiter = shared.rate_limiter
    return ApiDependencies(
        services=services,
        hub=Hub(
            shared.events,
            {
                ROOM: RoomEventHandler(services.rooms),
                PERSON: PersonEventHandler(services.person_stream),
            },
        ),
        tokens=security.tokens,
        session_registry=shared.session_registry,
        limiter=limiter,
        socket_limits=(
            SocketLimits(limiter, shared.concurrency_limiter, settings.sockets_per_user)
            if limiter
            else None
        ),
        allowed_origins={*service_address.allowed_origins, origin_of(public_url)},
        upload_max_bytes=settings.upload_max_bytes,
    )


def monitoring_application(container: Container) -> Litestar:
    """The application on a separate address of the metrics, also of workers and schedulers."""
    return Application(
        route_handlers=[
            *metrics_routes(container.metrics, container.metrics_token),
            health_router(container.health),
        ],
        exception_handlers={Exception: handle_error},
        openapi_config=None,
        logging_config=None,
    )


def application(container: Container, *, with_jobs: bool) -> Litestar:
    """The application of a serving process; `with_jobs` runs the periodic jobs in it."""
    api, site = container.api, container.site

    @asynccontextmanager
    async def background_tasks(_app: Litestar) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(api.hub.watch_sessions(api.session_registry)),
            asyncio.create_task(api.hub.watch_epoch(api.services.rooms.epochs)),
        ]
        if api.socket_limits:
            tasks.append(asyncio.create_task(api.socket_limits.renew_loop()))
        try:
            async with following_clock(container.database):  # before the first request
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def jobs(_app: Litestar) -> AsyncIterator[None]:
        # Processes without jobs need neither taskiq's receiver nor its scheduler.
        from sidepro.jobs import runner  # noqa: PLC0415 - see above

        async with runner.embedded(container.job_runner):
            yield

    public_metrics = metrics_routes(container.metrics, container.metrics_token)
    documents, openapi_config = (
        documentation(container.service_address.public_url) if container.docs else ([], None)
    )
    return create_app(
        [
            *(web_router(site, api.services, api.limiter, container.health) if site else []),
            api_router(api),
            health_router(container.health),
            *documents,
            *([] if container.metrics_bind else public_metrics),
            problem_pages(),
            *mail_pages(
                api.services,
                api.limiter,
                _origin(container.service_address.public_url),
                SiteLook(site) if site else PlainLook(api.services.base_path),
            ),
            *([media_router(container.media)] if container.media else []),
        ],
        exception_handler=_exception_handler(site) if site else handle_error,
        after_exception=access_error_hook(api.services),
        openapi_config=openapi_config,
        lifespan=[background_tasks, jobs] if with_jobs else [background_tasks],
    )


def _origin(public_url: str) -> str:
    return origin_of(public_url) if public_url else ""


def _exception_handler(site: Site) -> ExceptionHandler:
    """The response to errors of no route, such as unknown paths: by the driver of the path."""
    handle_page_error = page_error_handler(site)

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        is_for_people = is_page(request.scope["path"])
        return (handle_page_error if is_for_people else handle_error)(request, error)

    return handle
