"""What the pages show, and what shows it: the screens, or the plain look where there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from litestar import Request, Response

from sidepro.domain.language import Language

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""Of every page: its address may have a token."""

PageRequest = Request[Any, Any, Any]


Step = Literal["home", "log-in", "new-mail", "account"]
"""Where to go on: the board, the log-in, the form for another mail, or the own account."""


@dataclass(frozen=True, slots=True)
class MailField:
    """A field of a form. `autocomplete` is HTML's attribute, `error` what is wrong with it."""

    name: str
    kind: Literal["email", "password"]
    label: str
    autocomplete: str
    hint: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MailForm:
    """A form that posts to the local path, with the token of the link if there is one."""

    path: str
    button: str
    token: str | None = None
    field: MailField | None = None


@dataclass(frozen=True, slots=True)
class MailPage:
    """A page: a form, or a message that leads to another page."""

    title: str
    text: str = ""
    form: MailForm | None = None
    leads_to: Step = "home"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class MailPageLook(Protocol):
    """Renders the pages. It MUST answer with `HEADERS`, and show nothing of a person."""

    def language(self, request: PageRequest) -> Language:
        """The language of the page."""
        ...

    def render(self, request: PageRequest, page: MailPage) -> Response[str]:
        """The page, with its status and headers."""
        ...
