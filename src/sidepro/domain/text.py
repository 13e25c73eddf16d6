"""Unicode text: normal forms, comparison keys, marks and invisible characters."""

import re
import unicodedata
from functools import lru_cache


def normalize(text: str) -> str:
    """The form in which text is stored: Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def casefold_key(text: str) -> str:
    """The form in which text is compared: NFKC(casefold(NFKC(text))).

    Two texts that differ in case, in width (`Ａ`, `A`) or in composition (a decomposed Hangul
    syllable and a composed one) fold alike. Source: Unicode 15, section 3.13 and UAX #15.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


MAX_MARKS = 30
"""More combining marks than this on one letter no language has (UAX #15, section 13)."""


_CHARACTER_CLASS_CACHE = 4_096
"""Of which it is kept what they are, at the most: texts are made of few different ones."""


_KANA_SOUND_MARKS = "\uff9e\uff9f"


@lru_cache(maxsize=_CHARACTER_CLASS_CACHE)
def is_mark(char: str) -> bool:
    """Whether a character joins the one before it, in the stored or in the compared form."""
    return unicodedata.category(char)[0] == "M" or char in _KANA_SOUND_MARKS


def has_excessive_marks(text: str, most: int = MAX_MARKS) -> bool:
    """Whether more than so many marks follow one another.

    Normal forms put the marks of a letter in order, in a time that grows with the square of their
    number: half a minute for 100,000. Who takes long texts from strangers asks this before.
    """
    marks = "".join(filter(is_mark, set(text)))
    return bool(marks) and re.search(f"[{marks}]{{{most + 1}}}", text) is not None


# Code points that Unicode calls default-ignorable and does not count among the format characters
# (category Cf): DerivedCoreProperties.txt of Unicode 15.
_IGNORABLE = (
    *(range(0x34F, 0x350), range(0x115F, 0x1161), range(0x17B4, 0x17B6), range(0x180B, 0x1810)),
    *(range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFFA0, 0xFFA1)),
    *(range(0xE0100, 0xE01F0),),
)


def is_invisible(char: str) -> bool:
    """Whether a character shows nothing by itself: white space, format and filler characters."""
    return (
        char.isspace()
        or unicodedata.category(char) == "Cf"
        or any(ord(char) in block for block in _IGNORABLE)
    )
