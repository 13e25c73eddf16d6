"""The npm packages of `package-lock.json`, installed once for each version of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import find_npm

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
_PACKAGE_FILES = ("package.json", "package-lock.json", ".npmrc")


def cache_folder() -> Path:
    """The user's cache, where installed packages stay for the next run."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sidepro-tests"


def install() -> Path:
    """The folder `node_modules`. Other processes wait for the first one that installs.

    A folder of an aborted installation has no mark, and is installed again.
    """
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in _PACKAGE_FILES))
    folder = cache_folder() / f"npm-{digest.hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in _PACKAGE_FILES:
                shutil.copyfile(FOLDER / name, folder / name)
            run(str(find_npm()), "ci", folder=folder)
            (folder / "installed").touch()
    return folder / "node_modules"


def run(*command: str, folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """The output of a program in a folder, with the variables of `variables` instead of our own.

    A failure is an error with all that it printed.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
