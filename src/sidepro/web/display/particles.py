"""Korean particles, which depend on the final consonant of the word before them."""

import unicodedata

PARTICLES = {
    "을/를": ("을", "를", "을(를)"),
    "이/가": ("이", "가", "이(가)"),
    "은/는": ("은", "는", "은(는)"),
    "과/와": ("과", "와", "과(와)"),
    "아/야": ("아", "야", "아(야)"),
    "으로/로": ("으로", "로", "(으)로"),
}
"""By name: the form after a final consonant, the form after a vowel, and the form after a word
whose sound is unknown, such as Latin letters and digits.
"""

_FIRST_SYLLABLE, _LAST_SYLLABLE = "가", "힣"
_FINALS = 28
"""Syllables with the same initial and vowel: one without a final consonant, and 27 with one."""

_RIEUL = 8
"""The position of the final consonant ㄹ. `로` follows it as it follows a vowel."""


def particle(word: str, kind: str) -> str:
    """The particle of this kind, a key of `PARTICLES`, after a word.

    Quotes, brackets and other signs at the end of the word are silent.
    """
    after_final, after_vowel, unknown = PARTICLES[kind]
    # A word may be long; only its end counts. A composed syllable has at most three letters.
    end = unicodedata.normalize("NFC", word[-64:])
    letter = next((char for char in reversed(end) if char.isalnum()), "")
    if not _FIRST_SYLLABLE <= letter <= _LAST_SYLLABLE:
        return unknown
    final = (ord(letter) - ord(_FIRST_SYLLABLE)) % _FINALS
    if final == 0 or (final == _RIEUL and kind == "으로/로"):
        return after_vowel
    return after_final
