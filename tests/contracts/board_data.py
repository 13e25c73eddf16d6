"""What the tests of the board readers share."""

from sidepro.domain.pagination import (
    PageRequest,
)

EVERYTHING = PageRequest(100)
