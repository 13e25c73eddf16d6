"""Content negotiation: whether an `Accept` header field takes JSON (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterable

from sidepro.http.problems.documents import MEDIA_TYPE

_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def accepts_json(lines: Iterable[str]) -> bool:
    """Whether `application/json` is acceptable.

    The most specific range decides, in any position. A client that accepts only the media type of
    problems is served too. Parameters other than `q` and empty fields are ignored.
    """
    qualities: dict[str, float] = {}
    for line in lines:
        for element in line.split(","):
            media_range, *parameters = element.split(";")
            name = media_range.strip().lower()
            if name:
                qualities[name] = max(qualities.get(name, 0.0), _quality(parameters))
    if not qualities:
        return True
    for name in ("application/json", MEDIA_TYPE, "application/*", "*/*"):
        if name in qualities:
            return qualities[name] > 0
    return False


def _quality(parameters: list[str]) -> float:
    """The weight; 1 if it is missing or malformed."""
    for parameter in parameters:
        found = _QUALITY.fullmatch(parameter)
        if found:
            return float(found[1])
    return 1.0
