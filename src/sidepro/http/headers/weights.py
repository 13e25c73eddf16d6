"""Weights in header fields such as `Accept` and `Accept-Language` (RFC 9110, section 12.4.2)."""

import re
from collections.abc import Iterable, Iterator

_NUMBER = re.compile(r"[0-9]{1,4}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}")
"""More than the RFC allows: Java's HttpURLConnection sends `q=.2`."""


def weighted(field: str) -> Iterator[tuple[str, float]]:
    """The elements of a header field in lower case, with weights from 0 to 1.

    An element without `q` has the weight 1. One with a malformed `q` is left out, as are empty
    ones. Other parameters are ignored.
    """
    for element in field.split(","):
        name, *parameters = element.split(";")
        weight = _weight(parameters)
        if name.strip() and weight is not None:
            yield name.strip().lower(), weight


def _weight(parameters: Iterable[str]) -> float | None:
    """The weight; `None` if it is malformed."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return min(float(value), 1.0) if _NUMBER.fullmatch(value.strip()) else None
    return 1.0
