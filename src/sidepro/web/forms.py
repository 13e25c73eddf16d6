"""Posted forms: their fields, what is wrong with them, and what was typed, to show it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sidepro.domain.errors import InvalidInput, RateLimited, SideProError, WrongCredentials
from sidepro.domain.ids import UserId
from sidepro.domain.violations import FieldCode
from sidepro.http.app import MAX_BODY
from sidepro.http.cross_site import SAFE_METHODS
from sidepro.http.problems.documents import RequestRejected
from sidepro.web.messages.groups.errors import ErrorTexts
from sidepro.web.texts import fill

MAX_FIELDS = 200

FIELD_OF = {
    "email-taken": "email",
    "username-taken": "username",
    "wrong-credentials": "password",
}
"""Where a form shows an error that names no field, by the error's code."""

VIEWER = "viewer"
"""The field with the id of the person who opened the page of the form. In another tab, somebody
else may have logged in since.
"""

_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))

_URLENCODED = "application/x-www-form-urlencoded"
_FORM = "form"


@dataclass(frozen=True, slots=True)
class FormError:
    """An error of a field, or of the whole form if `field` is empty."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form and their errors. A field may have several values."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    errors: tuple[FormError, ...] = ()

    @classmethod
    def of(cls, **values: str | Sequence[str] | None) -> "Form":
        """A form that is filled in already. `None` stands for an empty field."""
        return cls(
            {
                name: (value or "",) if value is None or isinstance(value, str) else tuple(value)
                for name, value in values.items()
            }
        )

    def text(self, name: str) -> str:
        """The first value of a field; empty if it is missing."""
        values = self.fields.get(name)
        return values[0] if values else ""

    def texts(self, name: str) -> Sequence[str]:
        """All values of a field."""
        return self.fields.get(name, ())

    def but(self, **values: str) -> "Form":
        """The form with other values in these fields."""
        changed = {name: (value,) for name, value in values.items()}
        return replace(self, fields={**self.fields, **changed})

    def with_error(self, error: FormError) -> "Form":
        """The form with one more error."""
        return replace(self, errors=(*self.errors, error))

    def error(self, name: str) -> str | None:
        """What is wrong with a field."""
        return next((error.text for error in self.errors if error.field == name), None)

    def rejected(
        self, error: SideProError, texts: ErrorTexts, places: Mapping[str, str] | None = None
    ) -> "Form":
        """The form with the messages of an error, in the viewer's language.

        A password that was not posted is missing, not wrong: forms that are sent again have none.

        `places` maps codes of errors, or fields of the domain, to fields of this form.
        """
        found = {**FIELD_OF, **(places or {})}
        if isinstance(error, InvalidInput) and error.errors:
            messages = []
            for each in error.errors:
                name = (each.parameter or (each.pointer or "").lstrip("/")).partition("/")[0]
                code = each.violation.code
                if code is FieldCode.WRONG and name not in self.fields:
                    code = FieldCode.MISSING
                text = fill(texts.fields[code], **each.violation.params)
                messages.append(FormError(found.get(name, name), text))
            return replace(self, errors=tuple(dict.fromkeys(messages)))
        text = texts.problems.get(error.code) or texts.problems["invalid"]
        if isinstance(error, WrongCredentials) and "password" not in self.fields:
            text = fill(texts.fields[FieldCode.MISSING])
        if isinstance(error, RateLimited):
            wait = error.allowance and error.allowance.retry_after
            text = wait_text(wait or 1, texts)
        return replace(self, errors=(FormError(found.get(error.code, ""), text),))


def number(text: str) -> int | None:
    """A whole number of at most nine digits; `None` for any other text. Longer ones fit no column,
    and Python refuses to read very long ones.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def wait_text(seconds: float, texts: ErrorTexts) -> str:
    """When to try again, in a unit of which there are at least two, and never too early."""
    unit, size = next((each for each in _UNITS if seconds >= 2 * each[1]), ("seconds", 1))
    return fill(texts.retry_after[unit], count=ceil(ceil(round(seconds, 3)) / size))


InjectedForm = NamedDependency[Form]
"""The type of a handler's `form` parameter."""


class FormMiddleware(ASGIMiddleware):
    """Reads a posted form before anything else may fail, so that no error loses what was typed.

    Raises:
        RequestRejected: the body is no form.
        RequestEntityTooLarge: it is too large.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if (
            scope["type"] == ScopeType.HTTP
            and scope["method"] not in SAFE_METHODS
            and posted_form(scope) is None
        ):
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            keep_form(scope, parse_form(request.content_type[0], await _body(request)))
        await next_app(scope, receive, send)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    """The body; a route may allow larger ones for forms with files."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RequestRejected(413)
    return bytes(body)


def keep_form(scope: Scope, form: Form) -> None:
    """Keep the form of a request for its handler and for error pages, without its viewer."""
    fields = {name: values for name, values in form.fields.items() if name != VIEWER}
    scope["state"][_FORM] = replace(form, fields=fields)
    scope["state"][VIEWER] = form.text(VIEWER)


def posted_form(scope: Scope) -> Form | None:
    """The form that was posted with this request, if any."""
    form: Form | None = scope.get("state", {}).get(_FORM)
    return form


def viewer_of_form(scope: Scope) -> str:
    """Who opened the page of the form that was posted with this request, as it says; empty if
    nobody was logged in, or nothing was posted.
    """
    viewer: str = scope.get("state", {}).get(VIEWER, "")
    return viewer


def is_form_of_another(scope: Scope, viewer: UserId) -> bool:
    """Whether another person opened the page of the form that was posted with this request."""
    return viewer_of_form(scope) not in ("", str(viewer))


def provide_form(request: Request[Any, Any, Any]) -> Form:
    """The form of this request, for handlers."""
    return posted_form(request.scope) or Form()


def parse_form(media_type: str, body: bytes) -> Form:
    """The fields of an urlencoded body. Line ends become line feeds.

    Raises:
        RequestRejected: the body is no such form, or has too many fields.
    """
    if not body:
        return Form()
    if media_type != _URLENCODED:
        raise RequestRejected(415)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise RequestRejected(400) from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form(fields)
