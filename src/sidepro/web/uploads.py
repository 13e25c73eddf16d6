"""Forms with files: their texts, and the files on disk."""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from multipart import MultipartSegment

from sidepro.domain.rate_limiting import Limit
from sidepro.http.multipart import MEDIA_TYPE, append, multipart_events, temporary_file
from sidepro.http.problems.documents import RequestRejected
from sidepro.http.rate_limits import count_also
from sidepro.web.forms import MAX_FIELDS, Form, keep_form

MAX_TEXT = 4 * 2**20
"""Bytes of all texts of a form: more than any field takes, so that its route can say so."""

MAX_EXCESS = 64 * 2**20
"""Bytes that a file may be larger than allowed, for its form to come back with its texts."""

_FILES = "files"


def accepts_files(*fields: str, limit: Limit | None = None) -> dict[str, Any]:
    """The `opt` of a route whose form has these file fields.

    `limit` counts forms with a file, in addition to the limit of the route.
    """
    return {_FILES: fields, "files_limit": limit}


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a form, by the names of their fields. They are deleted after the response."""

    chosen: Mapping[str, IO[bytes]] = field(default_factory=dict)
    too_large: Collection[str] = ()

    def get(self, name: str) -> IO[bytes] | None:
        """The file of a field; `None` if nothing was chosen.

        Raises:
            RequestRejected: the file is too large (413).
        """
        if name in self.too_large:
            raise RequestRejected(413)
        return self.chosen.get(name)


InjectedFiles = NamedDependency[Files]
"""The type of a handler's `files` parameter."""


class UploadMiddleware(ASGIMiddleware):
    """Reads a form with files before anything else may fail, as `FormMiddleware` reads others.

    A file that is too large is read to its end, so that its form is not lost.

    Raises:
        RequestRejected: the form cannot be parsed, or its texts are too large.
        RequestEntityTooLarge: the request is far too large.
        Unavailable: there is no disk space for a file.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, max_file_bytes: int) -> None:
        self._max_file_bytes = max_file_bytes

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        opt = scope["route_handler"].opt
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        if _FILES not in opt or request.content_type[0] != MEDIA_TYPE:
            await next_app(scope, receive, send)
            return
        with ExitStack() as stack:
            form, files = await self._read(request, opt[_FILES], stack)
            keep_form(scope, form)
            scope["state"][_FILES] = files
            if files.chosen and opt["files_limit"]:
                count_also(scope, opt["files_limit"])
            await next_app(scope, receive, send)

    async def _read(
        self, request: Request[Any, Any, Any], file_fields: Collection[str], stack: ExitStack
    ) -> tuple[Form, Files]:
        """The form and its files. An empty file field is left out, and so is a second file of a
        field. Other fields are texts.
        """
        fields: dict[str, list[bytearray]] = {}
        files: dict[str, IO[bytes]] = {}
        too_large: set[str] = set()
        name = ""
        target: IO[bytes] | bytearray | None = None
        size = 0
        async for event in multipart_events(request, MAX_FIELDS):
            if isinstance(event, MultipartSegment):
                name, target = event.name, None
                if name not in file_fields:
                    target = bytearray()
                    fields.setdefault(name, []).append(target)
                elif event.filename and name not in files:
                    target = files[name] = stack.enter_context(temporary_file())
            elif isinstance(target, bytearray):
                size += len(event)
                if size > MAX_TEXT:
                    raise RequestRejected(413)
                target += event
            elif target is not None:
                if target.tell() + len(event) > self._max_file_bytes:
                    too_large.add(name)
                    target = None
                else:
                    await append(target, event, self._max_file_bytes)
        for file in files.values():
            file.seek(0)
        form = Form({name: _texts(values) for name, values in fields.items()})
        return form, Files(files, too_large)


def provide_files(request: Request[Any, Any, Any]) -> Files:
    """The files of this request, for handlers."""
    files: Files | None = request.scope["state"].get(_FILES)
    return files or Files()


def has_file(scope: Scope) -> bool:
    """Whether a file was posted with this request, one that is too large too."""
    files: Files | None = scope.get("state", {}).get(_FILES)
    return files is not None and bool(files.chosen or files.too_large)


def _texts(values: Collection[bytearray]) -> list[str]:
    try:
        return [value.decode().replace("\r\n", "\n") for value in values]
    except UnicodeDecodeError:
        raise RequestRejected(400) from None
