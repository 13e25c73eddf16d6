"""Compression of JSON and of pages with gzip.

Short responses, other types (images are compressed already) and routes with `SECRET` are not
compressed.
"""

from typing import Any, cast

from isal import isal_zlib
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Message, Send

from sidepro.http.headers.weights import weighted

MIN_SIZE = 1024
"""Bytes. Shorter responses fit into one packet anyway."""

MAX_HEADER = 1_000
"""Characters of an `Accept-Encoding` header that are read."""

LEVEL = 1
"""The level of ISA-L that corresponds to zlib's fastest. It runs in the event loop: a page of the
board (54 kB) takes 0.04 ms, with zlib 0.17 ms, and has as many bytes.
"""

SECRET = {"uncompressed": True}
"""Options of routes whose responses contain secrets, such as tokens, and texts of other users.

The size of a compressed response would reveal whether such a text repeats a part of the secret
(BREACH, https://www.breachattack.com).
"""

_GZIP_FORMAT = 16 + isal_zlib.MAX_WBITS
_GZIP_NAMES = ("gzip", "x-gzip")


def compressed(scope: HTTPScope, send: Send) -> Send:
    """`send` itself if the client does not accept gzip. Otherwise one that compresses."""
    for name, value in scope["headers"]:
        if name == b"accept-encoding" and accepts_gzip(value.decode("latin-1")):
            return _Compression(scope, send)
    return send


def is_text(content_type: bytes) -> bool:
    """Whether a media type is JSON or HTML. Its responses vary by `Accept-Encoding`."""
    return content_type.partition(b";")[0].strip().endswith((b"/json", b"+json", b"/html"))


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header takes gzip."""
    elements = weighted(accept_encoding[:MAX_HEADER])
    return any(name in _GZIP_NAMES and quality > 0 for name, quality in elements)


class _Compression:
    """Compresses one response. Its type and its route are known when it starts."""

    def __init__(self, scope: HTTPScope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._compressor: Any = None  # a type of a C extension
        self._held_start: HTTPResponseStartEvent | None = None
        """The start of a response whose new length is not known yet."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body" and self._compressor:
            await self._continue(message)
        else:
            await self._send(message)

    async def _start(self, message: HTTPResponseStartEvent) -> None:
        headers = dict(message["headers"])
        if not self._is_compressible(headers):
            await self._send(message)
            return
        self._compressor = isal_zlib.compressobj(LEVEL, wbits=_GZIP_FORMAT)
        others = [pair for pair in message["headers"] if pair[0] != b"content-length"]
        message["headers"] = [*others, (b"content-encoding", b"gzip")]
        if b"content-length" in headers:
            self._held_start = message
        else:
            await self._send(message)

    def _is_compressible(self, headers: dict[bytes, bytes]) -> bool:
        return (
            is_text(headers.get(b"content-type", b""))
            and int(headers.get(b"content-length", MIN_SIZE)) >= MIN_SIZE
            and b"content-encoding" not in headers
            and not _is_secret(self._scope)
        )

    async def _continue(self, message: HTTPResponseBodyEvent) -> None:
        # The client gets each part of a stream at once.
        mode = isal_zlib.Z_SYNC_FLUSH if message["more_body"] else isal_zlib.Z_FINISH
        body = self._compressor.compress(message["body"])
        message["body"] = body + self._compressor.flush(mode)
        if self._held_start is not None:
            start, self._held_start = self._held_start, None
            if not message["more_body"]:
                length = b"%d" % len(message["body"])
                start["headers"] = [*start["headers"], (b"content-length", length)]
            await self._send(start)
        await self._send(message)


def _is_secret(scope: HTTPScope) -> bool:
    # A rejection before routing has no handler.
    handler = cast("dict[str, Any]", scope).get("route_handler")
    return handler is not None and SECRET.items() <= handler.opt.items()
