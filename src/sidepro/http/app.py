"""The application, put together."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide

from sidepro.api.auth import Authentication
from sidepro.api.chat import asyncapi
from sidepro.api.chat.endpoint import socket_router
from sidepro.api.chat.handshake import Handshake
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.dependencies import PREFIX, Services
from sidepro.api.docs import openapi
from sidepro.api.docs.page import docs_router
from sidepro.api.errors import handle, prefer_access_error
from sidepro.api.json_body import StrictJson
from sidepro.api.routes import (
    accounts,
    comments,
    data_export,
    projects,
    recommendations,
    rooms,
    sessions,
)
from sidepro.api.routes.images import images_router
from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.images.ports import ImageStore
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.http.health import Check, health_router
from sidepro.http.media import media_router
from sidepro.http.metrics import Metrics, metrics_route
from sidepro.http.rate_limits import RateLimitMiddleware

MAX_BODY = 2**20

EXPOSED = [
    *("ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy"),
    *("X-Request-ID", "Idempotent-Replayed"),
]

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class AppDependencies:
    """What the application is made of. `media` is the store whose images it serves itself."""

    services: Services
    hub: Hub
    tokens: AccessTokens
    session_registry: SessionRegistry
    limiter: RateLimiter | None
    socket_limits: SocketLimits | None
    allowed_origins: Sequence[str]
    health_checks: Mapping[str, Check]
    helpful_checks: Mapping[str, Check]
    upload_largest: int
    media: ImageStore | None = None
    metrics: Metrics | None = None
    with_docs: bool = True


def create_app(parts: AppDependencies, lifespan: Sequence[Lifespan] = ()) -> Litestar:
    """The routes with their services. Serve it inside `sidepro.http.middleware.Edge`."""
    services = parts.services

    def provide_services() -> Services:
        return services

    door = Handshake(
        tokens=parts.tokens,
        session_registry=parts.session_registry,
        rooms=services.rooms,
        tickets=services.tickets,
        limits=parts.socket_limits,
        allowed_origins=parts.allowed_origins,
    )
    api = Router(
        PREFIX,
        route_handlers=[
            accounts.router,
            sessions.router,
            data_export.router,
            projects.router,
            comments.router,
            rooms.router,
            recommendations.router,
            images_router(parts.upload_largest),
            socket_router(door, parts.hub),
        ],
        middleware=[
            Authentication(parts.tokens, parts.session_registry),
            *([RateLimitMiddleware(parts.limiter)] if parts.limiter else []),
        ],
    )
    documents: list[Any] = []
    if parts.with_docs:
        documents = [docs_router(), asyncapi.route(version("sidepro"))]
    return Litestar(
        route_handlers=[
            api,
            health_router(parts.health_checks, parts.helpful_checks),
            *documents,
            *([metrics_route(parts.metrics)] if parts.metrics else []),
            *([media_router(parts.media)] if parts.media else []),
        ],
        dependencies={"services": Provide(provide_services, sync_to_thread=False)},
        state=State({"services": services}, deep_copy=False),
        dto=StrictJson,
        return_dto=None,
        exception_handlers={Exception: handle},
        after_exception=[prefer_access_error],
        request_max_body_size=MAX_BODY,
        cors_config=CORSConfig(
            allow_origins=list(parts.allowed_origins),
            allow_headers=[
                *("Authorization", "Content-Type", "If-Match", "If-None-Match"),
                *("Idempotency-Key", "X-Request-ID"),
            ],
            expose_headers=EXPOSED,
            max_age=600,
        ),
        openapi_config=openapi.config(version("sidepro")) if parts.with_docs else None,
        lifespan=list(lifespan),
        logging_config=None,
        debug=False,
    )
