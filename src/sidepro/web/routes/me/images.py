"""The images that the person has uploaded."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from sidepro.domain.errors import ImageInUse
from sidepro.domain.ids import ImageId
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.problems.documents import status_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.forms import Form
from sidepro.web.page import InjectedPage, Page

LIMIT = 24


@get("/images")
async def list_images(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The own images, newest first, and the space that they use."""
    return await _images_page(page, services, cursor)


@post("/images/{image_id:uuid}/delete")
async def delete_image(
    page: InjectedPage, services: InjectedServices, image_id: FromPath[UUID]
) -> Response[str]:
    """Deletes an image that nothing shows."""
    try:
        await services.images.delete(page.caller, ImageId(image_id))
    except ImageInUse as error:
        form = Form().rejected(error, page.texts.errors)
        return await _images_page(page, services, form=form, status=status_of(error))
    return page.redirect("/me/images", done="image-deleted")


async def _images_page(
    page: Page,
    services: Services,
    cursor: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    scope = scope_of("images", {"owner": page.caller.id})
    found = await services.images.images(page.caller, page_request(services, LIMIT, cursor, scope))
    usage = await services.images.usage(page.caller)
    return page.render(
        "me/images.html",
        status=status,
        form=form or Form(),
        images=found.items,
        used=usage.size,
        limit=services.images.quota,
        cursors=page_cursors(services, found, scope),
    )


router = Router("/", route_handlers=[list_images, delete_image])
