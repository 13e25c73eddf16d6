"""The rules for usernames: their characters, names that look alike, and reserved names."""

import unicodedata

from sidepro.domain.text import (
    casefold_key,
    has_excessive_marks,
    is_invisible,
    is_mark,
    normalize,
)
from sidepro.domain.validation import Validator
from sidepro.domain.violations import FieldCode, Violation, too_many_marks, wrong_length

USERNAME_LENGTH = (2, 30)
MAX_NAME_MARKS = 4

_SCRIPTS_USED_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts are named by the first word of a letter's Unicode name."""

RESERVED = frozenset(
    [
        "abuse",
        "admin",
        "administrator",
        "admins",
        "all",
        "anonymous",
        "api",
        "contact",
        "everyone",
        "help",
        "here",
        "hostmaster",
        "info",
        "mail",
        "me",
        "moderator",
        "moderators",
        "mod",
        "mods",
        "noreply",
        "null",
        "official",
        "operator",
        "ops",
        "owner",
        "postmaster",
        "root",
        "security",
        "service",
        "sidepro",
        "staff",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "team",
        "undefined",
        "webmaster",
        "www",
        "고객센터",
        "고객지원",
        "공식",
        "공지",
        "공지사항",
        "관리자",
        "관리팀",
        "도움말",
        "매니저",
        "모두",
        "보안",
        "보안팀",
        "사이드프로",
        "사이드프로공식",
        "서비스",
        "스태프",
        "시스템",
        "어드민",
        "운영자",
        "운영진",
        "운영팀",
        "지원팀",
        "총관리자",
        "최고관리자",
    ]
)
"""Names that suggest an official account, without `_` and `-`."""

_DIGITS_AS_LETTERS = [str.maketrans("013457", f"o{one}east") for one in "il"]
_MIN_RESERVED_VARIANT = 4
"""Reserved names of this length are refused with digits for letters, too: `adm1n`."""


def check_username(value: str, validator: Validator, *, allow_reserved: bool = False) -> str:
    """The username in NFC: 2 to 30 letters of any script, digits, `_` and `-`.

    Combining marks of scripts such as Devanagari and Thai count as letters, but not in first
    place, and at most four on a letter. Confusable names are refused at the level "highly
    restrictive" of Unicode Technical Standard #39: all letters belong to one script, or to the
    scripts that Japanese, Chinese or Korean use together with Latin. All digits belong to one
    script. Reserved names are refused also with `_` and `-` in them, and
    with digits for letters.
    """
    username = normalize(value[: 4 * USERNAME_LENGTH[1] + 16])
    folded = casefold_key(username)
    if violation := wrong_length(len(username), *USERNAME_LENGTH):
        validator.add(violation, "username")
    elif not all(map(_is_name_char, username + folded)) or is_mark(username[0]):
        validator.add(
            Violation(FieldCode.BAD_CHARACTERS, "must consist of letters, digits, _ and -"),
            "username",
        )
    elif has_excessive_marks(username, MAX_NAME_MARKS):
        validator.add(too_many_marks(MAX_NAME_MARKS), "username")
    elif not _is_of_one_writing_system(folded):
        validator.add(
            Violation(
                FieldCode.MIXED_SCRIPTS, "must not mix alphabets, such as Latin and Cyrillic"
            ),
            "username",
        )
    elif len({ord(char) - unicodedata.digit(char) for char in folded if char.isdecimal()}) > 1:
        validator.add(
            Violation(FieldCode.MIXED_SCRIPTS, "must not mix digits of several scripts"),
            "username",
        )
    elif not allow_reserved and _is_reserved(folded.replace("_", "").replace("-", "")):
        validator.add(Violation(FieldCode.RESERVED, "is reserved"), "username")
    return username


def _is_reserved(name: str) -> bool:
    spellings = {name.translate(table) for table in _DIGITS_AS_LETTERS}
    return name in RESERVED or any(
        len(spelling) >= _MIN_RESERVED_VARIANT for spelling in spellings & RESERVED
    )


def _is_name_char(char: str) -> bool:
    if is_invisible(char):
        return False
    category = unicodedata.category(char)
    return category[0] == "L" or category in ("Nd", "Mn", "Mc") or char in "_-"


def _is_of_one_writing_system(folded: str) -> bool:
    scripts = {
        unicodedata.name(char, "").partition(" ")[0]
        for char in folded
        # Marks, and modifier letters such as the long vowel of Katakana, occur in many scripts.
        if unicodedata.category(char) in ("Ll", "Lo", "Lt", "Lu")
    }
    return len(scripts) < 2 or any(scripts <= together for together in _SCRIPTS_USED_TOGETHER)
