"""Forms with files: their texts, and the files on disk."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import IO

from multipart import MultipartSegment

from sidepro.http.app import MAX_BODY
from sidepro.http.multipart import append, multipart_events, temporary_file
from sidepro.http.problems import RequestRejected
from sidepro.web.auth import WebRequest
from sidepro.web.forms import MAX_FIELDS, Form


@dataclass(frozen=True, slots=True)
class Upload:
    """A form, and the files that were chosen in it, by the names of their fields."""

    form: Form
    files: Mapping[str, IO[bytes]]


@asynccontextmanager
async def read_upload(
    request: WebRequest, file_fields: Collection[str], max_file_bytes: int
) -> AsyncIterator[Upload]:
    """The form of a route with `STREAMS`. Its files are deleted after the block.

    An empty file field is left out, and so is a second file of a field. Other fields are texts.

    Raises:
        RequestRejected: the body is not multipart, cannot be parsed, or is too large.
        Unavailable: there is no disk space for a file.
    """
    fields: dict[str, list[bytearray]] = {}
    files: dict[str, IO[bytes]] = {}
    with ExitStack() as stack:
        file: IO[bytes] | None = None
        text: bytearray | None = None
        size = 0
        async for event in multipart_events(request, MAX_FIELDS):
            if isinstance(event, MultipartSegment):
                file = text = None
                if event.name not in file_fields:
                    text = bytearray()
                    fields.setdefault(event.name, []).append(text)
                elif event.filename and event.name not in files:
                    file = files[event.name] = stack.enter_context(temporary_file())
            elif file is not None:
                await append(file, event, max_file_bytes)
            elif text is not None:
                size += len(event)
                if size > MAX_BODY:
                    raise RequestRejected(413)
                text += event
        for each in files.values():
            each.seek(0)
        yield Upload(Form({name: _texts(values) for name, values in fields.items()}), files)


def _texts(values: Collection[bytearray]) -> list[str]:
    try:
        return [value.decode().replace("\r\n", "\n") for value in values]
    except UnicodeDecodeError:
        raise RequestRejected(400) from None
