"""The board, which is the home page."""

import re
import secrets
from dataclasses import dataclass
from zlib import crc32

from litestar import Response, Router, get
from litestar.params import FromQuery

from sidepro.domain.errors import BadCursor, InvalidInput, NotFound, SideProError
from sidepro.domain.ids import UserId
from sidepro.domain.pagination import Page as PageOf
from sidepro.domain.projects.views import BoardQuery, ProjectCard, Sort
from sidepro.domain.recommendations.views import Recommendation
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.problems.documents import status_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.auth import PUBLIC, WebRequest
from sidepro.web.forms import Form, FormError
from sidepro.web.messages.catalogue import Texts
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.board_filters import Filters

LIMIT = 18
"""A multiple of 2 and 3: whole rows of cards."""

RECOMMENDED = 3
MAX_SEED = 2**31

_SEED = re.compile("[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the projects that match. The cursors are texts of addresses."""

    projects: tuple[ProjectCard, ...]
    total: int
    previous: str | None
    next: str | None


@get("/", opt=PUBLIC)
async def board(
    request: WebRequest,
    page: InjectedPage,
    services: InjectedServices,
    cursor: FromQuery[str | None] = None,
    seed: FromQuery[str | None] = None,
) -> Response[str]:
    """Projects that match the filters, and on the first page without filters recommended ones."""
    filters = Filters.of(request.query_params)
    is_home = not filters.any and cursor is None and filters.sort == Sort.NEWEST
    error: SideProError | None = None
    found: Found | None = None
    author = None
    try:
        query = await services.projects.normalize_query(filters.query())
        found = await _found(services, page, query, cursor or None)
        author = await _author_name(services, query.author, found)
    except (InvalidInput, BadCursor) as rejection:
        error = rejection
    return page.render(
        "board/index.html",
        status=200 if error is None else status_of(error),
        filters=filters,
        form=Form() if error is None else _rejected(error, page.texts),
        found=found,
        author=author,
        is_home=is_home,
        recommended=await _recommended(services, page, seed) if is_home else (),
        next_seed=secrets.randbelow(MAX_SEED),
        all_skills=(await services.catalogue.current()).skills,
    )


def _rejected(error: SideProError, texts: Texts) -> Form:
    """The errors with the names of the filters, which are not all fields of one form."""
    form = Form().rejected(error, texts.errors)
    labels = texts.board.labels
    errors = [
        FormError("", f"{labels[each.field]}: {each.text}" if each.field in labels else each.text)
        for each in form.errors
    ]
    return Form(errors=tuple(errors))


async def _found(services: Services, page: Page, query: BoardQuery, cursor: str | None) -> Found:
    filters = [query.text, query.skills, query.all_skills, query.author, query.sort]
    scope = scope_of("board", {"filters": filters})
    projects: PageOf[ProjectCard] = await services.projects.board(
        query, page_request(services, LIMIT, cursor, scope), page.viewer_id
    )
    return Found(
        projects.items,
        await services.projects.board_size(query, page.viewer_id),
        *page_cursors(services, projects, scope),
    )


async def _author_name(services: Services, author: UserId | None, found: Found) -> str | None:
    """The name of the author that a filter asks for, which the projects usually have."""
    if author is None:
        return None
    if found.projects:
        return found.projects[0].author.username
    try:
        return (await services.accounts.user(author, None)).username
    except NotFound:
        return None


async def _recommended(
    services: Services, page: Page, seed: str | None
) -> tuple[Recommendation, ...]:
    """Projects for the viewer. They stay the same for a day unless the address has a seed, so that
    a page that comes back after a click is the same page.
    """
    if page.viewer is None:
        return ()
    if seed is None or not _SEED.fullmatch(seed):
        seed = str(crc32(f"{page.viewer.user.id}{page.dates.today}".encode()))
    recommended = await services.recommendations.recommend(page.caller, RECOMMENDED, int(seed))
    return recommended.items


router = Router("/", route_handlers=[board])
