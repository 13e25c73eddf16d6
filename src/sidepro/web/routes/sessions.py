"""Signing up, logging in and logging out."""

from contextlib import suppress
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromQuery, QueryParameter

from sidepro.domain.errors import (
    AccountDeactivated,
    AccountSuspended,
    Conflict,
    InvalidInput,
    NotFound,
    WrongCredentials,
)
from sidepro.http.client_address import client_address
from sidepro.http.middleware.compression import SECRET
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import LOG_IN, SIGN_UP
from sidepro.http.services import InjectedServices, Services
from sidepro.web.addresses import local_address
from sidepro.web.auth import PUBLIC, WebRequest
from sidepro.web.errors import JSON_ERRORS, log_in_page
from sidepro.web.forms import Form, FormError, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.taken import with_taken
from sidepro.web.texts import fill
from sidepro.web.unsent import UnsentForm

GoingTo = Annotated[str, QueryParameter(name="next")]
"""The local address to go to afterwards."""


@get("/sign-up", opt=PUBLIC)
async def sign_up_form(page: InjectedPage, going_to: GoingTo = "") -> Response[str]:
    """The empty form."""
    if page.viewer is not None:
        return page.redirect(local_address(going_to))
    return page.render("sessions/sign_up.html", form=Form(), going_to=local_address(going_to))


@post("/sign-up", opt={**PUBLIC, **SIGN_UP})
async def sign_up(
    request: WebRequest, page: InjectedPage, form: InjectedForm, services: InjectedServices
) -> Response[str]:
    """Opens an account, and logs in."""
    email, password = form.text("email"), form.text("password")
    going_to = local_address(form.text("next"))
    try:
        await services.accounts.sign_up(
            email,
            form.text("username"),
            password,
            language=page.language,
            address=client_address(request.client),
        )
    except (InvalidInput, Conflict) as error:
        rejected = form.rejected(error, page.texts.errors)
        return page.render(
            "sessions/sign_up.html",
            status=status_of(error),
            form=await with_taken(page, services, rejected, "email", "username"),
            going_to=going_to,
        )
    return await _logged_in(request, page, services, form, going_to, done="signed-up")


@get("/sign-up/availability", opt={**PUBLIC, **JSON_ERRORS})
async def availability(
    page: InjectedPage,
    services: InjectedServices,
    email: FromQuery[str | None] = None,
    username: FromQuery[str | None] = None,
) -> Response[Any]:
    """For the script of the form: whether each is free, and a text about it."""
    texts = page.texts.sessions
    free = await services.accounts.availability(email, username)
    return page.json(
        {
            name: {"free": is_free, "text": texts.free[name] if is_free else texts.taken[name]}
            for name, is_free in free.items()
        }
    )


@get("/log-in", opt=PUBLIC)
async def log_in_form(page: InjectedPage, going_to: GoingTo = "") -> Response[str]:
    """The empty form."""
    if page.viewer is not None:
        return page.redirect(local_address(going_to))
    return log_in_page(page, 200, going_to=local_address(going_to))


@post("/log-in", opt={**PUBLIC, **LOG_IN})
async def log_in(
    request: WebRequest, page: InjectedPage, form: InjectedForm, services: InjectedServices
) -> Response[str]:
    """Starts a session, and goes on with what the person was doing."""
    going_to = local_address(form.text("next"))
    try:
        return await _logged_in(request, page, services, form, going_to)
    except (WrongCredentials, AccountDeactivated, AccountSuspended) as error:
        rejected = form.rejected(error, page.texts.errors)
        if isinstance(error, AccountSuspended) and error.until is not None:
            when = page.dates.date_text(error.until)
            text = fill(page.texts.moderation.suspended_until, when=when)
            rejected = form.with_error(FormError("", text))
        return log_in_page(
            page,
            status_of(error),
            form=rejected,
            going_to=going_to,
            unsent=UnsentForm.carried_by(form),
        )


@post("/log-out", opt=PUBLIC)
async def log_out(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """Ends the session."""
    if page.viewer is not None:
        with suppress(NotFound):  # another window has ended it
            await services.sessions.end_session(page.caller, page.caller.session_id)
    return page.redirect("/", done="logged-out", cookies=[page.cookies.no_session()])


async def _logged_in(
    request: WebRequest,
    page: Page,
    services: Services,
    form: Form,
    going_to: str,
    done: str | None = None,
) -> Response[str]:
    """Log in with the email and password of a form, and go on.

    Raises as `SessionService.log_in` does.
    """
    session = await services.sessions.log_in_browser(
        form.text("email"),
        form.text("password"),
        address=client_address(request.client),
        user_agent=request.headers.get("user-agent"),
    )
    if page.viewer is not None:  # whose cookie this one replaces
        with suppress(NotFound):
            await services.sessions.end_session(page.caller, page.caller.session_id)
    cookie = page.cookies.session(session.cookie, session.max_age)
    unsent = UnsentForm.carried_by(form)
    if unsent is None:
        return page.redirect(going_to, done=done, cookies=[cookie])
    request.scope["auth"] = await services.sessions.viewer(session.cookie)
    page.here = "/"
    texts = page.texts.sessions
    return page.render(
        "sessions/resume.html",
        cookies=[cookie],
        unsent=unsent,
        text=texts.resume_text,
        button=texts.resume_button,
    )


router = Router(
    "/",
    route_handlers=[sign_up_form, sign_up, availability, log_in_form, log_in, log_out],
    opt=SECRET,
)
