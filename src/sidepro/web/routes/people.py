"""The page of a person: their profile, projects and bookmarks."""

from dataclasses import dataclass
from urllib.parse import quote

from litestar import Response, Router, get
from litestar.params import FromPath, FromQuery

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.views import UserView
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery, ProjectCard
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.auth import PUBLIC
from sidepro.web.page import InjectedPage, Page

LIMIT = 12


@dataclass(frozen=True, slots=True)
class Cards:
    """A page of a list of projects. The cursors are texts of addresses."""

    projects: tuple[ProjectCard, ...]
    total: int
    previous: str | None
    next: str | None


def address_of(username: str) -> str:
    """The local address of a person's page."""
    return f"/people/{quote(username, safe='')}"


@get("/people/{username:str}", opt=PUBLIC)
async def show_person(
    page: InjectedPage,
    services: InjectedServices,
    username: FromPath[str],
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """The person with this name in any case, and their projects, newest first."""
    person = await services.accounts.user_named(username, page.viewer_id)
    address = address_of(person.username)
    if person.username != username:
        return page.redirect(address, status=301)
    cards = await projects_of(page, services, person.id, cursor)
    return page.render(
        "people/projects.html",
        person=person,
        is_blocked=await _is_blocked(page, services, person),
        cards=cards,
        address=address,
    )


@get("/people/{username:str}/bookmarks")
async def show_bookmarks(
    page: InjectedPage,
    services: InjectedServices,
    username: FromPath[str],
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """The projects that a person has bookmarked, latest bookmark first."""
    person = await services.accounts.user_named(username, page.viewer_id)
    address = address_of(person.username)
    if person.username != username:
        return page.redirect(f"{address}/bookmarks", status=301)
    cards = await bookmarks_of(page, services, person.id, cursor)
    return page.render(
        "people/bookmarks.html",
        person=person,
        is_blocked=await _is_blocked(page, services, person),
        cards=cards,
        address=address,
    )


async def _is_blocked(page: Page, services: Services, person: UserView) -> bool:
    """Whether the viewer blocks this person, whose policy then reads closed."""
    if page.viewer is None or person.chat_policy is not ChatPolicy.CLOSED:
        return False
    return await services.blocks.is_blocking(page.caller, person.id)


async def projects_of(page: Page, services: Services, owner: UserId, cursor: str | None) -> Cards:
    """A page of a person's projects."""
    scope = scope_of("user-projects", {"user": owner})
    query = BoardQuery(author=owner)
    found = await services.projects.board(
        query, page_request(services, LIMIT, cursor, scope), page.viewer_id
    )
    return Cards(
        found.items,
        await services.projects.board_size(query, page.viewer_id),
        *page_cursors(services, found, scope),
    )


async def bookmarks_of(page: Page, services: Services, owner: UserId, cursor: str | None) -> Cards:
    """A page of a person's bookmarks."""
    scope = scope_of("user-bookmarks", {"user": owner})
    found = await services.bookmarks.of_user(
        owner, page_request(services, LIMIT, cursor, scope), page.viewer_id
    )
    return Cards(
        found.items,
        await services.bookmarks.count(owner, page.viewer_id),
        *page_cursors(services, found, scope),
    )


router = Router("/", route_handlers=[show_person, show_bookmarks])
