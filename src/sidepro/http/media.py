"""The images of a folder store: public, immutable, whole or as a byte range."""

import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import HttpMethod, Request, Response, Router, get, head
from litestar.params import FromPath
from litestar.response import Stream

from sidepro.domain.errors import NotFound
from sidepro.domain.images.image import MEDIA_TYPE
from sidepro.domain.images.ports import ImageStore
from sidepro.domain.images.urls import KEY, LOCAL_BASE, ImageKey
from sidepro.http.headers.etags import matches

CHUNK_BYTES = 256 * 1024
"""Maximum bytes of an image in memory for one request."""

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline",
    # If a browser treats the file as a document, it runs no script and loads nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "bytes",
}

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)

MediaRequest = Request[Any, Any, Any]


def media_router(store: ImageStore) -> Router:
    """The route of the store's images."""

    @get("/{key:str}", include_in_schema=False)
    async def image(request: MediaRequest, key: FromPath[str]) -> Response[Any]:
        return await _respond(store, request, key)

    @head("/{key:str}", include_in_schema=False)
    async def image_head(request: MediaRequest, key: FromPath[str]) -> Response[None]:
        response = await _respond(store, request, key)
        return Response(None, status_code=response.status_code, headers=response.headers)

    return Router(LOCAL_BASE, route_handlers=[image, image_head])


async def _respond(store: ImageStore, request: MediaRequest, name: str) -> Response[Any]:
    # Only a well-formed key reaches the store, so no path traversal is possible.
    key = ImageKey(name) if KEY.fullmatch(name) else None
    size = None if key is None else await store.size(key)
    if key is None or size is None:
        raise NotFound
    etag = f'"{key.partition(".")[0]}"'
    headers = {**HEADERS, "ETag": etag}
    if matches(etag.strip('"'), request.headers.getall("If-None-Match", [])):
        return Response(None, status_code=304, headers=headers)
    start, end, status = 0, size, 200
    # Ranges apply to GET only (RFC 9110, 14.2).
    if request.method == HttpMethod.GET and request.headers.get("If-Range", etag) == etag:
        byte_range = _parse_range(request.headers.get("Range", ""), size)
        if byte_range is not None:
            start, end = byte_range
            status = 206
            if start >= end:
                unsatisfiable = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
                return Response(b"", status_code=416, headers=unsatisfiable)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    headers["Content-Type"] = MEDIA_TYPE
    return Stream(_chunks(store, key, start, end), status_code=status, headers=headers)


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a Range header (RFC 9110, 14.2). Empty if unsatisfiable.

    `None` means the whole image: the header is invalid or has several ranges.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) else (size, size)
    if last is not None and int(last) < int(first):
        return None
    return int(first), size if last is None else min(int(last) + 1, size)


async def _chunks(store: ImageStore, key: ImageKey, start: int, end: int) -> AsyncIterator[bytes]:
    for offset in range(start, end, CHUNK_BYTES):
        yield await store.read(key, offset, min(offset + CHUNK_BYTES, end))
