"""The file in a multipart body (RFC 7578), streamed to disk instead of memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from sidepro.api.dependencies import ApiRequest
from sidepro.domain.errors import FieldError, InvalidInput, Unavailable
from sidepro.domain.violations import GIVEN_TWICE, MISSING, UNKNOWN_FIELD
from sidepro.http.problems import REJECTIONS, RequestRejected

MEMBER = "file"
MAX_OVERHEAD = 16 * 1024
"""Bytes of a body beyond its file: boundaries, headers, other members."""

_MAX_IN_MEMORY = 256 * 1024
_MAX_MEMBERS = 16


@asynccontextmanager
async def uploaded_file(request: ApiRequest, max_bytes: int) -> AsyncIterator[IO[bytes]]:
    """The member `file` of the body, as a temporary file that is deleted after the block.

    The client's media type and file name are ignored.

    Raises:
        RequestRejected: the body is not multipart, cannot be parsed, or its file is too large.
        InvalidInput: the file is missing or sent twice, or there are other members.
        Unavailable: there is no disk space for the file.
    """
    media_type, options = request.content_type
    if media_type != "multipart/form-data":
        raise RequestRejected(415, "The body must be multipart/form-data.")
    boundary = options.get("boundary")
    if not boundary:
        raise RequestRejected(400, "The boundary of the multipart body is missing.")
    with SpooledTemporaryFile(max_size=_MAX_IN_MEMORY) as file:
        try:
            await _receive(request, boundary, file, max_bytes)
        except MultipartError:
            raise RequestRejected(400, "The multipart body cannot be read.") from None
        except OSError as error:
            raise Unavailable from error
        yield file


async def _receive(request: ApiRequest, boundary: str, file: IO[bytes], max_bytes: int) -> None:
    errors: list[FieldError] = []
    seen: set[str] = set()
    in_file = False
    with PushMultipartParser(boundary, max_segment_count=_MAX_MEMBERS) as parser:
        async for chunk in request.stream():
            for event in parser.parse(chunk) if chunk else ():
                if isinstance(event, MultipartSegment):
                    in_file = event.name == MEMBER and MEMBER not in seen
                    if not in_file:
                        violation = GIVEN_TWICE if event.name == MEMBER else UNKNOWN_FIELD
                        errors.append(FieldError(violation, pointer=f"/{_escaped(event.name)}"))
                    seen.add(event.name)
                elif event and in_file:
                    await _write(file, event, max_bytes)
    if MEMBER not in seen:
        errors.append(FieldError(MISSING, pointer=f"/{MEMBER}"))
    if errors:
        raise InvalidInput(*errors)


async def _write(file: IO[bytes], data: bytes, max_bytes: int) -> None:
    size = file.tell() + len(data)
    if size > max_bytes:
        raise RequestRejected(413, f"{REJECTIONS[413][1]} A file has at most {max_bytes:,} bytes.")
    if size > _MAX_IN_MEMORY:
        await asyncio.to_thread(file.write, data)
    else:
        file.write(data)


def _escaped(name: str) -> str:
    """A member's name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def digest_of(file: IO[bytes]) -> bytes:
    """The SHA-256 of a file. Rewinds the file before and after."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # it is one
    file.seek(0)
    return digest
