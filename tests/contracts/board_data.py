"""What the tests of the board readers share."""

import unicodedata

from sidepro.domain.pagination import (
    PageRequest,
)

EVERYTHING = PageRequest(100)


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
