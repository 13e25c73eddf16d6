"""The version before, from the repository's history."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


class BaseMissing(Exception):
    """The commit of the version before cannot be had. The message says why."""


def base() -> str:
    """The commit of the version before: the last release, or the first compatible version."""
    return (Path(__file__).parent / "BASE").read_text("ascii").strip()


def unpack_sources(commit: str, folder: Path) -> Path:
    """Write the sources of this commit below the folder. Returns the folder to import from.

    Fetches the history if the repository is a shallow clone.

    Raises:
        BaseMissing: the repository does not have the commit.
    """
    if not _has(commit):
        if _git("rev-parse", "--is-shallow-repository").stdout.strip() != b"true":
            raise BaseMissing(f"{ROOT} is no git repository with the commit {commit}")
        _git("fetch", "--quiet", "--unshallow")
        if not _has(commit):
            raise BaseMissing(
                f"the clone is shallow and lacks the commit {commit}: `git fetch --unshallow`"
            )
    sources = _git("archive", "--format=zip", commit, "src")
    with zipfile.ZipFile(io.BytesIO(sources.stdout)) as files:
        files.extractall(folder)
    return folder / "src"


def _has(commit: str) -> bool:
    return _git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A fresh clone may belong to another user than root, which runs the tests.
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
