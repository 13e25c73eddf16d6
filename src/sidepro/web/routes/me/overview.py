"""The own page: the profile, the own projects and bookmarks, and the ways to the settings."""

from litestar import Response, Router, get
from litestar.params import FromQuery

from sidepro.http.services import InjectedServices
from sidepro.web.page import InjectedPage
from sidepro.web.routes.people import address_of, bookmarks_of, projects_of


@get("/")
async def show_projects(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The own account and the own projects, newest first."""
    account = await services.accounts.account(page.caller)
    return page.render(
        "me/projects.html",
        account=account,
        public_address=address_of(account.username),
        cards=await projects_of(page, services, account.id, cursor),
    )


@get("/bookmarks")
async def show_bookmarks(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The own account and the own bookmarks, latest first."""
    account = await services.accounts.account(page.caller)
    return page.render(
        "me/bookmarks.html",
        account=account,
        public_address=address_of(account.username),
        cards=await bookmarks_of(page, services, account.id, cursor),
    )


@get("/settings")
async def show_settings(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """The own account and the ways to its settings."""
    account = await services.accounts.account(page.caller)
    return page.render(
        "me/settings.html", account=account, public_address=address_of(account.username)
    )


router = Router("/", route_handlers=[show_projects, show_bookmarks, show_settings])
