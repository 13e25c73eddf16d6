"""The file in a multipart body (RFC 7578), streamed to disk instead of memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from multipart import MultipartSegment

from sidepro.api.dependencies import ApiRequest
from sidepro.api.validation_errors import escaped
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.violations import GIVEN_TWICE, MISSING, UNKNOWN_FIELD
from sidepro.http.multipart import append, multipart_events, temporary_file

MEMBER = "file"

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
    with temporary_file() as file:
        await _receive(request, file, max_bytes)
        yield file


async def _receive(request: ApiRequest, file: IO[bytes], max_bytes: int) -> None:
    errors: list[FieldError] = []
    seen: set[str] = set()
    in_file = False
    async for event in multipart_events(request, _MAX_MEMBERS):
        if isinstance(event, MultipartSegment):
            in_file = event.name == MEMBER and MEMBER not in seen
            if not in_file:
                violation = GIVEN_TWICE if event.name == MEMBER else UNKNOWN_FIELD
                errors.append(FieldError(violation, pointer=f"/{escaped(event.name)}"))
            seen.add(event.name)
        elif in_file:
            await append(file, event, max_bytes)
    if MEMBER not in seen:
        errors.append(FieldError(MISSING, pointer=f"/{MEMBER}"))
    if errors:
        raise InvalidInput(*errors)
