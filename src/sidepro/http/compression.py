"""Compression of JSON responses, by Litestar's middleware.

Short responses, other types than JSON (images are compressed already) and routes with `SECRET` are
not compressed.
"""

import re
from collections.abc import Iterable

from litestar.config.compression import CompressionConfig
from litestar.enums import CompressionEncoding
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Message, Receive, Scope, Send

MIN_SIZE = 1024
"""Bytes. Shorter responses fit into one packet anyway."""

LEVEL = 1
"""zlib's fastest level, since it runs in the event loop. A page of the board takes 0.07 ms at any
level up to 6. A document of 126 kB takes a third of the time of level 6 and half as many bytes
more.
"""

SECRET = {"uncompressed": True}
"""Options of routes whose responses contain secrets, such as tokens, and texts of other users.

The size of a compressed response would reveal whether such a text repeats a part of the secret
(BREACH, https://www.breachattack.com).
"""

_GZIP = re.compile(r"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=([0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


def compression_config() -> CompressionConfig:
    """Litestar's configuration."""
    return CompressionConfig(
        backend="gzip",
        minimum_size=MIN_SIZE,
        gzip_compress_level=LEVEL,
        middleware_class=JsonCompression,
        exclude_opt_key=next(iter(SECRET)),
    )


class JsonCompression(CompressionMiddleware):
    """Litestar's middleware, only for long JSON. The type is known when the response starts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Headers are read from the raw pairs: Litestar's objects cost more than all the rest here.
        accepted = any(
            name == b"accept-encoding" and accepts_gzip(value.decode("latin-1"))
            for name, value in scope["headers"]
        )
        forward = send

        async def send_compressed(message: Message) -> None:
            nonlocal forward
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if _is_json(headers.get(b"content-type", b"")):
                    length = int(headers.get(b"content-length", MIN_SIZE))
                    if accepted and length >= MIN_SIZE:
                        forward = self.create_compression_send_wrapper(
                            send, CompressionEncoding.GZIP, scope
                        )
                    else:
                        message["headers"] = _with_vary(message["headers"])
            await forward(message)

        await self.app(scope, receive, send_compressed)


def _is_json(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().endswith((b"/json", b"+json"))


def _with_vary(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, with `Accept-Encoding` in `Vary`."""
    others, values = [], [b"Accept-Encoding"]
    for pair in headers:
        if pair[0] == b"vary":
            values.insert(0, pair[1])
        else:
            others.append(pair)
    return [*others, (b"vary", b", ".join(values))]


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header takes gzip."""
    found = _GZIP.search(accept_encoding[:1_000])
    return found is not None and (found[1] is None or found[1].strip("0.") != "")
