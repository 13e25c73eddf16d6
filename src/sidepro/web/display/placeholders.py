"""What stands in for a picture: a sheet of manuscript paper for projects, initials for people."""

import unicodedata
from functools import lru_cache
from typing import Final
from uuid import UUID
from zlib import crc32

from markupsafe import Markup, escape

TONES: Final = 8
"""The tones of `static/css/blocks.css`: classes `tone-1` to `tone-8`."""

RINGS: Final = 4
"""The places of the coffee ring on a sheet: classes `ring-1` to `ring-4`."""

MAX_CELLS: Final = 23
"""A sheet has three rows of eight cells, and the first cell of a paragraph stays empty."""

_JOINER = "\u200d"
_MARKS = ("Mn", "Mc", "Me", "Cf", "Sk")


@lru_cache(maxsize=2_000)
def sheet(project: UUID, title: str) -> Markup:
    """The cover of a project without a picture: its title, a character in a cell.

    The same project always gets the same tone and ring.
    """
    number = project.int  # UUIDv7: the last bits are random
    spans = (
        f'<span class="two">{cell}</span>' if _is_pair(cell) else f"<span>{escape(cell)}</span>"
        for cell in cells(title)
    )
    classes = f"sheet tone-{number % TONES + 1} ring-{number // TONES % RINGS + 1}"
    # Every cell is escaped, or two letters or digits.
    return Markup(f'<div class="{classes}" aria-hidden="true">{"".join(spans)}</div>')  # noqa: S704


def cells(text: str) -> tuple[str, ...]:
    """The first cells of a text, by the rule of Korean manuscript paper.

    A cell holds a syllable, a capital letter or a sign, but two small letters or two digits.
    """
    filled: list[str] = []
    for character in _characters(text):
        if filled and _shares_a_cell(filled[-1], character):
            filled[-1] += character
        elif len(filled) == MAX_CELLS:
            break
        else:
            filled.append(character)
    return tuple(filled)


@lru_cache(maxsize=2_000)
def initial(name: str) -> str:
    """The first syllable or letter of a name, in upper case."""
    return next(iter(_characters(name)), "?").upper()


@lru_cache(maxsize=2_000)
def tone(name: str) -> int:
    """The tone of a person: the same in every process and version."""
    return crc32(name.encode()) % TONES + 1


def _characters(text: str) -> list[str]:
    """Splits a text into what a reader takes for one character, near enough for an ornament."""
    characters: list[str] = []
    for code_point in unicodedata.normalize("NFC", text):
        joined = characters and characters[-1].endswith(_JOINER)
        if joined or (characters and unicodedata.category(code_point) in _MARKS):
            characters[-1] += code_point
        else:
            characters.append(code_point)
        if len(characters) > 2 * MAX_CELLS:
            break
    return characters


def _is_pair(cell: str) -> bool:
    return len(cell) == 2 and cell.isascii() and cell.isalnum()


def _shares_a_cell(cell: str, character: str) -> bool:
    if len(cell) != 1 or not (cell + character).isascii():
        return False
    return (cell.islower() and character.islower()) or (cell.isdigit() and character.isdigit())
