"""Examples of problems in the OpenAPI document."""

from datetime import UTC, datetime

from sidepro.domain.accounts.password import COMMON_PASSWORD
from sidepro.domain.errors import (
    AccountSuspended,
    BadImage,
    CannotChatWithYourself,
    FieldError,
    ImageQuota,
    InvalidInput,
    InvalidToken,
    RateLimited,
    SideProError,
    TokenProblem,
    WeakPassword,
    WrongPassword,
)
from sidepro.domain.rate_limiting import Limit
from sidepro.domain.violations import BLANK, OVER_QUOTA, WRONG, YOURSELF, FieldCode, Violation

_TOO_LARGE = Violation(FieldCode.TOO_LARGE, "must be an integer of at most 100", {"max": 100})
_TOO_MANY_PIXELS = Violation(
    FieldCode.TOO_MANY_PIXELS, "has more than 40,000,000 pixels", {"max": 40_000_000}
)

PROBLEMS: dict[type[SideProError], tuple[SideProError, ...]] = {
    InvalidInput: (
        InvalidInput(FieldError(BLANK, pointer="/title")),
        InvalidInput(FieldError(_TOO_LARGE, parameter="limit")),
    ),
    WeakPassword: (WeakPassword(FieldError(COMMON_PASSWORD, "/password")),),
    WrongPassword: (WrongPassword(FieldError(WRONG, pointer="/current_password")),),
    BadImage: (
        BadImage(FieldError(Violation(FieldCode.BAD_IMAGE, "is truncated"), "/file")),
        BadImage(FieldError(_TOO_MANY_PIXELS, "/file")),
    ),
    ImageQuota: (ImageQuota(FieldError(OVER_QUOTA, "/file")),),
    AccountSuspended: (AccountSuspended(datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),),
    RateLimited: (RateLimited(Limit("default", 600, 60).allowance(60.1)),),
    InvalidToken: tuple(map(InvalidToken, TokenProblem)),
    CannotChatWithYourself: (CannotChatWithYourself(FieldError(YOURSELF, "/user_id")),),
}
"""Errors with arguments. The document shows all other errors without arguments."""
