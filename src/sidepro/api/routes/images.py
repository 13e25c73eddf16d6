"""Images: upload, list and deletion."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.idempotency import IdempotencyKeyHeader, existing, idempotent_response
from sidepro.api.multipart_body import MEMBER, uploaded_file
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.schemas import (
    Count,
    Moment,
    Positive,
)
from sidepro.domain.errors import (
    BadImage,
    ImageInUse,
    ImageQuota,
    InvalidInput,
    UnsupportedImageType,
)
from sidepro.domain.ids import ImageId
from sidepro.domain.images.views import ImageView, OwnImageView
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.multipart import MAX_OVERHEAD, digest_of
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import IMAGES
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment


class Image(msgspec.Struct):
    """A stored image. Width and height are in pixels, `size` is in bytes."""

    id: UUID
    url: str
    width: Positive
    height: Positive
    media_type: str
    size: Positive


class OwnImage(Image):
    """The caller's image. `in_use`: a profile or a project shows it, so it cannot be deleted."""

    created_at: Moment
    in_use: bool


class ImageQuotaUse(msgspec.Struct):
    """Bytes that the caller's images use, and the maximum."""

    used: Count
    limit: Count


class ImageList(ListOf[OwnImage], kw_only=True):
    """A page. `next` and `previous` are cursors, or null if there is no such page."""

    quota: ImageQuotaUse


BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [MEMBER],
                "properties": {
                    MEMBER: {
                        "type": "string",
                        "format": "binary",
                        "description": "PNG, JPEG, WebP or GIF.",
                    }
                },
                "additionalProperties": False,
            },
            "example": {MEMBER: "(the bytes of coffee-map.png)"},
        }
    },
}
"""The request body in the OpenAPI document."""


def images_router(max_file_bytes: int) -> Router:
    """The routes, for files of at most `max_file_bytes`."""

    @post(
        "/images",
        opt={
            **IMAGES,
            "multipart": BODY,
            "problems": (400, InvalidInput, UnsupportedImageType, BadImage, ImageQuota),
        },
        request_max_body_size=max_file_bytes + MAX_OVERHEAD,
        summary="Upload an image",
    )
    async def upload_image(
        request: ApiRequest, services: InjectedServices, key: IdempotencyKeyHeader = None
    ) -> Response[Image]:
        """For a thumbnail, a profile picture, or a project's Markdown.

        The image is re-encoded as WebP: upright, at most 2,048 pixels wide and high, and without
        metadata. Animations stay animated. An unreferenced image is deleted after a day.
        """
        caller = caller_of(request)
        async with uploaded_file(request, max_file_bytes) as file:
            digest = await asyncio.to_thread(digest_of, file) if key else b""
            return await idempotent_response(
                request,
                key,
                digest,
                _build_response,
                lambda idempotent: services.images.upload(caller, file, idempotent),
                lambda made: services.images.ensure_own(caller, ImageId(existing(made))),
            )

    return Router("/", route_handlers=[upload_image, list_images, delete_image], tags=["Images"])


@get("/images", response_headers=[LINK], summary="List the caller's images, newest first")
async def list_images(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ImageList]:
    """The images that the caller has uploaded, and the used part of the quota."""
    caller = caller_of(request)
    scope = scope_of("images", {"owner": caller.id})
    page = await services.images.images(caller, page_request(services, limit, cursor, scope))
    usage = await services.images.usage(caller)
    listed = page_response(
        request, services, page, scope, _own_image, usage.count if total else None
    )
    members = msgspec.structs.asdict(listed.content)
    quota = ImageQuotaUse(usage.size, services.images.quota)
    return Response(ImageList(**members, quota=quota), headers=listed.headers)


@delete("/images/{image_id:uuid}", opt={"problems": (ImageInUse,)}, summary="Delete an image")
async def delete_image(request: ApiRequest, image_id: PathId, services: InjectedServices) -> None:
    """Deletes the caller's own image, unless a profile or a project shows it."""
    await services.images.delete(caller_of(request), ImageId(image_id))


def _build_response(view: ImageView) -> Response[Image]:
    return Response(
        Image(
            id=view.id,
            url=view.url,
            width=view.width,
            height=view.height,
            media_type=view.media_type,
            size=view.size,
        ),
        status_code=201,
    )


def _own_image(view: OwnImageView) -> OwnImage:
    return OwnImage(
        id=view.id,
        url=view.url,
        width=view.width,
        height=view.height,
        media_type=view.media_type,
        size=view.size,
        created_at=moment(view.created_at),
        in_use=view.in_use,
    )
