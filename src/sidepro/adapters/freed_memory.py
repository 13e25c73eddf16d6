"""Returns freed memory to the operating system, where glibc keeps it."""

import ctypes
from typing import Any

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def _find(name: str) -> Any:
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None


_trim = _find("malloc_trim")
_option = _find("mallopt")


def share_arena() -> None:
    """Let threads that start from now on allocate in the main arena. Of others, glibc does not
    return the end.
    """
    if _option:
        _option(_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Return what large pictures and password hashes have used: glibc keeps it for later ones."""
    if _trim:
        _trim(0)
