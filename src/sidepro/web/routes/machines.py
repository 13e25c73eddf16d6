"""What machines read: feeds, sitemaps, the manifest, and the worker that shows a page offline."""

import hashlib
import re
from typing import Any
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import FromPath, FromQuery

from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.language import Language
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.views import BoardQuery
from sidepro.http.headers.etags import matches
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import SITEMAPS
from sidepro.http.services import InjectedServices, Services
from sidepro.web.auth import PUBLIC, WebRequest
from sidepro.web.page import COLOUR_SCHEMES, InjectedPage, Page

FEED_LENGTH = 30
SITEMAP_LENGTH = 5_000
"""Addresses in a part of the sitemap. The protocol allows 50,000."""

FIRST = UUID(int=0)
"""Comes before all projects: the name of the first part of the sitemap."""

ATOM = "application/atom+xml; charset=utf-8"
XML = "application/xml; charset=utf-8"

_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have (XML 1.0, section 2.2), not even escaped."""


@get("/feed.atom", opt=PUBLIC)
async def board_feed(
    request: WebRequest, page: InjectedPage, services: InjectedServices
) -> Response[str]:
    """The newest projects."""
    return await _feed(request, page, services, BoardQuery(), None)


@get("/people/{username:str}/feed.atom", opt=PUBLIC)
async def person_feed(
    request: WebRequest,
    page: InjectedPage,
    services: InjectedServices,
    username: FromPath[str],
) -> Response[str]:
    """The newest projects of a person."""
    person = await services.accounts.user_named(username, None)
    return await _feed(
        request, page, services, BoardQuery(author=UserId(person.id)), person.username
    )


async def _feed(
    request: WebRequest, page: Page, services: Services, query: BoardQuery, person: str | None
) -> Response[str]:
    projects = await services.projects.board(query, PageRequest(FEED_LENGTH), None)
    updated = max((each.updated_at for each in projects.items), default=None)
    text = page.text("machines/feed.xml", projects=projects.items, updated=updated, person=person)
    return _document(request, page, _NOT_XML.sub("\ufffd", text), ATOM)


@get("/sitemap.xml", opt={**PUBLIC, **SITEMAPS})
async def sitemap(
    request: WebRequest, page: InjectedPage, services: InjectedServices
) -> Response[str]:
    """The parts of the sitemap."""
    starts = await services.projects.part_ends(SITEMAP_LENGTH)
    text = page.text("machines/sitemap.xml", parts=(FIRST, *starts))
    return _document(request, page, text, XML)


@get("/sitemaps/{after:uuid}", opt={**PUBLIC, **SITEMAPS})
async def sitemap_part(
    request: WebRequest, page: InjectedPage, services: InjectedServices, after: PathId
) -> Response[str]:
    """The addresses of projects after another one."""
    projects = await services.projects.addresses(ProjectId(after), SITEMAP_LENGTH)
    text = page.text("machines/sitemap_part.xml", projects=projects, is_first=after == FIRST)
    return _document(request, page, text, XML)


@get("/robots.txt", opt=PUBLIC)
async def robots(request: WebRequest, page: InjectedPage) -> Response[str]:
    """What search engines may read: no pages of filters, and nothing personal."""
    return _document(request, page, page.text("machines/robots.txt"), "text/plain")


@get("/manifest.webmanifest", opt=PUBLIC)
async def manifest(page: InjectedPage) -> Response[Any]:
    """For people who keep the site beside their apps."""
    return Response(
        {
            "name": page.texts.common.site,
            "short_name": page.texts.common.site,
            "description": page.texts.common.tagline,
            "lang": page.language,
            "start_url": page.url("/"),
            "scope": page.url("/"),
            "id": page.url("/"),
            "display": "minimal-ui",
            "background_color": "#f5f6f4",
            "theme_color": "#1d46b0",
            "icons": [
                {
                    "src": page.static("icons/favicon.svg"),
                    "type": "image/svg+xml",
                    "sizes": "any",
                },
                {
                    "src": page.static("icons/app.png"),
                    "type": "image/png",
                    "sizes": "512x512",
                    "purpose": "any maskable",
                },
            ],
        },
        media_type="application/manifest+json",
        headers=page.headers(),
    )


@get("/offline", opt=PUBLIC)
async def offline(
    page: InjectedPage, language: FromQuery[str] = "", colours: FromQuery[str] = ""
) -> Response[str]:
    """What the worker shows while there is no network. It is the same for everybody who has
    chosen these: the worker sends no cookies.
    """
    if language in tuple(Language):
        page.speak(Language(language))
    if colours in COLOUR_SCHEMES:
        page.colours = colours
    return page.render("machines/offline.html")


@get("/service-worker.js", opt=PUBLIC)
async def service_worker(request: WebRequest, page: InjectedPage) -> Response[str]:
    """The worker. Its scope is the whole site, so it is not among the static files."""
    text = page.text("machines/service-worker.js")
    return _document(request, page, text, "text/javascript")


def _document(request: WebRequest, page: Page, text: str, media_type: str) -> Response[str]:
    """A document that is sent again only after it has changed.

    Litestar adds the charset to media types of texts.
    """
    tag = hashlib.sha256(text.encode()).hexdigest()[:16]
    headers = {**page.headers(), "ETag": f'"{tag}"'}
    if matches(tag, request.headers.getall("If-None-Match", [])):
        return Response("", status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)


router = Router(
    "/",
    route_handlers=[
        board_feed,
        person_feed,
        sitemap,
        sitemap_part,
        robots,
        manifest,
        offline,
        service_worker,
    ],
)
