"""Returns freed memory to the operating system."""

import ctypes
from collections.abc import Callable


def _find_trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # only glibc has it
        return None
    return found


_trim = _find_trim()


def return_freed_memory() -> None:
    """Return what large pictures have used: glibc keeps it for later pictures."""
    if _trim:
        _trim(0)
