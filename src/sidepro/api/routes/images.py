"""Uploading images."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, post

from sidepro.api.dependencies import ApiRequest, InjectedServices, caller_of
from sidepro.api.idempotency import IdempotencyKeyHeader, idempotent_response
from sidepro.api.multipart_body import MAX_OVERHEAD, MEMBER, digest_of, uploaded_file
from sidepro.domain.errors import BadImage, ImageQuota, InvalidInput, UnsupportedImageType
from sidepro.domain.images.views import ImageView
from sidepro.http.rate_limits import IMAGES


class Image(msgspec.Struct):
    """A stored image. Width and height are in pixels, `size` is in bytes."""

    id: UUID
    url: str
    width: int
    height: int
    media_type: str
    size: int


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
            )

    return Router("/", route_handlers=[upload_image], tags=["Images"])


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
