"""The form of the own profile, with its picture."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post

from sidepro.domain.accounts.profile import MAX_BIO, PROFILE_SKILLS
from sidepro.domain.errors import InvalidInput, NoProfile, SideProError, UnsupportedImageType
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId
from sidepro.domain.images.urls import ImageUrl
from sidepro.domain.pagination import PageRequest
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import IMAGES
from sidepro.http.services import InjectedServices, Services
from sidepro.web.display.numbers import data_size
from sidepro.web.forms import Form, FormError, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.texts import fill
from sidepro.web.uploads import Files, InjectedFiles, accepts_files

PICTURE = "file"
"""The field of the picture, as the API names the file of an image."""

PLACES = {
    "bad-image": PICTURE,
    "image-quota": PICTURE,
    "image_id": PICTURE,
    "unsupported-media-type": PICTURE,
}


@get("/profile")
async def profile_form(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """The form, filled in with the profile if there is one."""
    profile = (await services.accounts.account(page.caller)).profile
    if profile is None:
        return await _form_page(page, services, Form())
    form = Form.of(
        bio=profile.bio,
        github_url=profile.github_url,
        skills=profile.skills,
        region=profile.region,
        meet_time=profile.meet_time,
    )
    return await _form_page(page, services, form)


@post("/profile", opt=accepts_files(PICTURE, limit=IMAGES["limit"]))
async def save_profile(
    page: InjectedPage, services: InjectedServices, form: InjectedForm, files: InjectedFiles
) -> Response[str]:
    """Writes or edits the profile.

    A new picture is stored first. If the rest fails, the form keeps the picture's id.
    """
    try:
        form, picture = await _with_picture(page, services, form, files)
    except (InvalidInput, UnsupportedImageType) as error:
        return await _form_page(page, services, form, error=error)
    if form.errors:
        return await _form_page(page, services, form, status=413)
    try:
        await _save(services, page.caller, _changes(form))
    except InvalidInput as error:
        return await _form_page(page, services, form, error=error, picture=picture)
    return page.redirect("/me", done="saved")


async def _with_picture(
    page: Page, services: Services, form: Form, files: Files
) -> tuple[Form, ImageUrl | None]:
    """The form with the id of its new picture, or with an error, and the picture's address.

    Raises as `ImageService.upload` and `WriterGate` do.
    """
    if PICTURE in files.too_large:
        text = fill(page.texts.me.picture_size, size=data_size(page.max_file_bytes))
        return form.with_error(FormError(PICTURE, text)), None
    file = files.get(PICTURE)
    if file is None:
        return form, None
    await services.authorize_writer(page.caller)
    image = await services.images.upload(page.caller, file)
    return form.but(image_id=str(image.id)), image.url


async def _save(services: Services, caller: Caller, changes: Mapping[str, Any]) -> None:
    """Edits the profile, or writes the first one.

    Raises:
        InvalidInput: a field breaks its rule.
    """
    try:
        await services.profiles.edit_profile(caller, changes)
    except NoProfile:
        await services.profiles.write_profile(caller, **{"image_id": None, **changes})


def _changes(form: Form) -> dict[str, Any]:
    """The fields of the profile. Without a new picture and the wish to remove it, it stays."""
    changes: dict[str, Any] = {
        "bio": form.text("bio"),
        "github_url": form.text("github_url").strip() or None,
        "skills": form.texts("skills"),
        "region": form.text("region") or None,
        "meet_time": form.text("meet_time") or None,
    }
    image_id = _image_id(form)
    if image_id is not None or form.text("remove_picture"):
        changes["image_id"] = image_id
    return changes


def _image_id(form: Form) -> ImageId | None:
    try:
        return ImageId(UUID(form.text("image_id")))
    except ValueError:
        return None


async def _form_page(
    page: Page,
    services: Services,
    form: Form,
    *,
    error: SideProError | None = None,
    status: int = 200,
    picture: ImageUrl | None = None,
) -> Response[str]:
    if error is not None:
        form = form.rejected(error, page.texts.errors, PLACES)
        status = status_of(error)
    if picture is None and (image_id := _image_id(form)):
        # It was uploaded a moment ago, for a form that failed.
        latest = await services.images.images(page.caller, PageRequest(20))
        picture = next((image.url for image in latest.items if image.id == image_id), None)
    account = await services.accounts.account(page.caller)
    catalogue = await services.catalogue.current()
    names = page.texts.people.choices
    return page.render(
        "me/profile.html",
        status=status,
        form=form,
        is_first=account.profile is None,
        picture=picture,
        skills=catalogue.skills,
        regions=tuple((region, names.get(region, region)) for region in catalogue.regions),
        meet_times=[
            ("", page.texts.me.not_chosen),
            *((time, names.get(time, time)) for time in catalogue.meet_times),
        ],
        max_bio=MAX_BIO,
        max_skills=PROFILE_SKILLS[1],
    )


router = Router("/", route_handlers=[profile_form, save_profile])
