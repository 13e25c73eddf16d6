"""Validation of input: collects every error, so that a client sees all of them at once."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.text import MAX_MARKS, has_excessive_marks, is_invisible, normalize
from sidepro.domain.violations import (
    BLANK,
    LISTED_TWICE,
    NOT_A_URL,
    NOT_IN_CATALOGUE,
    NOT_ONE_LINE,
    UNSTORABLE,
    Violation,
    too_many_marks,
    wrong_length,
)

# These change the direction of all text that follows (Unicode Standard Annex #9), even of other
# people's text on the same page.
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def text_error(
    text: str, max_length: int, *, min_length: int = 1, one_line: bool = False
) -> Violation | None:
    """Why a text in NFC cannot be stored, or `None`.

    Lengths are in code points. NUL and unpaired surrogates are errors: no store can keep them.
    One-line texts also exclude other control characters, line separators and overrides of the
    writing direction. A text with a minimum length must have a visible character.
    """
    # Check the length first: the scans are slow on long texts. An empty text is blank.
    if len(text) > max_length:
        return wrong_length(len(text), min_length, max_length)
    if not text.isprintable():  # printable text has none of these characters
        if _UNSTORABLE.search(text):
            return UNSTORABLE
        if one_line and any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTION_OVERRIDES
            for char in set(text)
        ):
            return NOT_ONE_LINE
    if min_length and all(map(is_invisible, set(text))):
        return BLANK
    return wrong_length(len(text), min_length, max_length)


def errors_of(check: Callable[[], object]) -> tuple[FieldError, ...]:
    """The errors of a check, to tell them together with others."""
    try:
        check()
    except InvalidInput as error:
        return error.errors
    return ()


class Validator:
    """Collects the errors of one input.

    Fields are members of the body or, with `parameters=True`, query parameters.
    """

    def __init__(self, *, parameters: bool = False) -> None:
        self._parameters = parameters
        self.errors: list[FieldError] = []

    def add(self, violation: Violation, field: str) -> None:
        """Add an error of a field, such as `title` or `skills/3`."""
        if self._parameters:
            self.errors.append(FieldError(violation, parameter=field))
        else:
            self.errors.append(FieldError(violation, pointer=f"/{field}"))

    def raise_errors(self) -> None:
        """Raise `InvalidInput` with the collected errors, if there are any."""
        if self.errors:
            raise InvalidInput(*self.errors)

    def text(
        self,
        value: str,
        field: str,
        max_length: int,
        *,
        min_length: int = 1,
        one_line: bool = False,
    ) -> str:
        """The text in NFC, checked by `text_error`."""
        # NFC composes at most four code points into one, so this bounds the work on long input.
        value = value[: 4 * max_length + 4]
        if has_excessive_marks(value):
            self.add(too_many_marks(MAX_MARKS), field)
            return value
        text = normalize(value)
        violation = text_error(text, max_length, min_length=min_length, one_line=one_line)
        if violation:
            self.add(violation, field)
        return text

    def choices(
        self,
        values: Sequence[str],
        field: str,
        known: Sequence[str],
        *,
        minimum: int,
        maximum: int,
    ) -> tuple[str, ...]:
        """Distinct values from `known`, in the order of `known`."""
        violation = wrong_length(len(values), minimum, maximum, "items")
        if violation:
            self.add(violation, field)
        positions = {name: position for position, name in enumerate(known)}
        seen: set[str] = set()
        for index, value in enumerate(values[: maximum + 1]):
            if value not in positions:
                self.add(NOT_IN_CATALOGUE, f"{field}/{index}")
            elif value in seen:
                self.add(LISTED_TWICE, f"{field}/{index}")
            seen.add(value)
        return tuple(sorted(seen & positions.keys(), key=positions.__getitem__))

    def choice(self, value: str | None, field: str, known: Sequence[str]) -> str | None:
        """A value from `known`, or `None`."""
        if value is not None and value not in known:
            self.add(NOT_IN_CATALOGUE, field)
        return value

    def web_address(self, value: str | None, field: str, max_length: int) -> str | None:
        """An absolute http or https URL without credentials or surrounding blanks.

        `None` for `None` and for a blank text, which forms send for an empty field.
        """
        value = value and value.strip()
        if not value:
            return None
        errors_before = len(self.errors)
        address = self.text(value, field, max_length, one_line=True)
        if len(self.errors) == errors_before and not _is_web_address(address):
            self.add(NOT_A_URL, field)
        return address


def _is_web_address(address: str) -> bool:
    if any(is_invisible(char) or char in '\\<>"' for char in address):
        return False
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises ValueError for a malformed port
    except ValueError:
        return False
    has_host = bool((parts.hostname or "").strip("."))
    return parts.scheme in ("http", "https") and has_host and "@" not in parts.netloc
