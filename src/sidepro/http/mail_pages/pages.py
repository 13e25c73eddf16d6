"""`/password-reset`, `/email-verification` and `/unsubscribe`: a form each, and what came of it.

GET and HEAD never use a token: mail scanners open links. A POST needs no log-in and no cookie: it
is authorised by its token. That of `/unsubscribe` may come from a mail program, the others from
these pages alone.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from html import escape
from math import ceil
from typing import Any
from urllib.parse import parse_qs

import structlog
from litestar import MediaType, Request, Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler, Middleware

from sidepro.domain.errors import (
    EmailTaken,
    InvalidInput,
    InvalidToken,
    RateLimited,
    SideProError,
)
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.http.cross_site import CrossSiteProtection
from sidepro.http.headers.language import preferred_language
from sidepro.http.mail_pages.texts import TEXTS, PageTexts
from sidepro.http.middleware.compression import SECRET
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import LOG_IN, PASSWORD_RESETS, RateLimitMiddleware
from sidepro.http.services import Services

log = structlog.get_logger(__name__)

MAX_FORM = 16 * 1024
"""Bytes of a posted form."""

PageRequest = Request[Any, Any, Any]

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 26rem; padding: 4rem 1.25rem;
  font: 1rem/1.6 system-ui, sans-serif; word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; }
form { display: grid; gap: 1rem; }
label { display: grid; gap: .25rem; font-weight: 600; }
input { font: inherit; padding: .6rem .75rem; border: 1px solid GrayText; border-radius: 6px; }
small { font-weight: 400; }
button { font: inherit; font-weight: 600; padding: .7rem 1rem; border: 0; border-radius: 6px;
  background: #1f4fbf; color: #fff; cursor: pointer; }
a { color: light-dark(#1f4fbf, #9db8ff); }
p[role=alert] { color: light-dark(#a3162a, #ff9aa8); }
:focus-visible { outline: 3px solid light-dark(#1f4fbf, #9db8ff); outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class _Page:
    """Renders pages in the language of the client."""

    def __init__(self, request: PageRequest, services: Services) -> None:
        self.language = preferred_language(request.headers.get("accept-language", ""))
        self.texts: PageTexts = TEXTS[self.language]
        self._base = services.base_path.rstrip("/")

    def message(
        self, title: str, text: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response[str]:
        """A page that tells something."""
        home = f'<p><a href="{escape(self._base)}/">{escape(self.texts.home)}</a></p>'
        return self._render(title, f"<p>{escape(text)}</p>\n{home}", status, headers)

    def form(
        self,
        path: str,
        title: str,
        fields: str,
        button: str,
        *,
        text: str = "",
        token: str | None = None,
        error: str | None = None,
        status: int = 200,
    ) -> Response[str]:
        """A page with a form."""
        parts = [f"<p>{escape(text)}</p>"] if text else []
        if error is not None:
            parts.append(f'<p role="alert">{escape(error)}</p>')
        hidden = ""
        if token is not None:
            hidden = f'<input type="hidden" name="token" value="{escape(token)}">\n'
        parts.append(
            f'<form method="post" action="{escape(self._base)}/{path}">\n{hidden}{fields}'
            f"<button>{escape(button)}</button>\n</form>"
        )
        return self._render(title, "\n".join(parts), status, None)

    def _render(
        self, title: str, body: str, status: int, headers: Mapping[str, str] | None
    ) -> Response[str]:
        html = (
            f'<!doctype html>\n<html lang="{self.language.value}">\n<head>\n'
            '<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)} – SidePro</title>\n<style>{_STYLE}</style>\n</head>\n"
            f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
        )
        return Response(
            html,
            status_code=status,
            media_type=MediaType.HTML,
            headers={**_HEADERS, "Content-Language": self.language.value, **(headers or {})},
        )


async def _posted(request: PageRequest) -> dict[str, str]:
    """The first value of each field of a posted form."""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=20)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0] for name, values in fields.items()}


def _password_form(page: _Page, token: str, error: str | None = None) -> Response[str]:
    texts = page.texts
    field = (
        f"<label>{escape(texts.field)} <small>{escape(texts.hint)}</small>\n"
        '<input type="password" name="new_password" autocomplete="new-password" '
        'minlength="8" maxlength="128" required></label>\n'
    )
    status = 200 if error is None else 422
    return page.form(
        "password-reset",
        texts.choose,
        field,
        texts.save,
        token=token,
        error=error,
        status=status,
    )


def _problem_handler(services: Services) -> Callable[[PageRequest, Exception], Response[str]]:
    def problem(request: PageRequest, error: Exception) -> Response[str]:
        page = _Page(request, services)
        texts = page.texts
        if isinstance(error, InvalidToken):
            return page.message(texts.invalid, texts.problems[error.reason], status_of(error))
        if isinstance(error, EmailTaken):
            return page.message(texts.invalid, texts.taken, status_of(error))
        if isinstance(error, RateLimited):
            wait = error.allowance and error.allowance.retry_after
            headers = {"Retry-After": str(max(1, ceil(wait or 0)))}
            return page.message(texts.invalid, texts.too_many, status_of(error), headers)
        if isinstance(error, SideProError):
            return page.message(texts.invalid, texts.failed, status_of(error))
        if isinstance(error, HTTPException) and error.status_code < 500:
            return page.message(texts.invalid, texts.failed, error.status_code, error.headers)
        log.error("unhandled_error", exc_info=error)
        return page.message(texts.invalid, texts.failed, 500)

    return problem


def mail_pages(
    services: Services, limiter: RateLimiter | None, public_origin: str
) -> list[ControllerRouterHandler]:
    """The pages. Requests count by address; if `limiter` is `None`, nothing is limited."""

    @get("/password-reset", opt={"by_address": True})
    async def reset_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        page = _Page(request, services)
        if token:
            return _password_form(page, token)
        texts = page.texts
        field = (
            f'<label>{escape(texts.email)}\n<input type="email" name="email" '
            'autocomplete="username" maxlength="254" required></label>\n'
        )
        return page.form(
            "password-reset", texts.forgotten, field, texts.send, text=texts.forgotten_text
        )

    @post("/password-reset", status_code=200, opt=PASSWORD_RESETS)
    async def reset(request: PageRequest) -> Response[str]:
        page, fields = _Page(request, services), await _posted(request)
        token = fields.get("token", "")
        if not token:
            await services.password_resets.request(fields.get("email", ""))
            return page.message(page.texts.sent, page.texts.sent_text)
        try:
            await services.password_resets.redeem(token, fields.get("new_password", ""))
        except InvalidToken:
            raise
        except InvalidInput:
            return _password_form(page, token, page.texts.weak)
        return page.message(page.texts.saved, page.texts.saved_text)

    @get("/email-verification", opt={"by_address": True})
    async def verification_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        page = _Page(request, services)
        texts = page.texts
        return page.form(
            "email-verification",
            texts.verify,
            "",
            texts.verify,
            text=texts.verify_text,
            token=token,
        )

    @post("/email-verification", status_code=200, opt=LOG_IN)
    async def verify(request: PageRequest) -> Response[str]:
        page, fields = _Page(request, services), await _posted(request)
        await services.emails.verify(fields.get("token", ""))
        return page.message(page.texts.verified, page.texts.verified_text)

    @get("/unsubscribe", opt={"by_address": True})
    async def unsubscribe_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        page = _Page(request, services)
        texts = page.texts
        return page.form(
            "unsubscribe",
            texts.unsubscribe,
            "",
            texts.unsubscribe,
            text=texts.unsubscribe_text,
            token=token,
        )

    @post("/unsubscribe", status_code=200, opt={"by_address": True})
    async def unsubscribe(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        page, fields = _Page(request, services), await _posted(request)
        # A mail program posts `List-Unsubscribe=One-Click` to the address with the token.
        await services.unsubscribe.unsubscribe(fields.get("token") or token)
        return page.message(page.texts.unsubscribed, page.texts.unsubscribed_text)

    limits: list[Middleware] = [RateLimitMiddleware(limiter)] if limiter else []

    def router(handlers: list[ControllerRouterHandler], middleware: list[Middleware]) -> Router:
        return Router(
            "/",
            route_handlers=handlers,
            middleware=middleware,
            exception_handlers={Exception: _problem_handler(services)},
            request_max_body_size=MAX_FORM,
            include_in_schema=False,
            opt=SECRET,
        )

    return [
        router(
            [reset_form, reset, verification_form, verify],
            [CrossSiteProtection(public_origin), *limits],
        ),
        router([unsubscribe_form, unsubscribe], limits),
    ]
