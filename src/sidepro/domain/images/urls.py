"""Where stored images are found, and which of them a text shows.

Stored HTML names an image as `/media/<key>`, whatever the store is: the store's own address is put
in when the HTML is read, so that it may change.
"""

import re
from dataclasses import dataclass
from typing import NewType

ImageKey = NewType("ImageKey", str)
ImageUrl = NewType("ImageUrl", str)

LOCAL_BASE = "/media/"
KEY = re.compile(r"[0-9a-f]{32}\.webp")

_SHOWN = re.compile(rf'<img src="{LOCAL_BASE}({KEY.pattern})"')


@dataclass(frozen=True, slots=True)
class ImageUrls:
    """The addresses of a store's images: `base`, which ends in a slash, and then the key."""

    base: str = LOCAL_BASE

    def url(self, key: str | None) -> ImageUrl | None:
        """Where the image with this key is found; `None` for none."""
        return None if key is None else ImageUrl(self.base + key)

    def key_of(self, address: str) -> ImageKey | None:
        """The key in the address of one of our images, or `None`.

        An image may be named by its address in this store, or as `/media/<key>`.
        """
        for base in (self.base, LOCAL_BASE):
            key = address.removeprefix(base)
            if key != address and KEY.fullmatch(key):
                return ImageKey(key)
        return None

    def in_html(self, html: str) -> str:
        """Stored HTML with the images' addresses in this store."""
        if self.base == LOCAL_BASE:
            return html
        return _SHOWN.sub(lambda shown: f'<img src="{self.base}{shown[1]}"', html)


def keys_in(html: str) -> frozenset[ImageKey]:
    """The keys of the images that stored HTML shows."""
    return frozenset(map(ImageKey, _SHOWN.findall(html)))
