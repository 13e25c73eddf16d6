"""Large pictures leave no memory behind, whether they are accepted or refused."""

from __future__ import annotations

import gc
import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from sidepro.adapters.freed_memory import return_freed_memory
from sidepro.adapters.images.codec import PillowCodec
from sidepro.domain.errors import BadImage
from tests import image_files

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

SIDE = 4_000
"""A picture of 16 megapixels takes 16 MB in grey, 64 MB in colours."""


def memory() -> int:
    """Resident memory of this process, in megabytes, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4_096 // 2**20


@pytest.fixture
def no_collection() -> Iterator[None]:
    """The server collects garbage rarely."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("kind", ["accepted", "without pixels", "damaged"])
async def test_large_pictures_leave_no_memory_behind(kind: str) -> None:
    whole = image_files.saved(Image.new("RGB", (SIDE, SIDE), "teal"), "PNG")
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    data = {
        "accepted": whole,
        "without pixels": image_files.png(SIDE, SIDE),
        "damaged": damaged,
    }[kind]
    codec = PillowCodec(SIDE * SIDE)

    async def encode() -> None:
        with suppress(BadImage):
            await codec.encode(io.BytesIO(data))

    await encode()
    return_freed_memory()
    before = memory()
    for _ in range(5):
        await encode()
    assert memory() - before < 60
    codec.close()
