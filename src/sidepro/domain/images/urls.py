"""URLs of stored images, also in rendered Markdown.

Stored HTML refers to an image as `/media/<key>`, independent of the store. The store's own URL is
inserted when the HTML is read, so the store can change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NewType
from urllib.parse import unquote, urlsplit

ImageKey = NewType("ImageKey", str)
ImageUrl = NewType("ImageUrl", str)

LOCAL_BASE = "/media/"
KEY = re.compile(r"[0-9a-f]{32}\.webp")

_REFERENCE = re.compile(rf'<(img src|a href)="{LOCAL_BASE}({KEY.pattern})"')
_SHOWN = re.compile(rf'<img src="{LOCAL_BASE}({KEY.pattern})"((?: [a-z]+="[^"]*")*)>')
_SIZED = re.compile(r' (?:width|height)="')
_KEY_LENGTH = 37
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ImageUrls:
    """Builds the URLs of a store's images from `base`, which ends in a slash, and a key.

    `aliases` are other bases that people may use in URLs of the same images.
    """

    base: str = LOCAL_BASE
    aliases: tuple[str, ...] = ()

    def url(self, key: str | None) -> ImageUrl | None:
        """The URL of the image with this key; `None` for no key."""
        return None if key is None else ImageUrl(self.base + key)

    def key_of(self, url: str) -> ImageKey | None:
        """The key in a URL of this store or of the form `/media/<key>`; `None` for other URLs.

        Scheme, query and fragment do not matter.
        """
        address = url.partition("#")[0].partition("?")[0]
        base, key = address[:-_KEY_LENGTH], address[-_KEY_LENGTH:]
        if not KEY.fullmatch(key):
            return None
        bases = map(_host_and_path, (self.base, LOCAL_BASE, *self.aliases))
        return ImageKey(key) if _host_and_path(base) in bases else None

    def in_html(self, html: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
        """Stored HTML with image URLs of this store. `names` are the names of withheld images by
        their keys.
        """
        if self.base == LOCAL_BASE and not names:
            return html
        return _REFERENCE.sub(
            lambda match: f'<{match[1]}="{self.base}{names.get(match[2], match[2])}"', html
        )


def _host_and_path(url: str) -> tuple[str, int | None, str] | None:
    """The host, port and path of a URL; `None` for a URL that cannot be ours."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = unquote(parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or bool(parts.scheme) > bool(host):
        return None
    return host, None if port == _DEFAULT_PORTS.get(parts.scheme) else port, parts.path


def keys_in(html: str) -> frozenset[ImageKey]:
    """The keys of the images that stored HTML shows or links to."""
    return frozenset(ImageKey(key) for _, key in _REFERENCE.findall(html))


def with_sizes(html: str, sizes: Mapping[ImageKey, tuple[int, int]]) -> str:
    """Stored HTML whose images have their width and height, so that nothing moves when they load.

    Images to which the writer gave a size keep it. So do images that are not in `sizes`.
    """

    def sized(image: re.Match[str]) -> str:
        size = sizes.get(ImageKey(image[1]))
        if size is None or _SIZED.search(image[2]):
            return image[0]
        width, height = size
        return f'{image[0][:-1]} width="{width}" height="{height}">'

    return _SHOWN.sub(sized, html)
