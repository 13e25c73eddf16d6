"""The API's routes as one router, and its documents."""

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

from litestar import Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, ControllerRouterHandler

from sidepro.api.auth import Authentication
from sidepro.api.chat import asyncapi
from sidepro.api.chat.endpoint import socket_router
from sidepro.api.chat.handshake import Handshake
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.dependencies import PREFIX
from sidepro.api.docs import openapi
from sidepro.api.docs.page import docs_router
from sidepro.api.json_body import StrictJson
from sidepro.api.query_parameters import query_parameter_check
from sidepro.api.routes import (
    accounts,
    bookmarks,
    catalogue,
    comments,
    data_export,
    emails,
    moderation,
    notifications,
    projects,
    recommendations,
    rooms,
    sessions,
    users,
)
from sidepro.api.routes.consent import blocks, chat_requests
from sidepro.api.routes.images import images_router
from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.http.outer_router import OuterRouter
from sidepro.http.rate_limits import RateLimitMiddleware
from sidepro.http.services import Services
from sidepro.http.verified_email import VerifiedEmailMiddleware


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """Dependencies of the API. If `limiter` and `socket_limits` are `None`, nothing is limited."""

    services: Services
    hub: Hub
    tokens: AccessTokens
    session_registry: SessionRegistry
    limiter: RateLimiter | None
    socket_limits: SocketLimits | None
    allowed_origins: Collection[str]
    upload_max_bytes: int


def api_router(dependencies: ApiDependencies) -> Router:
    """All routes below `/api/v1`."""
    services, limiter = dependencies.services, dependencies.limiter

    def provide_services() -> Services:
        return services

    # A function, not an object with arguments: Litestar deep-copies routers, and the session
    # registry must be shared.
    def authentication(app: ASGIApp) -> ASGIApp:
        return Authentication(app, dependencies.tokens, dependencies.session_registry, limiter)

    handshake = Handshake(
        tokens=dependencies.tokens,
        session_registry=dependencies.session_registry,
        rooms=services.rooms,
        tickets=services.tickets,
        limits=dependencies.socket_limits,
        allowed_origins=dependencies.allowed_origins,
    )
    return OuterRouter(
        PREFIX,
        route_handlers=[
            accounts.router,
            users.router,
            catalogue.router,
            sessions.router,
            emails.router,
            data_export.router,
            projects.router,
            comments.router,
            bookmarks.router,
            chat_requests.router,
            rooms.router,
            blocks.router,
            notifications.router,
            recommendations.router,
            moderation.router,
            images_router(dependencies.upload_max_bytes),
            socket_router(handshake, dependencies.hub),
        ],
        middleware=[
            authentication,
            *([RateLimitMiddleware(limiter)] if limiter else []),
            VerifiedEmailMiddleware(services.authorize_writer),
        ],
        dependencies={"services": Provide(provide_services, sync_to_thread=False)},
        before_request=query_parameter_check(),
        dto=StrictJson,
        return_dto=None,
    )


def documentation(public_url: str) -> tuple[list[ControllerRouterHandler], OpenAPIConfig]:
    """The routes of the documentation page and of the AsyncAPI document, and the OpenAPI setup.

    The documents name the public address as their server, if it is known.
    """
    current = version("sidepro")
    routes: list[ControllerRouterHandler] = [
        docs_router(urlsplit(public_url).path),
        asyncapi.route(current, public_url),
    ]
    return routes, openapi.config(current, public_url)
