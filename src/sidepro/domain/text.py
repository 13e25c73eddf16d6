"""Unicode text: normal forms, comparison keys, combining marks and invisible characters."""

import unicodedata
from functools import lru_cache

MAX_MARKS = 30
"""Combining marks on one letter; no language needs more (UAX #15, section 13)."""

_CHARACTER_CLASS_CACHE = 4_096
"""Cache size for character classes."""

_ANY_MARK = "\u0301"

_KANA_SOUND_MARKS = "\uff9e\uff9f"

# Default-ignorable code points outside of the category Cf: DerivedCoreProperties.txt, Unicode 15.
_IGNORABLE = (
    *(range(0x34F, 0x350), range(0x115F, 0x1161), range(0x17B4, 0x17B6), range(0x180B, 0x1810)),
    *(range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFFA0, 0xFFA1)),
    *(range(0xE0100, 0xE01F0),),
)


def normalize(text: str) -> str:
    """The form in which text is stored: Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def casefold_key(text: str) -> str:
    """The form in which text is compared: NFKC(casefold(NFKC(text))).

    Texts that differ only in case, in width (`Ａ`, `A`) or in composition (decomposed and composed
    Hangul syllables) have the same key. Source: Unicode 15, section 3.13 and UAX #15.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=_CHARACTER_CLASS_CACHE)
def is_mark(char: str) -> bool:
    """Whether a character combines with the previous one, in NFC or NFKC."""
    return unicodedata.category(char)[0] == "M" or char in _KANA_SOUND_MARKS


def has_excessive_marks(text: str, maximum: int = MAX_MARKS) -> bool:
    """Whether more than `maximum` marks follow one another.

    Check untrusted text before normalizing it: normalization sorts the marks of a letter in
    quadratic time, half a minute for 100,000 marks.
    """
    marks = set(filter(is_mark, set(text)))
    if not marks:
        return False
    # Replace all marks by one: a pattern of a text's own marks would be compiled and cached.
    same = text.translate(dict.fromkeys(map(ord, marks), _ANY_MARK))
    return _ANY_MARK * (maximum + 1) in same


@lru_cache(maxsize=_CHARACTER_CLASS_CACHE)
def is_invisible(char: str) -> bool:
    """Whether a character shows nothing by itself: white space, format and filler characters."""
    return (
        char.isspace()
        or unicodedata.category(char) == "Cf"
        or any(ord(char) in block for block in _IGNORABLE)
    )
