"""The form of the editor: what it posts, and what it shows."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sidepro.domain.errors import (
    Conflict,
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    SideProError,
    UnsupportedImageType,
)
from sidepro.domain.idempotency import ReplayResponse
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId
from sidepro.domain.images.views import ImageView
from sidepro.domain.projects.project import MAX_CONTENT, MAX_REPOSITORY_URL, MAX_SUMMARY, MAX_TITLE
from sidepro.domain.projects.views import ProjectView
from sidepro.domain.violations import NOT_YOUR_IMAGE
from sidepro.http.headers.idempotency import idempotent_request, is_key
from sidepro.http.multipart import digest_of
from sidepro.http.problems.documents import RequestRejected, status_of
from sidepro.http.services import Services
from sidepro.web.forms import Form, FormError
from sidepro.web.page import Page
from sidepro.web.texts import fill
from sidepro.web.uploads import Files

LENGTHS = {
    "title": MAX_TITLE,
    "summary": MAX_SUMMARY,
    "content": MAX_CONTENT,
    "repository_url": MAX_REPOSITORY_URL,
}
"""Code points of each text."""

PLACES = {
    "file": "thumbnail",
    "thumbnail_id": "thumbnail",
    "unsupported-media-type": "thumbnail",
}
"""Fields and codes of errors that belong to the thumbnail."""

REJECTED = (InvalidInput, Conflict, UnsupportedImageType, RequestRejected)
"""What the person can mend."""


def new_form() -> Form:
    """An empty form. Its key makes sure that it is published once."""
    return Form.of(idempotency_key=uuid4().hex)


def form_of(project: ProjectView) -> Form:
    """The form that edits a project."""
    return Form.of(
        id=str(project.card.id),
        revision=str(project.revision),
        idempotency_key=uuid4().hex,
        title=project.card.title,
        summary=project.card.summary,
        content=project.content,
        repository_url=project.repository_url,
        skills=project.card.skills,
    )


@dataclass(frozen=True, slots=True)
class PostedProject:
    """The fields of a project as the editor posts them.

    The thumbnail is a newly uploaded image.
    """

    title: str
    summary: str
    content: str
    repository_url: str | None
    skills: Sequence[str]
    thumbnail_id: ImageId | None
    thumbnail_url: str
    removes_thumbnail: bool

    @classmethod
    def of(cls, form: Form) -> "PostedProject":
        """What this form posts.

        Raises:
            InvalidInput: the image has no id.
        """
        removes_thumbnail = form.text("remove_thumbnail") == "true"
        image = form.text("thumbnail_id")
        try:
            thumbnail_id = ImageId(UUID(image)) if image and not removes_thumbnail else None
        except ValueError:
            raise InvalidInput(FieldError(NOT_YOUR_IMAGE, pointer="/thumbnail_id")) from None
        return cls(
            title=form.text("title"),
            summary=form.text("summary"),
            content=form.text("content"),
            repository_url=form.text("repository_url").strip() or None,
            skills=form.texts("skills"),
            thumbnail_id=thumbnail_id,
            thumbnail_url=form.text("thumbnail_url"),
            removes_thumbnail=removes_thumbnail,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a new project."""
        return {
            "title": self.title,
            "summary": self.summary,
            "content": self.content,
            "repository_url": self.repository_url,
            "skills": list(self.skills),
            "thumbnail_id": self.thumbnail_id,
        }

    @property
    def digest(self) -> bytes:
        """The same for the same content."""
        return json.dumps(self.fields, default=str, sort_keys=True).encode()

    def changes(self, project: ProjectView) -> dict[str, Any]:
        """The fields that differ from those of a project.

        Others may be older than a rule, and line ends may have come through the API.
        """
        posted = self.fields
        stored = form_of(project)
        same = {
            name
            for name in ("title", "summary", "content")
            if posted[name] == stored.text(name).replace("\r\n", "\n")
        }
        if posted["repository_url"] == project.repository_url:
            same.add("repository_url")
        if set(self.skills) == set(project.card.skills):
            same.add("skills")
        shown = project.card.thumbnail_url
        chosen = self.thumbnail_url if self.thumbnail_id else shown
        if (None if self.removes_thumbnail else chosen) == shown:
            same.add("thumbnail_id")
        return {name: value for name, value in posted.items() if name not in same}


async def with_thumbnail(services: Services, caller: Caller, form: Form, files: Files) -> Form:
    """The form with the id and URL of the image that was chosen in it, if any.

    Sending the form again uploads the same image once.

    Raises:
        InvalidInput, UnsupportedImageType, Unavailable: see `ImageService.upload`.
        EmailNotVerified: see `WriterGate`.
        RequestRejected: the file is too large.
    """
    file = files.get("thumbnail")
    if file is None:
        return form
    await services.authorize_writer(caller)
    # The digest is part of the key: the person may choose another image.
    digest = (await asyncio.to_thread(digest_of, file)).hex()
    key = f"{digest[:32]}{form.text('idempotency_key')[:32]}"
    request = idempotent_request(caller.id, "page thumbnail", key, b"", _saved_image)
    try:
        view = await services.images.upload(caller, file, request if is_key(key) else None)
        image_id, url = str(view.id), str(view.url)
    except ReplayResponse as replay:
        image_id, url = json.loads(replay.response)
    changed = {"thumbnail_id": (image_id,), "thumbnail_url": (url,), "remove_thumbnail": ()}
    return replace(form, fields={**form.fields, **changed})


def _saved_image(view: ImageView) -> bytes:
    return json.dumps([str(view.id), view.url]).encode()


def rejected(page: Page, form: Form, error: SideProError | RequestRejected) -> tuple[int, Form]:
    """The status and the form with its errors."""
    if isinstance(error, RequestRejected):
        text = fill(page.texts.editor.too_large, max=page.max_file_megabytes)
        return error.status_code, replace(form, errors=(FormError("thumbnail", text),))
    form = form.rejected(error, page.texts.errors, PLACES)
    if isinstance(error, IdempotencyKeyReused):
        # The person may publish what they have changed since, knowing that it is another project.
        fields = {**form.fields, "idempotency_key": (uuid4().hex,)}
        form = Form(fields, (FormError("", page.texts.editor.published_already),))
    return status_of(error), form
