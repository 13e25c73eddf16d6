"""The page of one request: its viewer, language and colours, and how it is rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import structlog
from litestar import MediaType, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from markupsafe import Markup

from sidepro.domain.accounts.views import SessionViewer
from sidepro.domain.clock import Clock
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId
from sidepro.domain.language import Language
from sidepro.domain.person_stream.views import NO_BADGES
from sidepro.web.addresses import local_address
from sidepro.web.cookies import COLOURS, DONE, LANGUAGE, TIME_ZONE, Cookies
from sidepro.web.display.dates import Dates, time_zone
from sidepro.web.display.icons import Icons
from sidepro.web.display.numbers import short
from sidepro.web.display.renderer import Renderer
from sidepro.web.forms import VIEWER, Form, posted_form, viewer_of_form
from sidepro.web.headers import NO_STORE, REFERRER_POLICY, REVALIDATE, VARY
from sidepro.web.language import choose_language, text_language
from sidepro.web.messages.catalogue import CATALOGUES, Texts
from sidepro.web.static_files import StaticFiles
from sidepro.web.unsent import UnsentForm
from sidepro.web.uploads import has_file

COLOUR_SCHEMES = ("auto", "light", "dark")
FAREWELLS = ("logged-out", "sessions-ended", "withdrawn")
"""Codes of `CommonTexts.done` after which nobody is logged in."""

_quoted = lru_cache(maxsize=2_000)(quote_plus)
"""Names of skills and sorts, again and again."""

_VIEWER_FIELD = Markup('<input type="hidden" name="{}" value="{}">')


@dataclass(frozen=True)
class Site:
    """What all pages of an application share."""

    base_path: str
    origin: str
    policy: str
    cookies: Cookies
    max_file_bytes: int
    clock: Clock

    @cached_property
    def static_files(self) -> StaticFiles:
        return StaticFiles()

    @cached_property
    def renderers(self) -> dict[Language, Renderer]:
        """What renders the templates in each language."""
        return {
            language: Renderer(
                language,
                url=self.url,
                static=self.static,
                icons=Icons(self.static("icons/sprite.svg")),
                max_file_bytes=self.max_file_bytes,
                max_file_megabytes=self.max_file_megabytes,
            )
            for language in Language
        }

    @property
    def max_file_megabytes(self) -> str:
        """The size of the largest file, for people."""
        return f"{self.max_file_bytes / 2**20:.3g}"

    def url(self, path: str, **query: object) -> str:
        """The public form of a local address, with these query parameters.

        `None` leaves a parameter out; a tuple repeats it.
        """
        if not query:
            return self.base_path + path
        parameters = [
            f"{name}={_quoted(str(each))}"
            for name, value in query.items()
            if value is not None
            for each in (value if isinstance(value, tuple) else (value,))
        ]
        return f"{self.base_path}{path}{'?' if parameters else ''}{'&'.join(parameters)}"

    def static(self, name: str) -> str:
        """The public address of a static file, such as `css/app.css`."""
        return self.base_path + self.static_files.path(name)


class Page:
    """The page of one request. Templates know it as `page`."""

    def __init__(self, site: Site, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        self._site = site
        self._connection = connection
        cookies = connection.cookies
        self.speak(
            choose_language(cookies.get(LANGUAGE), connection.headers.get("accept-language", ""))
        )
        colours = cookies.get(COLOURS)
        self.colours = colours if colours in COLOUR_SCHEMES else "auto"
        self.badges = NO_BADGES
        """What waits for the viewer, for the header."""
        done = cookies.get(DONE, "")
        self.done: str | None = self.texts.common.done.get(done)
        self.is_farewell = done in FAREWELLS
        """Whether the person has just logged out, so that nothing of theirs stays here."""

    def speak(self, language: Language) -> None:
        """Use this language from now on."""
        self.language = language
        self.texts: Texts = CATALOGUES[language]
        # That of the account, which the person has set, or else that of the browser.
        cookie = self._connection.cookies.get(TIME_ZONE)
        zone = cookie if self.viewer is None else self.viewer.time_zone
        self.dates = Dates(language, time_zone(zone), self._site.clock())

    # ------------------------------------------------------------------------------------- viewer

    @property
    def viewer(self) -> SessionViewer | None:
        """Who looks at the page; `None` if they are not logged in."""
        viewer: SessionViewer | None = self._connection.scope.get("auth")
        return viewer

    @property
    def may_have_viewer(self) -> bool:
        """Whether the browser has a session that nobody looked up: on pages of unknown addresses,
        and while the database is away.
        """
        is_looked_up = "auth" in self._connection.scope
        return not is_looked_up and self._site.cookies.session_name in self._connection.cookies

    @property
    def caller(self) -> Caller:
        """The caller of a page that requires to log in.

        Raises:
            NotAuthenticated: the viewer is not logged in.
        """
        if self.viewer is None:
            raise NotAuthenticated
        return self.viewer.caller

    @property
    def viewer_id(self) -> UserId | None:
        """The id of the viewer; `None` if they are not logged in."""
        return None if self.viewer is None else self.viewer.user.id

    @property
    def viewer_field(self) -> Markup:
        """The hidden field of forms that only this viewer may post; see `forms.VIEWER`. When their
        session has ended, it still names them.
        """
        viewer = self.viewer_id or viewer_of_form(self._connection.scope)
        return _VIEWER_FIELD.format(VIEWER, viewer) if viewer else Markup()

    # ------------------------------------------------------------------------------------ request

    @cached_property
    def path(self) -> str:
        """The local path, without the path of the public address."""
        return quote(self._connection.scope["path"])

    @cached_property
    def address(self) -> str:
        """The local address with its query; without one that is too long."""
        query = self._connection.scope["query_string"].decode("latin-1")
        return local_address(f"{self.path}?{query}", self.path) if query else self.path

    @cached_property
    def here(self) -> str:
        """The local address to come back to.

        A route whose own address leads nowhere sets another, such as one of a part of a page.
        """
        return self.address

    @cached_property
    def unsent(self) -> UnsentForm | None:
        """What this request posted, or the form that it carries, for pages that show it again."""
        posted = posted_form(self._connection.scope)
        if posted is None:
            return None
        action = route_options(self._connection).get("unsent_action", self.address)
        return UnsentForm.carried_by(posted) or UnsentForm.of(
            action, posted, had_file=has_file(self._connection.scope)
        )

    @property
    def is_from_itself(self) -> bool:
        """Whether a link or a form of this very page led here, such as the next page of a list.
        Count no view.
        """
        referrer = urlsplit(self._connection.headers.get("referer", ""))
        public = self._site.origin, self._site.url(self.path)
        return (f"{referrer.scheme}://{referrer.netloc}", referrer.path) == public

    @property
    def is_prefetch(self) -> bool:
        """Whether the browser fetches the page before anybody asked for it. Count no view."""
        return "prefetch" in self._connection.headers.get("sec-purpose", "")

    def static(self, name: str) -> str:
        """The public address of a static file."""
        return self._site.static(name)

    def absolute(self, path: str, **query: object) -> str:
        """The full public address of a local one, for machines."""
        return self._site.origin + self._site.url(path, **query)

    def picture(self, url: str) -> str:
        """The full address of a picture, whose store may have an address of its own."""
        return url if "://" in url else self._site.origin + url

    @property
    def max_file_bytes(self) -> int:
        """The size of the largest file that a form takes."""
        return self._site.max_file_bytes

    @property
    def max_file_megabytes(self) -> str:
        """The same for people."""
        return self._site.max_file_megabytes

    @property
    def request_id(self) -> str:
        """The id of the request in the log."""
        return str(structlog.contextvars.get_contextvars().get("request_id", ""))

    @property
    def is_for_script(self) -> bool:
        """Whether a script asks for JSON instead of the page."""
        return "application/json" in self._connection.headers.get("accept", "")

    def url(self, path: str) -> str:
        """The public form of a local address."""
        return self._site.url(path)

    # ----------------------------------------------------------------------------------- display

    def language_of(self, text: str) -> Language | None:
        """The language of a text that a person wrote; `None` if it is not clear."""
        return text_language(text)

    def short(self, number: int) -> str:
        """A number for dense places, such as 1.2만."""
        return short(number, self.language)

    # ----------------------------------------------------------------------------------- response

    def text(self, template: str, **context: object) -> str:
        """A template as text."""
        return self._site.renderers[self.language].render(
            template, {"page": self, "viewer": self.viewer, **context}
        )

    def render(
        self,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        cookies: Sequence[Cookie] = (),
        **context: object,
    ) -> Response[str]:
        """A page made of a template and these values.

        No cache stores a page for somebody who is logged in, or an error.
        """
        is_personal = self.viewer is not None or status >= 400
        return Response(
            self.text(template, **context),
            status_code=status,
            media_type=MediaType.HTML,
            headers={
                **self._headers(NO_STORE if is_personal else REVALIDATE),
                "Vary": VARY,
                **(headers or {}),
            },
            cookies=[*cookies, *([self._site.cookies.no_done()] if self.done else [])],
        )

    def redirect(
        self,
        address: str,
        *,
        done: str | None = None,
        cookies: Sequence[Cookie] = (),
        status: int = 303,
    ) -> Response[str]:
        """Go to a local address after a form was processed.

        `done` is a code of `CommonTexts.done`, which the next page shows.
        """
        return Response(
            "",
            status_code=status,
            media_type=MediaType.TEXT,
            headers={**self._headers(NO_STORE), "Location": local_address(address)},
            cookies=[*cookies, *([self._site.cookies.done(done)] if done else [])],
        )

    def back(
        self,
        form: Form,
        default: str = "/",
        *,
        cookies: Sequence[Cookie] = (),
    ) -> Response[str]:
        """Go back to the page with the form `here` that was posted; see `base.html`.

        If that page showed again what was posted before, this page offers to go on with it.
        """
        going_to = local_address(form.text("next"), default)
        unsent = UnsentForm.carried_by(form)
        if unsent is None:
            return self.redirect(going_to, cookies=cookies)
        self.here = going_to
        texts = self.texts.sessions
        return self.render(
            "sessions/resume.html",
            cookies=cookies,
            unsent=unsent,
            text=texts.kept_text,
            button=texts.resume,
        )

    def json(
        self, content: Any, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response[Any]:
        """An answer to a script of a page."""
        return Response(
            content,
            status_code=status,
            media_type=MediaType.JSON,
            headers={**self._headers(NO_STORE), **(headers or {})},
        )

    def headers(self) -> dict[str, str]:
        """The headers of a response to this viewer that is neither a whole page nor a redirect."""
        caching = REVALIDATE if self.viewer is None else NO_STORE
        return {**self._headers(caching), "Vary": VARY}

    def _headers(self, caching: str) -> dict[str, str]:
        return {
            "Cache-Control": caching,
            "Content-Security-Policy": self._site.policy,
            "Referrer-Policy": REFERRER_POLICY,
        }

    @property
    def cookies(self) -> Cookies:
        """Makes cookies for this site."""
        return self._site.cookies


InjectedPage = NamedDependency[Page]
"""The type of a handler's `page` parameter."""


def route_options(connection: ASGIConnection[Any, Any, Any, Any]) -> Mapping[str, Any]:
    """The `opt` of the route of a request. Errors of routing have none."""
    has_handler = "route_handler" in connection.scope
    options: Mapping[str, Any] = connection.route_handler.opt if has_handler else {}
    return options
