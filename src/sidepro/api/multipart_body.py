"""A file out of a multipart body (RFC 7578), as a stream: nothing large is held in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from sidepro.api.dependencies import ApiRequest
from sidepro.domain.errors import FieldError, InvalidInput, Unavailable
from sidepro.http.problems import REJECTIONS, RequestRejected

MEMBER = "file"
AROUND_IT = 16 * 1024
"""What a body may have beside the file, in bytes: boundaries, headers, other members."""

_IN_MEMORY = 256 * 1024
_MEMBERS_MOST = 16


@asynccontextmanager
async def uploaded_file(request: ApiRequest, largest: int) -> AsyncIterator[IO[bytes]]:
    """The member `file` of the body, of at most `largest` bytes, for as long as the block lasts.

    Neither the media type nor the name that the client gives is looked at.

    Raises:
        Refused: the body is not multipart, cannot be read, or is too large.
        InvalidInput: the member is missing or given twice, or there are others.
        Unavailable: there is no room for the file.
    """
    media_type, options = request.content_type
    if media_type != "multipart/form-data":
        raise RequestRejected(415, "This body is multipart/form-data.")
    boundary = options.get("boundary")
    if not boundary:
        raise RequestRejected(400, "The boundary of the multipart body is missing.")
    # Closing it removes it; it has no name that anybody could open.
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        try:
            await _receive(request, boundary, file, largest)
        except MultipartError:
            raise RequestRejected(400, "The multipart body cannot be read.") from None
        except OSError as error:
            raise Unavailable from error
        yield file


async def _receive(request: ApiRequest, boundary: str, file: IO[bytes], largest: int) -> None:
    faults: list[FieldError] = []
    seen: set[str] = set()
    wanted = False
    with PushMultipartParser(boundary, max_segment_count=_MEMBERS_MOST) as parser:
        async for chunk in request.stream():
            for event in parser.parse(chunk) if chunk else ():
                if isinstance(event, MultipartSegment):
                    wanted = event.name == MEMBER and MEMBER not in seen
                    if not wanted:
                        twice = event.name == MEMBER
                        detail = "is given twice" if twice else "is not a member"
                        faults.append(FieldError(detail, pointer=f"/{_escaped(event.name)}"))
                    seen.add(event.name)
                elif event and wanted:
                    await _write(file, event, largest)
    if MEMBER not in seen:
        faults.append(FieldError("is missing", pointer=f"/{MEMBER}"))
    if faults:
        raise InvalidInput(*faults)


async def _write(file: IO[bytes], data: bytes, largest: int) -> None:
    if file.tell() + len(data) > largest:
        raise RequestRejected(413, f"{REJECTIONS[413][1]} A file has at most {largest:,} bytes.")
    if file.tell() + len(data) > _IN_MEMORY:
        await asyncio.to_thread(file.write, data)
    else:
        file.write(data)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def digest_of(file: IO[bytes]) -> bytes:
    """What tells a file from all others. It is read from the beginning again afterwards."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # it is one
    file.seek(0)
    return digest
