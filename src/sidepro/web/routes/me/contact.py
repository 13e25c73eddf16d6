"""The email address, the name, the language and the time zone of the account."""

from functools import lru_cache

from litestar import Response, Router, get, post

from sidepro.domain.accounts.preferences import time_zones
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    RateLimited,
    SideProError,
)
from sidepro.domain.language import Language
from sidepro.domain.text import casefold_key
from sidepro.domain.violations import FieldCode, Violation
from sidepro.http.middleware.compression import SECRET
from sidepro.http.problems.documents import status_of
from sidepro.http.problems.retries import retry_headers
from sidepro.http.rate_limits import LOG_IN
from sidepro.http.services import InjectedServices
from sidepro.web.addresses import local_address
from sidepro.web.errors import unverified_page
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.taken import with_taken
from sidepro.web.unsent import UnsentForm

NAMES = {Language.KOREAN: "한국어", Language.ENGLISH: "English"}

_NOT_A_LANGUAGE = Violation(FieldCode.NOT_A_CHOICE, "must be ko or en")


@get("/account")
async def account_form(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """The settings as they are."""
    return _page(page, await services.accounts.account(page.caller))


@post("/account")
async def change_settings(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Changes the name, the language and the time zone."""
    try:
        if form.text("language") not in NAMES:
            raise InvalidInput(FieldError(_NOT_A_LANGUAGE, pointer="/language"))
        changes = {
            "username": form.text("username"),
            "time_zone": form.text("time_zone"),
            "language": Language(form.text("language")),
        }
        await services.settings.edit(page.caller, changes)
    except (InvalidInput, Conflict, RateLimited) as error:
        account = await services.accounts.account(page.caller)
        rejected = form.rejected(error, page.texts.errors, {RateLimited.code: "username"})
        return _page(page, account, settings=rejected, error=error)
    return page.redirect("/me/account", done="settings-saved")


@post("/email", opt={**SECRET, **LOG_IN})
async def change_email(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Sends a mail to the new address, which holds once it is verified."""
    try:
        await services.emails.change(page.caller, form.text("email"), form.text("password"))
    except (InvalidInput, Conflict) as error:
        account = await services.accounts.account(page.caller)
        rejected = form.rejected(error, page.texts.errors)
        if casefold_key(form.text("email").strip()) != casefold_key(account.email):
            rejected = await with_taken(page, services, rejected, "email")
        return _page(page, account, email=rejected, error=error)
    return page.redirect("/me/account", done="email-sent")


@post("/email-verification")
async def send_verification(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Sends the mail that verifies the address again, and goes back to what needed it."""
    await services.emails.request_verification(page.caller)
    unsent = UnsentForm.carried_by(form)
    if unsent is not None:
        return unverified_page(page, unsent, 200, is_sent=True)
    going_to = local_address(form.text("next"), "/me/account")
    return page.redirect(going_to, done="email-sent")


def _page(
    page: Page,
    account: AccountView,
    *,
    settings: Form | None = None,
    email: Form | None = None,
    error: SideProError | None = None,
) -> Response[str]:
    known = Form({name: [str(getattr(account, name))] for name in ("username", "time_zone")})
    waiting = account.pending_email or (None if account.email_verified else account.email)
    return page.render(
        "me/account.html",
        status=status_of(error) if error else 200,
        headers=retry_headers(error) if error else None,
        account=account,
        waiting=waiting,
        settings=settings or known.but(language=account.language.value),
        email=email or Form(),
        zones=_zones(account.time_zone),
        languages=tuple((language.value, name) for language, name in NAMES.items()),
    )


@lru_cache(maxsize=8)
def _zones(own: str) -> tuple[tuple[str, str], ...]:
    """The time zones of places, and the person's own, which may be another one."""
    places = {zone for zone in time_zones() if "/" in zone and not zone.startswith("Etc/")}
    return tuple((zone, zone) for zone in sorted({*places, own}))


router = Router(
    "/",
    route_handlers=[account_form, change_settings, change_email, send_verification],
)
