"""Content negotiation: whether an `Accept` header field takes JSON (RFC 9110, section 12.5.1)."""

from collections.abc import Iterable

from sidepro.http.headers.weights import weighted
from sidepro.http.problems.documents import MEDIA_TYPE


def accepts_json(lines: Iterable[str]) -> bool:
    """Whether `application/json` is acceptable.

    The most specific range decides, in any position. A client that accepts only the media type of
    problems is served too.
    """
    qualities: dict[str, float] = {}
    for line in lines:
        for name, quality in weighted(line):
            qualities[name] = max(qualities.get(name, 0.0), quality)
    if not qualities:
        return True
    for name in ("application/json", MEDIA_TYPE, "application/*", "*/*"):
        if name in qualities:
            return qualities[name] > 0
    return False
