"""Copies images from one store to another."""

import asyncio
from collections.abc import Callable, Mapping

from sidepro.domain.images.ports import ImageStore
from sidepro.domain.images.urls import ImageKey

CONCURRENCY = 8
"""Images copied at the same time."""


async def copy_images(
    sizes: Mapping[ImageKey, int],
    source: ImageStore,
    target: ImageStore,
    progress: Callable[[int, int], None],
) -> int:
    """Copy the images that the target lacks. Returns how many the source lacks.

    `sizes` are in bytes. `progress` is called with the number of images done, and of all.

    Raises:
        Unavailable: a store cannot be used.
    """
    keys = iter(sizes)
    missing = done = 0

    async def copy_some() -> None:
        nonlocal missing, done
        for key in keys:
            size = sizes[key]
            if await target.size(key) != size:
                if await source.size(key) is None:
                    missing += 1
                else:
                    await target.put(key, await source.read(key, 0, size))
            done += 1
            progress(done, len(sizes))

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(copy_some())
    return missing
