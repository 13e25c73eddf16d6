"""How much processor time processes have used, user and system."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = 1000 / os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Milliseconds that a process and those that it started have used up to now (Linux alone)."""
    return sum(_used(each) for each in [pid, *_children(pid)])


def used_by_main_thread(pid: int) -> float:
    """Milliseconds that the first thread of a process has used up to now."""
    fields = _fields(f"{pid}/task/{pid}")
    return sum(map(int, fields[11:13])) * _TICK


def _used(pid: int) -> float:
    fields = _fields(pid)
    # utime, stime, and those of children that have ended
    return sum(map(int, fields[11:15])) * _TICK if fields else 0.0


def _children(pid: int) -> list[int]:
    everybody = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [other for other in everybody if (fields := _fields(other)) and fields[1] == str(pid)]


def _fields(pid: int | str) -> list[str]:
    """What follows the name in /proc/<pid>/stat; nothing when it has ended. See proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
