"""Encodes uploaded images with Pillow, in threads of its own.

All images in progress together hold at most the maximum number of pixels of one image in memory:
40 megapixels take 0.3 to 0.4 GB, as WebP 0.6 to 0.9 GB. Pillow, 5 MB, is imported for the first
image.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import IO

from sidepro.adapters.fair_threads import FairThreads
from sidepro.adapters.freed_memory import return_freed_memory
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from sidepro.domain.images.image import Picture

THREADS = 2
MAX_WAITING = 30
"""Maximum number of images waiting for a thread. Further ones are refused for the moment."""

MAX_WAITING_EACH = 20
"""Maximum number of images of one person, waiting or in progress."""


class PillowCodec:
    """See `sidepro.domain.images.ports.ImageCodec`. Animations become WebP animations."""

    def __init__(self, max_pixels: int) -> None:
        """`max_pixels` is the limit for a picture."""
        self._max_pixels = max_pixels
        self._threads = FairThreads(THREADS, "images")
        self._pixels = PixelBudget(max_pixels)
        self._in_progress: Counter[UserId | None] = Counter()

    async def encode(self, file: IO[bytes], uploader: UserId | None = None) -> Picture:
        if self._in_progress.total() >= THREADS + MAX_WAITING or (
            uploader is not None and self._in_progress[uploader] >= MAX_WAITING_EACH
        ):
            raise Unavailable
        self._in_progress[uploader] += 1
        try:
            return await self._threads.run(uploader, self._encoded, file)
        finally:
            self._in_progress[uploader] -= 1
            if not self._in_progress[uploader]:
                del self._in_progress[uploader]

    def close(self) -> None:
        """Finish the images in progress and stop the threads."""
        self._threads.close()

    def _encoded(self, file: IO[bytes]) -> Picture:
        from sidepro.adapters.images.encoder import encode  # noqa: PLC0415 - see above

        try:
            return encode(file, self._max_pixels, self._pixels)
        finally:
            return_freed_memory()


class PixelBudget:
    """Limits the pixels of all images that are decoded at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reserved = 0
        self._changed = Condition()

    @contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Wait until `pixels` fit, and hold them for the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._reserved + pixels <= self._limit)
            self._reserved += pixels
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= pixels
                self._changed.notify_all()
