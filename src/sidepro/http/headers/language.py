"""The language that a client prefers."""

from sidepro.domain.language import DEFAULT_LANGUAGE, Language
from sidepro.http.headers.weights import weighted

MAX_HEADER = 500
"""Characters of an `Accept-Language` header that are read."""


def preferred_language(accept_language: str) -> Language:
    """The best language of an `Accept-Language` header (RFC 9110, section 12.5.4)."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for tag, quality in weighted(accept_language[:MAX_HEADER]):
        primary = tag.partition("-")[0]
        if primary in tuple(Language) and quality > best_quality:
            best, best_quality = Language(primary), quality
    return best
