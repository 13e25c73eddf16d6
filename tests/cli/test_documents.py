"""The documents: links and paths in them exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BASES = (ROOT, ROOT / "src" / "sidepro", ROOT / "docs")
"""Folders to which paths in texts are relative."""

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md)|(?:[\w-]+/)+)`")


def links(document: Path) -> Iterator[str]:
    for target in LINK.findall(document.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_have_a_target(document: Path) -> None:
    broken = [link for link in links(document) if not (document.parent / link).exists()]

    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_of_files_exist(document: Path) -> None:
    paths = PATH.findall(document.read_text("utf-8"))
    missing = [path for path in paths if not any((base / path).exists() for base in BASES)]

    assert not missing
