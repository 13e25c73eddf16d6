"""The routes of the screens as one router."""

from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, ControllerRouterHandler

from sidepro.domain.accounts.views import SessionViewer
from sidepro.domain.clock import Clock
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.domain.waiting import borrowed_waits
from sidepro.http.cross_site import CrossSiteProtection
from sidepro.http.monitoring.health import HealthChecks
from sidepro.http.outer_router import OuterRouter
from sidepro.http.rate_limits import RateLimitMiddleware
from sidepro.http.services import Services
from sidepro.http.verified_email import VerifiedEmailMiddleware
from sidepro.settings.parsers import origin_of
from sidepro.web.auth import CookieAuthentication
from sidepro.web.cookies import Cookies
from sidepro.web.errors import page_error_handler, wants_json
from sidepro.web.forms import FormMiddleware, provide_form
from sidepro.web.headers import content_security_policy
from sidepro.web.page import Page, Site
from sidepro.web.routes import (
    board,
    chats,
    comments,
    consent,
    editor,
    machines,
    me,
    moderation,
    notifications,
    operator,
    people,
    preferences,
    projects,
    sessions,
)
from sidepro.web.uploads import MAX_EXCESS, UploadMiddleware, provide_files


def build_site(public_url: str, image_base: str, max_file_bytes: int, clock: Clock) -> Site:
    """What all pages share. `image_base` is the base of the URLs of images."""
    return Site(
        base_path=urlsplit(public_url).path.rstrip("/"),
        origin=origin_of(public_url) if public_url else "",
        policy=content_security_policy(image_base),
        cookies=Cookies.of(public_url),
        max_file_bytes=max_file_bytes,
        clock=clock,
    )


def web_router(
    site: Site, services: Services, limiter: RateLimiter | None, health: HealthChecks
) -> list[ControllerRouterHandler]:
    """All pages, and the static files, which are neither limited nor authenticated.

    If `limiter` is `None`, nothing is limited.
    """
    handle_page_error = page_error_handler(site)

    def provide_services() -> Services:
        return services

    async def provide_page(request: Request[Caller | None, SessionViewer | None, State]) -> Page:
        page = Page(site, request)
        if page.viewer is not None and request.method == "GET" and not wants_json(request):
            with borrowed_waits():  # Litestar resolves dependencies in tasks of their own
                page.badges = await services.person_stream.badges(page.caller.id)
        return page

    def provide_health() -> HealthChecks:
        return health

    # A function, not an object with arguments: Litestar deep-copies routers.
    def authentication(app: ASGIApp) -> ASGIApp:
        return CookieAuthentication(app, services.sessions, site.cookies.session_name, limiter)

    pages = OuterRouter(
        "/",
        route_handlers=[
            board.router,
            chats.router,
            comments.router,
            consent.router,
            editor.router,
            machines.router,
            moderation.router,
            operator.router,
            me.router,
            notifications.router,
            people.router,
            preferences.router,
            projects.router,
            sessions.router,
        ],
        middleware=[
            CrossSiteProtection(site.origin),
            UploadMiddleware(site.max_file_bytes),
            FormMiddleware(),
            authentication,
            *([RateLimitMiddleware(limiter)] if limiter else []),
            VerifiedEmailMiddleware(services.authorize_writer),
        ],
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "page": Provide(provide_page),
            "health": Provide(provide_health, sync_to_thread=False),
            "form": Provide(provide_form, sync_to_thread=False),
            "files": Provide(provide_files, sync_to_thread=False),
        },
        exception_handlers={Exception: handle_page_error},
        request_max_body_size=site.max_file_bytes + MAX_EXCESS,
        include_in_schema=False,
    )
    static = site.static_files.router()
    static.exception_handlers = {Exception: handle_page_error}
    return [pages, static]
