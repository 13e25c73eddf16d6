"""A person with an account, and what makes a good username and password."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.errors import Fault, WeakPassword
from sidepro.domain.ids import UserId
from sidepro.domain.text import (
    fold,
    is_invisible,
    is_mark,
    normal,
    piles_up_marks,
)
from sidepro.domain.validation import Rules

USERNAME_LENGTH = (2, 30)
MARKS_IN_A_NAME = 4
PASSWORD_LENGTH = (8, 128)
PASSWORD_AS_TYPED = 8 * PASSWORD_LENGTH[1]
"""Characters that no password has more of, in whatever form it is typed."""

EMAIL_LONGEST = 254
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
        return fold(self.email)

    @property
    def username_key(self) -> str:
        """The form in which usernames are compared."""
        return fold(self.username)


def check_username(value: str, rules: Rules) -> str:
    """The username in NFC: 2 to 30 letters of any script, digits, `_` and `-`.

    Combining marks count as letters where their script needs them (Devanagari, Thai), and never
    come first. What is made to be taken for another name is refused, after Unicode Technical
    Standard #39: letters of Latin, Greek and Cyrillic in one word, digits of several scripts, and
    more than four marks on a letter.
    """
    username = normal(value[: 4 * USERNAME_LENGTH[1] + 16])
    folded = fold(username)
    shortest, longest = USERNAME_LENGTH
    if not shortest <= len(username) <= longest:
        rules.fault(f"must have {shortest} to {longest} characters", "username")
    elif not all(map(_in_a_name, username + folded)) or is_mark(username[0]):
        rules.fault("must consist of letters, digits, _ and -", "username")
    elif piles_up_marks(username, MARKS_IN_A_NAME):
        rules.fault(f"must not have more than {MARKS_IN_A_NAME} marks on one letter", "username")
    elif any(len(_alphabets(word)) > 1 for word in re.split(r"[\d_-]+", folded)):
        rules.fault("must not mix Latin, Greek and Cyrillic letters in one word", "username")
    elif len({ord(char) - unicodedata.digit(char) for char in folded if char.isdecimal()}) > 1:
        rules.fault("must not mix digits of several scripts", "username")
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


def check_password_length(value: str, rules: Rules, field: str = "password") -> None:
    """Note a fault unless the password has 8 to 128 characters after NFC. It is not trimmed."""
    shortest, longest = PASSWORD_LENGTH
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        rules.fault("must not contain NUL or unpaired surrogates", field)
    elif not shortest <= len(normal(value[:PASSWORD_AS_TYPED])) <= longest:
        rules.fault(f"must have {shortest} to {longest} characters", field)


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
        raise WeakPassword(Fault("is one of the most common passwords", pointer))
    folded = fold(password)
    for own in (email, email.partition("@")[0], username):
        if len(own) >= 4 and fold(own) in folded:
            raise WeakPassword(Fault("must not contain your email or username", pointer))
