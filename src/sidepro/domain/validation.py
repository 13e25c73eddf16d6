"""Validation of input: collects every error, so that a client sees all of them at once."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.text import MAX_MARKS, has_excessive_marks, is_invisible, normalize

# These change the direction of all text that follows (Unicode Standard Annex #9), even of other
# people's text on the same page.
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def text_error(
    text: str, max_length: int, *, min_length: int = 1, one_line: bool = False
) -> str | None:
    """Why a text in NFC cannot be stored, or `None`.

    Lengths are in code points. No store can keep NUL and unpaired surrogates. One-line texts also
    exclude other control characters, line separators and overrides of the writing direction. A
    text with a minimum length must have a visible character.
    """
    # The length first: the scans are slow on long texts. A text that is empty is blank.
    if len(text) > max_length:
        return length_error(len(text), min_length, max_length)
    if not text.isprintable():  # printable text has none of these characters
        if _UNSTORABLE.search(text):
            return "must not contain NUL or unpaired surrogates"
        if one_line and any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTION_OVERRIDES
            for char in set(text)
        ):
            return "must be one line without control characters"
    if min_length and all(map(is_invisible, set(text))):
        return "must not be blank"
    return length_error(len(text), min_length, max_length)


def length_error(length: int, minimum: int, maximum: int, unit: str = "characters") -> str | None:
    """Why a length is out of bounds, or `None`."""
    if minimum <= length <= maximum:
        return None
    return f"must have {f'{minimum} to' if minimum else 'at most'} {maximum:,} {unit}"


class Validator:
    """Collects the errors of one input.

    Fields are members of the body or, with `parameters=True`, query parameters.
    """

    def __init__(self, *, parameters: bool = False) -> None:
        self._parameters = parameters
        self.errors: list[FieldError] = []

    def add(self, detail: str, field: str) -> None:
        """Add an error of a field, such as `title` or `skills/3`."""
        if self._parameters:
            self.errors.append(FieldError(detail, parameter=field))
        else:
            self.errors.append(FieldError(detail, pointer=f"/{field}"))

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
            self.add(f"must not have more than {MAX_MARKS} marks on one letter", field)
            return value
        text = normalize(value)
        detail = text_error(text, max_length, min_length=min_length, one_line=one_line)
        if detail:
            self.add(detail, field)
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
        detail = length_error(len(values), minimum, maximum, "items")
        if detail:
            self.add(detail, field)
        positions = {name: position for position, name in enumerate(known)}
        seen: set[str] = set()
        for index, value in enumerate(values[: maximum + 1]):
            if value not in positions:
                self.add("is not in the catalogue", f"{field}/{index}")
            elif value in seen:
                self.add("is listed twice", f"{field}/{index}")
            seen.add(value)
        return tuple(sorted(seen & positions.keys(), key=positions.__getitem__))

    def choice(self, value: str | None, field: str, known: Sequence[str]) -> str | None:
        """A value from `known`, or `None`."""
        if value is not None and value not in known:
            self.add("is not in the catalogue", field)
        return value

    def web_address(self, value: str | None, field: str, max_length: int) -> str | None:
        """An absolute http or https URL without credentials and outer blanks.

        `None` for `None` and for a blank text, which forms send for an empty field.
        """
        value = value and value.strip()
        if not value:
            return None
        errors_before = len(self.errors)
        address = self.text(value, field, max_length, one_line=True)
        if len(self.errors) == errors_before and not _is_web_address(address):
            self.add("must be an http or https address", field)
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
