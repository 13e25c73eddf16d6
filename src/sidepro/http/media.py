"""The images of a folder store, for everybody: immutable, whole or in part."""

import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import HttpMethod, Request, Response, Router, get, head
from litestar.params import FromPath
from litestar.response import Stream

from sidepro.api.auth import PUBLIC
from sidepro.domain.errors import NotFound
from sidepro.domain.images.image import MEDIA_TYPE
from sidepro.domain.images.ports import ImageStore
from sidepro.domain.images.urls import (
    KEY,
    LOCAL_BASE,
    ImageKey,
)

PIECE = 256 * 1024
"""Bytes of an image that are in memory at once for one request."""

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline",
    # Whatever a browser might take it for, nothing in it runs or loads anything.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "bytes",
}

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)

MediaRequest = Request[Any, Any, Any]


def media_router(store: ImageStore) -> Router:
    """The images of this store."""

    @get("/{key:str}", opt=PUBLIC, include_in_schema=False)
    async def image(request: MediaRequest, key: FromPath[str]) -> Response[Any]:
        """An image, or the part of it that is asked for."""
        return await _answer(store, request, key)

    @head("/{key:str}", opt=PUBLIC, include_in_schema=False)
    async def image_head(request: MediaRequest, key: FromPath[str]) -> Response[None]:
        """What a GET of the whole would say of it."""
        answer = await _answer(store, request, key)
        return Response(
            None,
            status_code=answer.status_code,
            headers=answer.headers,
        )

    return Router(LOCAL_BASE, route_handlers=[image, image_head])


async def _answer(store: ImageStore, request: MediaRequest, name: str) -> Response[Any]:
    # Only what looks like a key reaches the store: no path leads anywhere else.
    key = ImageKey(name) if KEY.fullmatch(name) else None
    size = None if key is None else await store.size(key)
    if key is None or size is None:
        raise NotFound
    etag = f'"{key.partition(".")[0]}"'
    headers = {**HEADERS, "ETag": etag}
    seen = request.headers.get("If-None-Match", "")
    if seen.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in seen.split(",")):
        return Response(None, status_code=304, headers=headers)
    start, end, status = 0, size, 200
    # Parts are for GET alone (RFC 9110, 14.2).
    if request.method == HttpMethod.GET and request.headers.get("If-Range", etag) == etag:
        part = _part(request.headers.get("Range", ""), size)
        if part is not None:
            start, end = part
            status = 206
            if start >= end:
                unsatisfiable = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
                return Response(b"", status_code=416, headers=unsatisfiable)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    headers["Content-Type"] = MEDIA_TYPE
    return Stream(_pieces(store, key, start, end), status_code=status, headers=headers)


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """The part that a Range header (RFC 9110, 14.2) asks for; an empty one if there is nothing
    there. `None` stands for the whole: of several parts, and of what cannot be read.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) else (size, size)
    if last is not None and int(last) < int(first):
        return None
    return int(first), size if last is None else min(int(last) + 1, size)


async def _pieces(store: ImageStore, key: ImageKey, start: int, end: int) -> AsyncIterator[bytes]:
    for place in range(start, end, PIECE):
        yield await store.read(key, place, min(place + PIECE, end))
