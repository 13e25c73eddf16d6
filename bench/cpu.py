"""CPU time of processes, user and system, from /proc (Linux only)."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = 1000 / os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """CPU milliseconds of a process and its children so far."""
    return sum(_used(each) for each in [pid, *_children(pid)])


def used_by_main_thread(pid: int) -> float:
    """CPU milliseconds of the first thread of a process so far."""
    fields = _fields(f"{pid}/task/{pid}")
    return sum(map(int, fields[11:13])) * _TICK


def _used(pid: int) -> float:
    fields = _fields(pid)
    # utime, stime, and the same of ended children
    return sum(map(int, fields[11:15])) * _TICK if fields else 0.0


def _children(pid: int) -> list[int]:
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [other for other in pids if (fields := _fields(other)) and fields[1] == str(pid)]


def _fields(pid: int | str) -> list[str]:
    """The fields after the name in /proc/<pid>/stat (proc(5)); none if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
