"""The password, the export of all data, and withdrawal."""

from typing import NoReturn

from litestar import Response, Router, get, post
from litestar.response import Stream

from sidepro.domain.accounts.user import User
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.violations import MISSING
from sidepro.http.data_export import ATTACHMENT, MEDIA_TYPE, export_stream
from sidepro.http.middleware.compression import SECRET
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import LOG_IN
from sidepro.http.services import InjectedServices
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage


@get("/password")
async def password_form(page: InjectedPage) -> Response[str]:
    """The empty form."""
    return page.render("me/password.html", form=Form())


@post("/password", opt={**SECRET, **LOG_IN})
async def change_password(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Changes the password and ends all other sessions."""
    try:
        await services.accounts.change_password(
            page.caller, form.text("current_password"), form.text("new_password")
        )
    except InvalidInput as error:
        return page.render(
            "me/password.html",
            status=status_of(error),
            form=form.rejected(error, page.texts.errors),
        )
    return page.redirect("/me", done="password-changed")


@get("/export")
async def export(page: InjectedPage, services: InjectedServices) -> Stream:
    """All that is stored about the person, as a file."""
    account = await services.data_export.account(page.caller)
    return Stream(
        export_stream(account, services.data_export, page.caller),
        media_type=MEDIA_TYPE,
        headers={**page.headers(), **ATTACHMENT},
    )


@get("/withdraw")
async def withdrawal_form(page: InjectedPage) -> Response[str]:
    """Says what a withdrawal deletes, and asks for the password."""
    return page.render("me/withdraw.html", form=Form())


@post("/withdraw", opt={**SECRET, **LOG_IN})
async def withdraw(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Deletes the account, if the person has confirmed it."""
    try:
        if not form.text("confirmed"):
            await services.accounts.verify_password(
                page.caller, form.text("password"), "password", _refuse_unconfirmed
            )
        await services.withdrawal.withdraw(page.caller, form.text("password"))
    except InvalidInput as error:
        return page.render(
            "me/withdraw.html",
            status=status_of(error),
            form=form.rejected(error, page.texts.errors),
        )
    return page.redirect("/", done="withdrawn", cookies=[page.cookies.no_session()])


def _refuse_unconfirmed(_: User) -> NoReturn:
    raise InvalidInput(FieldError(MISSING, pointer="/confirmed"))


router = Router(
    "/",
    route_handlers=[password_form, change_password, export, withdrawal_form, withdraw],
)
