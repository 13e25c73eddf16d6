"""Validation of input: collects every error, so that a client sees all of them at once."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from sidepro.domain.errors import Fault, InvalidInput
from sidepro.domain.text import MARKS_IN_A_ROW, is_invisible, normal, piles_up_marks

# What turns the direction of the text behind it (Unicode Standard Annex #9), perhaps that of
# somebody else's words on the same page.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_STORED_NOWHERE = re.compile(r"[\0\ud800-\udfff]")


def what_is_wrong(text: str, longest: int, *, shortest: int = 1, one_line: bool) -> str | None:
    """What keeps a text in NFC from being stored, or `None`.

    Lengths are code points. A text that must have at least one character must show something. NUL
    and unpaired surrogates are refused everywhere (no store can keep them); other control
    characters, line separators and overrides of the writing direction in one-line texts.
    """
    if not text.isprintable():  # else there is none of all these
        if _STORED_NOWHERE.search(text):
            return "must not contain NUL or unpaired surrogates"
        if one_line and any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTIONS
            for char in text
        ):
            return "must be one line without control characters"
    if shortest and all(map(is_invisible, text)):
        return "must not be blank"
    if not shortest <= len(text) <= longest:
        return f"must have {shortest} to {longest} characters"
    return None


class Rules:
    """Collects the faults of one input, so that a client hears of all of them at once.

    Fields are members of the body, or with `parameters=True` parameters of the query.
    """

    def __init__(self, *, parameters: bool = False) -> None:
        self._parameters = parameters
        self.faults: list[Fault] = []

    def fault(self, detail: str, field: str) -> None:
        """Note that something is wrong with a field, such as `title` or `skills/3`."""
        if self._parameters:
            self.faults.append(Fault(detail, parameter=field))
        else:
            self.faults.append(Fault(detail, pointer=f"/{field}"))

    def enforce(self) -> None:
        """Raise `InvalidInput` with everything collected, if anything was."""
        if self.faults:
            raise InvalidInput(*self.faults)

    def text(
        self, value: str, field: str, longest: int, *, shortest: int = 1, one_line: bool = False
    ) -> str:
        """The text in NFC, checked as `what_is_wrong` says."""
        # Composition shortens a text to a quarter at the most: this bounds the work beforehand.
        value = value[: 4 * longest + 4]
        if piles_up_marks(value):
            self.fault(f"must not have more than {MARKS_IN_A_ROW} marks on one letter", field)
            return value
        text = normal(value)
        detail = what_is_wrong(text, longest, shortest=shortest, one_line=one_line)
        if detail:
            self.fault(detail, field)
        return text

    def choices(
        self, values: Sequence[str], field: str, known: Sequence[str], *, least: int, most: int
    ) -> tuple[str, ...]:
        """Distinct values out of `known`, put into the order of `known`."""
        if not least <= len(values) <= most:
            self.fault(f"must have {least} to {most} items", field)
        places = {name: place for place, name in enumerate(known)}
        seen: set[str] = set()
        for index, value in enumerate(values[: most + 1]):
            if value not in places:
                self.fault("is not in the catalogue", f"{field}/{index}")
            elif value in seen:
                self.fault("is given twice", f"{field}/{index}")
            seen.add(value)
        return tuple(sorted(seen & places.keys(), key=places.__getitem__))

    def choice(self, value: str | None, field: str, known: Sequence[str]) -> str | None:
        """A value out of `known`, or `None`."""
        if value is not None and value not in known:
            self.fault("is not in the catalogue", field)
        return value

    def web_address(self, value: str | None, field: str, longest: int) -> str | None:
        """An absolute http or https address of at most `longest` characters, or `None`."""
        if value is None:
            return None
        before = len(self.faults)
        address = self.text(value, field, longest, one_line=True)
        if len(self.faults) > before:
            return address
        try:
            parts = urlsplit(address)
            _ = parts.port  # raises ValueError when it is none
            sound = parts.scheme in ("http", "https") and bool((parts.hostname or "").strip("."))
            sound = sound and "@" not in parts.netloc
        except ValueError:
            sound = False
        if not sound or any(is_invisible(char) or char in '\\<>"' for char in address):
            self.fault("must be an http or https address", field)
        return address
