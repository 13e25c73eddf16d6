"""The documents: their links and paths exist, and the README's commands work."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image_files import picture, saved
from tests.servers import SideProServer

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BASES = (ROOT, ROOT / "src" / "sidepro", ROOT / "docs", ROOT / "src" / "sidepro" / "web")
"""Folders to which paths in texts are relative."""

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md)|(?:[\w-]+/)+)`")


def links(document: Path) -> Iterator[str]:
    for target in LINK.findall(document.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_have_a_target(document: Path) -> None:
    broken = [target for target in links(document) if not (document.parent / target).exists()]

    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_of_files_exist(document: Path) -> None:
    paths = PATH.findall(document.read_text("utf-8"))
    missing = [path for path in paths if not any((base / path).exists() for base in BASES)]

    assert not missing


@pytest.mark.servers
def test_the_curl_tour_of_the_readme_works(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("## A tour with curl")[2]
    blocks = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    commands = "".join(block for block in blocks if "curl" in block)
    (tmp_path / "picture.png").write_bytes(saved(picture((8, 6))))
    with SideProServer(None, "--demo") as server:
        script = commands.replace("http://127.0.0.1:8000", server.url)
        # `--fail` makes an error status an error of the script.
        script = (
            f'set -eu\ncurl() {{ command curl --fail --show-error --noproxy "*" "$@"; }}\n{script}'
        )
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert done.returncode == 0, done.stderr
    assert "안녕하세요! 커피 한잔 어때요?" in done.stdout


def test_the_korean_readme_has_the_headings_and_code_blocks_of_the_english_one() -> None:
    english, korean = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.ko.md"))
    code = re.compile(r"^```\w*\n.*?^```$", re.DOTALL | re.MULTILINE)
    levels = [re.findall(r"^#+ ", code.sub("", text), re.MULTILINE) for text in (english, korean)]

    assert code.findall(korean) == code.findall(english)
    assert levels[1] == levels[0]
