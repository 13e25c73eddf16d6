"""The rules for passwords: length and strength."""

from itertools import pairwise

from sidepro.domain.accounts.ports import CommonPasswords
from sidepro.domain.errors import FieldError, WeakPassword
from sidepro.domain.text import casefold_key, normalize
from sidepro.domain.validation import Validator
from sidepro.domain.violations import UNSTORABLE, FieldCode, Violation, wrong_length

PASSWORD_LENGTH = (8, 128)
MAX_RAW_PASSWORD = 8 * PASSWORD_LENGTH[1]
"""Code points before normalisation. NFC can shrink a text, but not by more than this factor."""

MIN_RUN = 4
"""A password that consists of runs is weak if their mean length is at least this."""

_KEY_ROWS = (
    # The number is the row's offset from the first row, in keys.
    (0.0, "`1234567890-=", "~!@#$%^&*()_+"),
    (1.5, "qwertyuiop[]\\", "qwertyuiop{}|"),
    (1.75, "asdfghjkl;'", 'asdfghjkl:"'),
    (2.25, "zxcvbnm,./", "zxcvbnm<>?"),
)
_DUBEOLSIK = dict(
    zip(
        "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ",
        "qwertyuiopasdfghjklzxcvbnm",
        strict=True,
    )
)
"""The Korean letters on the keys of a Latin keyboard."""

_KEYS = {
    char: (row, offset + column)
    for row, (offset, *layers) in enumerate(_KEY_ROWS)
    for layer in layers
    for column, char in enumerate(layer)
}
_KEYS |= {letter: _KEYS[key] for letter, key in _DUBEOLSIK.items()}


COMMON_PASSWORD = Violation(FieldCode.COMMON, "is one of the most common passwords")
_REPETITION = Violation(FieldCode.PREDICTABLE, "must not be a repetition")
_SEQUENCE = Violation(FieldCode.PREDICTABLE, "must not be a sequence or a keyboard walk")
_PERSONAL = Violation(FieldCode.PERSONAL, "must not contain your email or username")


def check_password_length(value: str, validator: Validator, field: str = "password") -> None:
    """Add an error unless the password has 8 to 128 characters in NFC. It is not trimmed."""
    if len(value) > MAX_RAW_PASSWORD:
        violation = wrong_length(len(value), *PASSWORD_LENGTH)
    elif "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        violation = UNSTORABLE
    else:
        violation = wrong_length(len(normalize(value)), *PASSWORD_LENGTH)
    if violation:
        validator.add(violation, field)


def check_password_strength(
    password: str,
    common: CommonPasswords,
    *,
    email: str,
    username: str,
    field: str = "password",
) -> None:
    """Refuse a password that is easy to guess.

    It must not be common, a repetition, a sequence or a keyboard walk, also with symbols around
    it. It must not contain the email, its local part or the username, compared casefolded, if they
    have at least four characters.

    Raises:
        WeakPassword: it breaks one of these rules.
    """
    pointer = f"/{field}"
    folded = casefold_key(password)
    core = _without_symbols_around(folded)
    if password in common or core in common:
        raise WeakPassword(FieldError(COMMON_PASSWORD, pointer))
    unit = _repeated_unit(folded)
    if len(unit) < len(folded) and (len(unit) <= MIN_RUN or unit in common or _is_pattern(unit)):
        raise WeakPassword(FieldError(_REPETITION, pointer))
    # NFC keeps single Korean letters. The comparison key composes them into syllables.
    if any(map(_is_pattern, (folded, core, normalize(password)))):
        raise WeakPassword(FieldError(_SEQUENCE, pointer))
    for personal in (email, email.partition("@")[0], username):
        if len(personal) >= 4 and casefold_key(personal) in folded:
            raise WeakPassword(FieldError(_PERSONAL, pointer))


def _without_symbols_around(text: str) -> str:
    """The text from its first to its last letter or digit, if that is most of it."""
    places = [place for place, char in enumerate(text) if char.isalnum()]
    core = text[places[0] : places[-1] + 1] if places else ""
    return core if 2 * len(core) > len(text) else text


def _repeated_unit(text: str) -> str:
    """The shortest unit that this text repeats, such as `ab` for `ababab`."""
    return text[: (text + text).find(text, 1)]


def _is_pattern(text: str) -> bool:
    """Whether the text consists of sequences (`abcd`, `9876`) and keyboard walks (`qwer`)."""
    runs = 1
    step: int | None = None
    for previous, char in pairwise(text):
        following = _sequence_step(previous, char)
        if following is not None and step in (None, following):
            step = following
        elif _are_neighbours(previous, char):
            step = None
        else:
            runs += 1
            step = None
    return len(text) >= MIN_RUN * runs


def _sequence_step(previous: str, char: str) -> int | None:
    """1 or -1 if the characters follow one another, also from 9 to 0; 0 if they are the same."""
    if (previous, char) in (("9", "0"), ("0", "9")):
        return 1 if char == "0" else -1
    step = ord(char) - ord(previous)
    return step if -1 <= step <= 1 else None


def _are_neighbours(one: str, other: str) -> bool:
    if one not in _KEYS or other not in _KEYS:
        return False
    (row, column), (other_row, other_column) = _KEYS[one], _KEYS[other]
    return abs(row - other_row) <= 1 and abs(column - other_column) <= 1
