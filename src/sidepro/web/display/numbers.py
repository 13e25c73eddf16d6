"""Short numbers for dense places: 1.2만, 12K; 340 KB, 1.2 MB."""

from typing import Final

from sidepro.domain.language import Language

FULL_BELOW: Final = 10_000
"""Smaller numbers are shown in full."""

_UNITS: Final = {
    Language.KOREAN: ((100_000_000, "억"), (10_000, "만")),
    Language.ENGLISH: ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")),
}


def short(number: int, language: Language) -> str:
    """The number, rounded down: with one decimal below ten units.

    short(9_999, …) is 9,999; short(12_345, …) is 1.2만 or 12K; short(1_234_567, …) 123만 or 1.2M.
    """
    if number < FULL_BELOW:
        return f"{number:,}"
    value, unit = next(each for each in _UNITS[language] if number >= each[0])
    whole, tenth = number // value, number % value * 10 // value
    return f"{whole:,}.{tenth}{unit}" if whole < 10 and tenth else f"{whole:,}{unit}"


_BYTES: Final = ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"))


def data_size(size: int) -> str:
    """A number of bytes, rounded down: with one decimal below ten units. No line breaks within it.

    data_size(2_000) is 1.9 KB; data_size(500 * 2**20) is 500 MB.
    """
    for value, unit in _BYTES:
        if size >= value:
            whole, tenth = size // value, size % value * 10 // value
            number = f"{whole}.{tenth}" if whole < 10 and tenth else f"{whole}"
            return f"{number}\N{NO-BREAK SPACE}{unit}"
    return f"{size}\N{NO-BREAK SPACE}B"
