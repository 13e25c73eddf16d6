"""Who may ask the viewer for a chat, and whom the viewer blocks."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.ids import UserId
from sidepro.domain.violations import FieldCode, Violation
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.people import address_of

PEOPLE_PER_PAGE = 20

_NOT_A_POLICY = Violation(FieldCode.NOT_A_CHOICE, "must be open, request or closed")


@get("/me/chat")
async def chat_settings(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The own chat policy, and the people whom the viewer blocks."""
    account = await services.accounts.account(page.caller)
    return await _settings_page(page, services, Form.of(chat_policy=account.chat_policy), cursor)


@post("/me/chat")
async def change_policy(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Changes who may ask the viewer."""
    try:
        policy = ChatPolicy(form.text("chat_policy"))
    except ValueError:
        error = InvalidInput(FieldError(_NOT_A_POLICY, pointer="/chat_policy"))
        rejected = form.rejected(error, page.texts.errors)
        return await _settings_page(page, services, rejected, None, status=422)
    await services.settings.edit(page.caller, {"chat_policy": policy})
    return page.redirect("/me/chat", done="saved")


async def _settings_page(
    page: Page, services: Services, form: Form, cursor: str | None, status: int = 200
) -> Response[str]:
    scope = scope_of("blocked", {})
    blocked = await services.blocks.blocked(
        page.caller, page_request(services, PEOPLE_PER_PAGE, cursor, scope)
    )
    return page.render(
        "consent/settings.html",
        status=status,
        form=form,
        blocked=blocked.items,
        cursors=page_cursors(services, blocked, scope),
    )


@get("/people/{username:str}/block")
async def block_form(
    page: InjectedPage, services: InjectedServices, username: FromPath[str]
) -> Response[str]:
    """Says what a block does, and asks for confirmation."""
    person = await services.accounts.user_named(username, page.viewer_id)
    address = address_of(person.username)
    if person.id == page.viewer_id:
        return page.redirect(address)
    return page.render("consent/block.html", person=person, address=address)


@post("/people/{username:str}/block")
async def block(
    page: InjectedPage, services: InjectedServices, username: FromPath[str]
) -> Response[str]:
    """Blocks a person."""
    person = await services.accounts.user_named(username, page.viewer_id)
    await services.blocks.block(page.caller, person.id)
    return page.redirect(address_of(person.username), done="blocked")


@post("/me/blocks/{user_id:uuid}/remove")
async def unblock(
    page: InjectedPage, services: InjectedServices, user_id: FromPath[UUID]
) -> Response[str]:
    """Removes a block."""
    await services.blocks.unblock(page.caller, UserId(user_id))
    return page.redirect("/me/chat", done="unblocked")


router = Router("/", route_handlers=[chat_settings, change_policy, block_form, block, unblock])
