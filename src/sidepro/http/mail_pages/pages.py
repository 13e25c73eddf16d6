"""`/password-reset`, `/email-verification` and `/unsubscribe`: a form each, and what came of it.

GET and HEAD never use a token: mail scanners open links. A POST needs no log-in and no cookie: it
is authorised by its token. That of `/unsubscribe` may come from a mail program, the others from
these pages alone.
"""

from collections.abc import Callable, Mapping
from math import ceil
from urllib.parse import parse_qs

import structlog
from litestar import Response, Router, get, post
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
from sidepro.http.mail_pages.look import (
    MailField,
    MailForm,
    MailPage,
    MailPageLook,
    PageRequest,
    Step,
)
from sidepro.http.mail_pages.texts import TEXTS, PageTexts
from sidepro.http.middleware.compression import SECRET
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import LOG_IN, PASSWORD_RESETS, RateLimitMiddleware
from sidepro.http.services import Services

log = structlog.get_logger(__name__)

MAX_FORM = 16 * 1024
"""Bytes of a posted form."""


NEW_MAILS: Mapping[str, Step] = {"/password-reset": "new-mail", "/email-verification": "account"}
"""Where people get another mail after the link in one did not work."""


async def _posted(request: PageRequest) -> dict[str, str]:
    """The first value of each field of a posted form."""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=20)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0] for name, values in fields.items()}


def _texts(look: MailPageLook, request: PageRequest) -> PageTexts:
    return TEXTS[look.language(request)]


def _password_form(texts: PageTexts, token: str, error: str | None = None) -> MailPage:
    field = MailField("new_password", "password", texts.field, "new-password", texts.hint, error)
    form = MailForm("password-reset", texts.save, token, field)
    return MailPage(texts.choose, form=form, status=200 if error is None else 422)


def _problem_handler(look: MailPageLook) -> Callable[[PageRequest, Exception], Response[str]]:
    def problem(request: PageRequest, error: Exception) -> Response[str]:
        texts = _texts(look, request)
        text, status, headers = texts.failed, 500, {}
        leads_to: Step = "home"
        if isinstance(error, SideProError):
            status = status_of(error)
            if isinstance(error, InvalidToken):
                text = texts.problems[error.reason]
                leads_to = NEW_MAILS.get(request.scope["path"], "home")
            elif isinstance(error, EmailTaken):
                text = texts.taken
            elif isinstance(error, RateLimited):
                text = texts.too_many
                wait = error.allowance and error.allowance.retry_after
                headers = {"Retry-After": str(max(1, ceil(wait or 0)))}
        elif isinstance(error, HTTPException) and error.status_code < 500:
            status, headers = error.status_code, error.headers or {}
        else:
            log.error("unhandled_error", exc_info=error)
        return look.render(request, MailPage(texts.invalid, text, None, leads_to, status, headers))

    return problem


def mail_pages(
    services: Services, limiter: RateLimiter | None, public_origin: str, look: MailPageLook
) -> list[ControllerRouterHandler]:
    """The pages. Requests count by address; if `limiter` is `None`, nothing is limited."""

    @get("/password-reset", opt={"by_address": True})
    async def reset_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        texts = _texts(look, request)
        if token:
            return look.render(request, _password_form(texts, token))
        field = MailField("email", "email", texts.email, "username")
        form = MailForm("password-reset", texts.send, field=field)
        return look.render(request, MailPage(texts.forgotten, texts.forgotten_text, form))

    @post("/password-reset", status_code=200, opt=PASSWORD_RESETS)
    async def reset(request: PageRequest) -> Response[str]:
        texts, fields = _texts(look, request), await _posted(request)
        token = fields.get("token", "")
        if not token:
            await services.password_resets.request(fields.get("email", ""))
            return look.render(request, MailPage(texts.sent, texts.sent_text))
        try:
            await services.password_resets.redeem(token, fields.get("new_password", ""))
        except InvalidToken:
            raise
        except InvalidInput:
            return look.render(request, _password_form(texts, token, texts.weak))
        return look.render(request, MailPage(texts.saved, texts.saved_text, leads_to="log-in"))

    @get("/email-verification", opt={"by_address": True})
    async def verification_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        texts = _texts(look, request)
        form = MailForm("email-verification", texts.verify, token)
        return look.render(request, MailPage(texts.verify, texts.verify_text, form))

    @post("/email-verification", status_code=200, opt=LOG_IN)
    async def verify(request: PageRequest) -> Response[str]:
        texts, fields = _texts(look, request), await _posted(request)
        await services.emails.verify(fields.get("token", ""))
        return look.render(request, MailPage(texts.verified, texts.verified_text))

    @get("/unsubscribe", opt={"by_address": True})
    async def unsubscribe_form(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        texts = _texts(look, request)
        form = MailForm("unsubscribe", texts.unsubscribe, token)
        return look.render(request, MailPage(texts.unsubscribe, texts.unsubscribe_text, form))

    @post("/unsubscribe", status_code=200, opt={"by_address": True})
    async def unsubscribe(request: PageRequest, token: FromQuery[str] = "") -> Response[str]:
        texts, fields = _texts(look, request), await _posted(request)
        # A mail program posts `List-Unsubscribe=One-Click` to the address with the token.
        await services.unsubscribe.unsubscribe(fields.get("token") or token)
        return look.render(request, MailPage(texts.unsubscribed, texts.unsubscribed_text))

    limits: list[Middleware] = [RateLimitMiddleware(limiter)] if limiter else []

    def router(handlers: list[ControllerRouterHandler], middleware: list[Middleware]) -> Router:
        return Router(
            "/",
            route_handlers=handlers,
            middleware=middleware,
            exception_handlers={Exception: _problem_handler(look)},
            request_max_body_size=MAX_FORM,
            include_in_schema=False,
            opt=SECRET,
        )

    return [
        router(
            [reset_form, reset, verification_form, verify],
            # Browsers without Sec-Fetch-Site send this origin from pages without a referrer.
            [CrossSiteProtection(public_origin, "null"), *limits],
        ),
        router([unsubscribe_form, unsubscribe], limits),
    ]
