"""Finds a Chromium, and fonts that show Korean, for the tests of the screens."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers.watched_server import ServerError

SHELL = "chromium-headless-shell"
"""Chromium without its windows: pages take a third of the processor time."""

NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

INSTALLED = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> Path:
    """The program of Chromium or of Chrome, of its headless shell where that is installed.

    Raises ServerError where there is none, or no font for Korean.
    """
    found = [
        *filter(None, map(shutil.which, NAMES)),
        *filter(lambda p: Path(p).exists(), INSTALLED),
    ]
    if not found:
        raise ServerError("Chromium was not found; tests/install-servers.sh installs it")
    if not _shows_korean():
        raise ServerError("no font shows Korean; tests/install-servers.sh installs Noto Sans CJK")
    return Path(found[0])


def _shows_korean() -> bool:
    """Whether fontconfig knows a font for Korean. Systems without fontconfig bring one."""
    program = shutil.which("fc-list")
    if program is None:
        return True
    return bool(subprocess.check_output([program, ":lang=ko", "family"], text=True).strip())
