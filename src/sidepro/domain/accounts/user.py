"""A person with an account, and what makes a good username and password."""

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
from sidepro.domain.validation import Validator

USERNAME_LENGTH = (2, 30)
MAX_NAME_MARKS = 4
PASSWORD_LENGTH = (8, 128)
MAX_RAW_PASSWORD = 8 * PASSWORD_LENGTH[1]
"""Characters that no password has more of, in whatever form it is typed."""

MAX_EMAIL = 254
"""RFC 5321, 4.5.3.1.3: a path of 256 octets with its two brackets."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account. Email and username are kept as typed (in NFC) and are unique in
    their folded form.
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
        """The form in which emails are compared."""
        return casefold_key(self.email)

    @property
    def username_key(self) -> str:
        """The form in which usernames are compared."""
        return casefold_key(self.username)


def check_username(value: str, rules: Validator) -> str:
    """The username in NFC: 2 to 30 letters of any script, digits, `_` and `-`.

    Combining marks count as letters where their script needs them (Devanagari, Thai), and never
    come first. What is made to be taken for another name is refused, after Unicode Technical
    Standard #39: letters of Latin, Greek and Cyrillic in one word, digits of several scripts, and
    more than four marks on a letter.
    """
    username = normalize(value[: 4 * USERNAME_LENGTH[1] + 16])
    folded = casefold_key(username)
    shortest, longest = USERNAME_LENGTH
    if not shortest <= len(username) <= longest:
        rules.add(f"must have {shortest} to {longest} characters", "username")
    elif not all(map(_in_a_name, username + folded)) or is_mark(username[0]):
        rules.add("must consist of letters, digits, _ and -", "username")
    elif has_excessive_marks(username, MAX_NAME_MARKS):
        rules.add(f"must not have more than {MAX_NAME_MARKS} marks on one letter", "username")
    elif any(len(_alphabets(word)) > 1 for word in re.split(r"[\d_-]+", folded)):
        rules.add("must not mix Latin, Greek and Cyrillic letters in one word", "username")
    elif len({ord(char) - unicodedata.digit(char) for char in folded if char.isdecimal()}) > 1:
        rules.add("must not mix digits of several scripts", "username")
    return username


def _in_a_name(char: str) -> bool:
    if is_invisible(char):
        return False
    category = unicodedata.category(char)
    return category[0] == "L" or category in ("Nd", "Mn", "Mc") or char in "_-"


def _alphabets(word: str) -> set[str]:
    """Which of the alphabets that look alike the letters are of."""
    names = {unicodedata.name(char, "").partition(" ")[0] for char in word}
    return names & {"LATIN", "GREEK", "CYRILLIC"}


def check_password_length(value: str, rules: Validator, field: str = "password") -> None:
    """Note a fault unless the password has 8 to 128 characters after NFC. It is not trimmed."""
    shortest, longest = PASSWORD_LENGTH
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        rules.add("must not contain NUL or unpaired surrogates", field)
    elif not shortest <= len(normalize(value[:MAX_RAW_PASSWORD])) <= longest:
        rules.add(f"must have {shortest} to {longest} characters", field)


def check_password_strength(
    password: str, *, email: str, username: str, is_common: bool, field: str = "password"
) -> None:
    """Refuse a password that somebody who knows the person would try first.

    The email's local part, the whole email and the username count when they have four characters
    or more, compared in folded form.

    Raises:
        WeakPassword: it is a common one, or contains the user's email or name.
    """
    pointer = f"/{field}"
    if is_common:
        raise WeakPassword(FieldError("is one of the most common passwords", pointer))
    folded = casefold_key(password)
    for own in (email, email.partition("@")[0], username):
        if len(own) >= 4 and casefold_key(own) in folded:
            raise WeakPassword(FieldError("must not contain your email or username", pointer))
