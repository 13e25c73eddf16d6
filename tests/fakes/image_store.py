"""Images in one process, for tests."""

from collections.abc import Sequence

from sidepro.domain.errors import NotFound
from sidepro.domain.images.urls import ImageKey


class MemoryImageStore:
    """See `sidepro.domain.images.ports.ImageStore`."""

    def __init__(self) -> None:
        self.objects: dict[ImageKey, bytes] = {}

    async def put(self, key: ImageKey, data: bytes) -> None:
        self.objects[key] = bytes(data)

    async def size(self, key: ImageKey) -> int | None:
        return None if key not in self.objects else len(self.objects[key])

    async def read(self, key: ImageKey, start: int, end: int) -> bytes:
        if key not in self.objects:
            raise NotFound
        return self.objects[key][start:end]

    async def move(self, key: ImageKey, to: ImageKey) -> None:
        if key in self.objects:
            self.objects[to] = self.objects.pop(key)

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        for key in keys:
            self.objects.pop(key, None)
