"""Search keys: the form in which the text search compares texts.

A project matches when its search key contains the query's key. The key omits white space and
invisible characters. It spells Hangul as keystrokes, so a query matches from its first stroke on.
"""

import re
import unicodedata
from itertools import chain

from sidepro.domain.text import casefold_key, is_invisible

# Fillers complete a letter that stands alone (Unicode 15, section 18.6): one follows a lone
# consonant, the other precedes a lone vowel.
_NO_VOWEL = "\u1160"
_NO_CONSONANT = "\u115f"

_CONSONANTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FINALS = (
    "ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ "
    "ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ"
)
_VOWELS = "ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ"

_FIRST_FINAL = 0x11A8

# Conjoining letters to their strokes.
_STROKES = {
    **dict(enumerate(_CONSONANTS, 0x1100)),
    **dict(enumerate(_VOWELS.split(), 0x1161)),
    **dict(enumerate(_FINALS.split(), _FIRST_FINAL)),
    0x111A: "ㄹㅎ",
    0x1121: "ㅂㅅ",
}


def _alone(strokes: str) -> str:
    return "".join(
        one + _NO_VOWEL if one in _CONSONANTS else _NO_CONSONANT + one for one in strokes
    )


# Letters outside of syllables: conjoining, compatibility, circled and half-width ones.
_ALONE = {
    code: _alone(_STROKES[ord(letter)])
    for code in chain(
        _STROKES, range(0x3131, 0x3164), range(0x3260, 0x326E), range(0xFFA1, 0xFFDD)
    )
    if ord(letter := unicodedata.normalize("NFKC", chr(code))[0]) in _STROKES
}
# A conjoining final letter cannot begin a syllable.
_ALONE |= {
    code: _NO_CONSONANT + _NO_VOWEL + strokes
    for code, strokes in _STROKES.items()
    if code >= _FIRST_FINAL
}

_LOOKALIKES = {
    ord(variant): plain
    for plain, variants in {
        "'": "\u2018\u2019\u201a\u201b\u02bc\u2032\u00b4`",
        '"': "\u201c\u201d\u201e\u201f\u2033\u301d\u301e\u301f\u00ab\u00bb",
        "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
        "~": "\u301c\u223c",
        "\u00b7": "\u318d\u30fb\uff65\u2022\u2027\u22c5",
    }.items()
    for variant in variants
}

_SKIN_TONES = re.compile("(?<=.)[\U0001f3fb-\U0001f3ff]+")


def search_key(text: str) -> str:
    """The form in which searched texts are compared.

    `casefold_key` without white space, invisible characters and skin tones; with plain quotes,
    hyphens, tildes and middle dots; and with the strokes of Hangul letters: `ㅋㅡㅇ` for `킁`.
    """
    text = unicodedata.normalize("NFC", _visible(text))
    text = _SKIN_TONES.sub("", text.translate(_LOOKALIKES))
    # Separate lone letters before folding, which would compose them: `ㅋㅠ` to `큐`.
    folded = casefold_key(text.translate(_ALONE)).replace(" ", "")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).translate(_STROKES))


def search_term(query: str) -> str:
    """The key of a query. Its last consonant may begin a syllable of the text."""
    return search_key(query).removesuffix(_NO_VOWEL)


def search_text(title: str, summary: str, username: str) -> str:
    """The searchable text of a project, a line for each part. Terms have no line breaks, so none
    matches across two parts.
    """
    return "\n".join(map(search_key, (title, summary, username)))


def with_author(text: str, username: str) -> str:
    """The searchable text of a project whose author is called otherwise now."""
    return "\n".join([*text.split("\n")[:-1], search_key(username)])


def _visible(text: str) -> str:
    invisible = filter(is_invisible, set(text))
    return text.translate(dict.fromkeys(map(ord, invisible)))
