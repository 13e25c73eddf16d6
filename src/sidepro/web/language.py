"""The language of a page, and that of a text on it."""

import re
from functools import lru_cache

from markupsafe import Markup

from sidepro.domain.language import Language
from sidepro.http.headers.language import preferred_language

_NO_LANG = Markup()
_LANGS = {language: Markup(' lang="{}"').format(language) for language in Language}

_HANGUL = re.compile("[ㄱ-ㆎ가-힣]")


def choose_language(cookie: str | None, accept_language: str) -> Language:
    """The language that the person chose, or else the one that the browser prefers."""
    if cookie in tuple(Language):
        return Language(cookie)
    return preferred_language(accept_language)


@lru_cache(maxsize=4_000)
def text_language(text: str) -> Language | None:
    """The language of a text that a person wrote, by its letters; `None` if it is not clear."""
    if _HANGUL.search(text):
        return Language.KOREAN
    letters = [character for character in text if character.isalpha()]
    return Language.ENGLISH if letters and all(map(str.isascii, letters)) else None


def lang_attribute(text: str, page: Language) -> Markup:
    """The attribute `lang` of an element with a text that a person wrote, if its language is not
    that of the page.
    """
    language = text_language(text)
    return _NO_LANG if language is None or language is page else _LANGS[language]
