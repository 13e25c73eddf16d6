"""Finds Node and npm, for the validators of the documents and the TypeScript client."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers.watched_server import ServerError

OLDEST = 18
"""Debian 12 has this version."""


def find_npm() -> Path:
    """The program npm, beside a Node that runs our scripts.

    Raises ServerError where one of them is missing, or Node is too old.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ServerError("Node and npm were not found; tests/install-servers.sh installs them")
    version = subprocess.check_output([node, "--version"], text=True)
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        raise ServerError(f"Node {version.strip()} is older than {OLDEST}")
    return Path(npm)
