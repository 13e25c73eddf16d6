"""Validation of input: collects every error, so that a client sees all of them at once."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.text import MAX_MARKS, has_excessive_marks, is_invisible, normalize

# What turns the direction of the text behind it (Unicode Standard Annex #9), perhaps that of
# somebody else's words on the same page.
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def text_error(text: str, longest: int, *, shortest: int = 1, one_line: bool) -> str | None:
    """What keeps a text in NFC from being stored, or `None`.

    Lengths are code points. A text that must have at least one character must show something. NUL
    and unpaired surrogates are refused everywhere (no store can keep them); other control
    characters, line separators and overrides of the writing direction in one-line texts.
    """
    if not text.isprintable():  # else there is none of all these
        if _UNSTORABLE.search(text):
            return "must not contain NUL or unpaired surrogates"
        if one_line and any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTION_OVERRIDES
            for char in text
        ):
            return "must be one line without control characters"
    if shortest and all(map(is_invisible, text)):
        return "must not be blank"
    if not shortest <= len(text) <= longest:
        return f"must have {shortest} to {longest} characters"
    return None


class Validator:
    """Collects the faults of one input, so that a client hears of all of them at once.

    Fields are members of the body, or with `parameters=True` parameters of the query.
    """

    def __init__(self, *, parameters: bool = False) -> None:
        self._parameters = parameters
        self.errors: list[FieldError] = []

    def add(self, detail: str, field: str) -> None:
        """Note that something is wrong with a field, such as `title` or `skills/3`."""
        if self._parameters:
            self.errors.append(FieldError(detail, parameter=field))
        else:
            self.errors.append(FieldError(detail, pointer=f"/{field}"))

    def raise_errors(self) -> None:
        """Raise `InvalidInput` with everything collected, if anything was."""
        if self.errors:
            raise InvalidInput(*self.errors)

    def text(
        self, value: str, field: str, longest: int, *, shortest: int = 1, one_line: bool = False
    ) -> str:
        """The text in NFC, checked as `text_error` says."""
        # Composition shortens a text to a quarter at the most: this bounds the work beforehand.
        value = value[: 4 * longest + 4]
        if has_excessive_marks(value):
            self.add(f"must not have more than {MAX_MARKS} marks on one letter", field)
            return value
        text = normalize(value)
        detail = text_error(text, longest, shortest=shortest, one_line=one_line)
        if detail:
            self.add(detail, field)
        return text

    def choices(
        self, values: Sequence[str], field: str, known: Sequence[str], *, least: int, most: int
    ) -> tuple[str, ...]:
        """Distinct values out of `known`, put into the order of `known`."""
        if not least <= len(values) <= most:
            self.add(f"must have {least} to {most} items", field)
        places = {name: place for place, name in enumerate(known)}
        seen: set[str] = set()
        for index, value in enumerate(values[: most + 1]):
            if value not in places:
                self.add("is not in the catalogue", f"{field}/{index}")
            elif value in seen:
                self.add("is given twice", f"{field}/{index}")
            seen.add(value)
        return tuple(sorted(seen & places.keys(), key=places.__getitem__))

    def choice(self, value: str | None, field: str, known: Sequence[str]) -> str | None:
        """A value out of `known`, or `None`."""
        if value is not None and value not in known:
            self.add("is not in the catalogue", field)
        return value

    def web_address(self, value: str | None, field: str, longest: int) -> str | None:
        """An absolute http or https address of at most `longest` characters, or `None`."""
        if value is None:
            return None
        before = len(self.errors)
        address = self.text(value, field, longest, one_line=True)
        if len(self.errors) > before:
            return address
        try:
            parts = urlsplit(address)
            _ = parts.port  # raises ValueError when it is none
            sound = parts.scheme in ("http", "https") and bool((parts.hostname or "").strip("."))
            sound = sound and "@" not in parts.netloc
        except ValueError:
            sound = False
        if not sound or any(is_invisible(char) or char in '\\<>"' for char in address):
            self.add("must be an http or https address", field)
        return address
