"""The static files of the package: scripts, styles and icons.

An address has the hash of all files, so that it never changes its content and scripts can import
each other by relative addresses: `/static/<hash>/js/editor.js`.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from sidepro.domain.errors import NotFound
from sidepro.http.headers.etags import matches
from sidepro.http.middleware.compression import MIN_SIZE, accepts_gzip

BASE = "/static"
FOLDER = Path(__file__).parent / "static"

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""By suffix. A file with another suffix is not served."""

_MODULE_SYNTAX = re.compile(
    rb'^(?:import .* from "\./[^/"\n]*";\n|export (?=class|function|const))', re.MULTILINE
)
"""Imports of files beside a script, and the word that exports to them."""

_STYLE_COMMENT = re.compile(rb"/\*.*?\*/\n?", re.DOTALL)

_COMPRESSED_ALREADY = frozenset({".ico", ".png", ".webp", ".woff2"})


@dataclass(frozen=True)
class StaticFile:
    """One file. It is compressed when somebody first asks for that."""

    content: bytes
    suffix: str

    @cached_property
    def compressed(self) -> bytes | None:
        """The file in gzip; `None` if that is not worth it."""
        if self.suffix in _COMPRESSED_ALREADY or len(self.content) < MIN_SIZE:
            return None
        return gzip.compress(self.content, mtime=0)


class StaticFiles:
    """All files, read once.

    A folder with a name such as `app.css` is served as one file: its files in the order of their
    names. So pages load less, and a file of the sources stays short. Of scripts, the lines that
    import another file of the folder are left out, so a script must come after what it needs as it
    starts, and top-level names are unique in the folder. Styles are served without their comments.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): StaticFile(_content(path), path.suffix)
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES and path.parent.suffix not in MEDIA_TYPES
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
        self.version = digest.hexdigest()[:16]

    def path(self, name: str) -> str:
        """The local address of a file, such as `css/app.css`.

        Raises:
            KeyError: there is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"{BASE}/{self.version}/{name}"

    def get(self, name: str) -> StaticFile:
        """A file.

        Raises:
            NotFound: there is no such file.
        """
        file = self._files.get(name)
        if file is None:
            raise NotFound
        return file

    def router(self) -> Router:
        """The route of the files."""

        @get(f"{BASE}/{{version:str}}/{{name:path}}", include_in_schema=False)
        async def static_file(
            request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]
        ) -> Response[bytes]:
            return self._respond(request, version, name.lstrip("/"))

        # Browsers ask for this address when they show something else than a page.
        @get("/favicon.ico", include_in_schema=False)
        async def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
            return self._respond(request, "", "icons/favicon.svg")

        return Router("/", route_handlers=[static_file, favicon])

    def _respond(
        self, request: Request[Any, Any, Any], version: str, name: str
    ) -> Response[bytes]:
        file = self.get(name)
        # A page of another version may ask this process during an upgrade.
        is_current = version == self.version
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "ETag": f'"{self.version}"',
            "Vary": "Accept-Encoding",
        }
        if matches(self.version, request.headers.getall("If-None-Match", [])):
            return Response(b"", status_code=304, headers=headers)
        content = file.content
        if accepts_gzip(request.headers.get("accept-encoding", "")) and file.compressed:
            content = file.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=MEDIA_TYPES[file.suffix], headers=headers)


def _content(path: Path) -> bytes:
    if path.is_dir():
        parts = [part.read_bytes() for part in sorted(path.iterdir())]
        if path.suffix == ".js":
            parts = [_MODULE_SYNTAX.sub(b"", part) for part in parts]
        content = b"".join(parts)
    else:
        content = path.read_bytes()
    return _STYLE_COMMENT.sub(b"", content) if path.suffix == ".css" else content
