"""URLs of stored images, also inside of rendered Markdown.

Stored HTML names an image as `/media/<key>`, whatever the store is. The store's own URL is
inserted when the HTML is read, so that the store can change.
"""

import re
from dataclasses import dataclass
from typing import NewType

ImageKey = NewType("ImageKey", str)
ImageUrl = NewType("ImageUrl", str)

LOCAL_BASE = "/media/"
KEY = re.compile(r"[0-9a-f]{32}\.webp")

_IMAGE = re.compile(rf'<img src="{LOCAL_BASE}({KEY.pattern})"')


@dataclass(frozen=True, slots=True)
class ImageUrls:
    """Builds the URLs of a store's images from `base`, which ends in a slash, and a key."""

    base: str = LOCAL_BASE

    def url(self, key: str | None) -> ImageUrl | None:
        """The URL of the image with this key; `None` for no key."""
        return None if key is None else ImageUrl(self.base + key)

    def key_of(self, url: str) -> ImageKey | None:
        """The key in a URL of this store or of the form `/media/<key>`; `None` for other URLs."""
        for base in (self.base, LOCAL_BASE):
            key = url.removeprefix(base)
            if key != url and KEY.fullmatch(key):
                return ImageKey(key)
        return None

    def in_html(self, html: str) -> str:
        """Stored HTML with image URLs of this store."""
        if self.base == LOCAL_BASE:
            return html
        return _IMAGE.sub(lambda match: f'<img src="{self.base}{match[1]}"', html)


def keys_in(html: str) -> frozenset[ImageKey]:
    """The keys of the images in stored HTML."""
    return frozenset(map(ImageKey, _IMAGE.findall(html)))
