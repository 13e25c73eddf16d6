"""Users, and the rules for usernames and passwords."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.errors import FieldError, WeakPassword
from sidepro.domain.ids import UserId
from sidepro.domain.text import (
    casefold_key,
    has_excessive_marks,
    is_invisible,
    is_mark,
    normalize,
)
from sidepro.domain.validation import Validator, length_error

USERNAME_LENGTH = (2, 30)
MAX_NAME_MARKS = 4
PASSWORD_LENGTH = (8, 128)
MAX_RAW_PASSWORD = 8 * PASSWORD_LENGTH[1]
"""Code points before normalisation. NFC can shrink a text, but not by more than this factor."""

MAX_EMAIL = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them brackets."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account. Email and username are stored as typed (in NFC) and are unique
    when casefolded.
    """

    id: UserId
    email: str
    username: str
    password_hash: str
    is_admin: bool
    is_active: bool
    created_at: datetime

    @property
    def email_key(self) -> str:
        """The casefolded email, by which users are compared."""
        return casefold_key(self.email)

    @property
    def username_key(self) -> str:
        """The casefolded username, by which users are compared."""
        return casefold_key(self.username)


def check_username(value: str, validator: Validator) -> str:
    """The username in NFC: 2 to 30 letters of any script, digits, `_` and `-`.

    Combining marks of scripts such as Devanagari and Thai count as letters, except in first
    place. Confusable names are refused as in Unicode Technical Standard #39: Latin, Greek and
    Cyrillic letters in one word, digits of several scripts, more than four marks on a letter.
    """
    username = normalize(value[: 4 * USERNAME_LENGTH[1] + 16])
    folded = casefold_key(username)
    if detail := length_error(len(username), *USERNAME_LENGTH):
        validator.add(detail, "username")
    elif not all(map(_is_name_char, username + folded)) or is_mark(username[0]):
        validator.add("must consist of letters, digits, _ and -", "username")
    elif has_excessive_marks(username, MAX_NAME_MARKS):
        validator.add(f"must not have more than {MAX_NAME_MARKS} marks on one letter", "username")
    elif any(len(_alphabets(word)) > 1 for word in re.split(r"[\d_-]+", folded)):
        validator.add("must not mix Latin, Greek and Cyrillic letters in one word", "username")
    elif len({ord(char) - unicodedata.digit(char) for char in folded if char.isdecimal()}) > 1:
        validator.add("must not mix digits of several scripts", "username")
    return username


def _is_name_char(char: str) -> bool:
    if is_invisible(char):
        return False
    category = unicodedata.category(char)
    return category[0] == "L" or category in ("Nd", "Mn", "Mc") or char in "_-"


def _alphabets(word: str) -> set[str]:
    """Those of the confusable alphabets that the word has letters of."""
    names = {unicodedata.name(char, "").partition(" ")[0] for char in word}
    return names & {"LATIN", "GREEK", "CYRILLIC"}


def check_password_length(value: str, validator: Validator, field: str = "password") -> None:
    """Add an error unless the password has 8 to 128 characters in NFC. It is not trimmed."""
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        validator.add("must not contain NUL or unpaired surrogates", field)
    elif detail := length_error(len(normalize(value[:MAX_RAW_PASSWORD])), *PASSWORD_LENGTH):
        validator.add(detail, field)


def check_password_strength(
    password: str, *, email: str, username: str, is_common: bool, field: str = "password"
) -> None:
    """Refuse a password that is easy to guess.

    It must not contain the email, its local part or the username, compared casefolded, if they
    have at least four characters.

    Raises:
        WeakPassword: it is common, or contains the user's email or username.
    """
    pointer = f"/{field}"
    if is_common:
        raise WeakPassword(FieldError("is one of the most common passwords", pointer))
    folded = casefold_key(password)
    for personal in (email, email.partition("@")[0], username):
        if len(personal) >= 4 and casefold_key(personal) in folded:
            raise WeakPassword(FieldError("must not contain your email or username", pointer))
