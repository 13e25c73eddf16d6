"""A disk without room."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Another file takes all the room."""
    filler = disk / "filler"
    with suppress(OSError):  # who writes meanwhile takes a part of the rest
        filler.write_bytes(bytes(shutil.disk_usage(disk).free))
    try:
        yield
    finally:
        filler.unlink()
