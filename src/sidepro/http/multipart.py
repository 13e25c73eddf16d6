"""Multipart bodies (RFC 7578), parsed as a stream. Files go to disk instead of memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from sidepro.domain.errors import Unavailable
from sidepro.http.problems.documents import REJECTIONS, RequestRejected

MEDIA_TYPE = "multipart/form-data"

MAX_OVERHEAD = 16 * 1024
"""Bytes of a body beyond its files and texts: boundaries and headers."""

MAX_IN_MEMORY = 256 * 1024


async def multipart_events(
    request: Request[Any, Any, Any], max_members: int
) -> AsyncIterator[MultipartSegment | bytes]:
    """The head of each member, followed by its data in pieces.

    Raises:
        RequestRejected: the body is not multipart, or cannot be parsed.
    """
    media_type, options = request.content_type
    if media_type != MEDIA_TYPE:
        raise RequestRejected(415, f"The body must be {MEDIA_TYPE}.")
    boundary = options.get("boundary")
    if not boundary:
        raise RequestRejected(400, "The boundary of the multipart body is missing.")
    try:
        with PushMultipartParser(boundary, max_segment_count=max_members) as parser:
            async for chunk in request.stream():
                for event in parser.parse(chunk) if chunk else ():
                    if isinstance(event, MultipartSegment) or event:
                        yield event
    except MultipartError:
        raise RequestRejected(400, "The multipart body cannot be read.") from None


def temporary_file() -> IO[bytes]:
    """A file in memory while it is small. It is deleted when it is closed."""
    return SpooledTemporaryFile(max_size=MAX_IN_MEMORY)


async def append(file: IO[bytes], data: bytes, max_bytes: int) -> None:
    """Write a piece of a file.

    Raises:
        RequestRejected: the file would have more than `max_bytes`.
        Unavailable: there is no disk space for it.
    """
    size = file.tell() + len(data)
    if size > max_bytes:
        raise RequestRejected(413, f"{REJECTIONS[413][1]} A file has at most {max_bytes:,} bytes.")
    try:
        if size > MAX_IN_MEMORY:
            await asyncio.to_thread(file.write, data)
        else:
            file.write(data)
    except OSError as error:
        raise Unavailable from error


def digest_of(file: IO[bytes]) -> bytes:
    """The SHA-256 of a file. Rewinds the file before and after."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # it is one
    file.seek(0)
    return digest
