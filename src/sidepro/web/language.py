"""The languages of the pages, and the choice between them."""

import re
from enum import StrEnum
from functools import lru_cache

from sidepro.http.weights import weighted

MAX_HEADER = 500
"""Characters of an `Accept-Language` header that are read."""


class Language(StrEnum):
    """A language of the pages, by its tag (BCP 47)."""

    KOREAN = "ko"
    ENGLISH = "en"


DEFAULT = Language.KOREAN


_HANGUL = re.compile("[가-힣]")


def choose_language(cookie: str | None, accept_language: str) -> Language:
    """The language that the person chose, or else the one that the browser prefers."""
    if cookie in tuple(Language):
        return Language(cookie)
    best, best_quality = DEFAULT, 0.0
    for tag, quality in weighted(accept_language[:MAX_HEADER]):
        primary = tag.partition("-")[0]
        if primary in tuple(Language) and quality > best_quality:
            best, best_quality = Language(primary), quality
    return best


@lru_cache(maxsize=4_000)
def text_language(text: str) -> Language | None:
    """The language of a text that a person wrote, by its letters; `None` if it is not clear."""
    if _HANGUL.search(text):
        return Language.KOREAN
    letters = [character for character in text if character.isalpha()]
    return Language.ENGLISH if letters and all(map(str.isascii, letters)) else None


def foreign_language(text: str, than: Language) -> Language | None:
    """The language of a text that a person wrote, if it is another one than the page's."""
    language = text_language(text)
    return None if language is than else language
