"""The tree of domain errors. Each leaf has a stable `code` that clients may rely on.

    SideProError
    ├── InvalidInput                invalid              the input breaks a rule
    │   ├── WeakPassword            weak-password
    │   ├── WrongPassword           wrong-password       the caller's password, asked again
    │   ├── InvalidToken            invalid-token        of a mail: expired, superseded, unknown
    │   ├── CannotChatWithYourself  cannot-chat-with-yourself
    │   ├── BadImage                bad-image            broken, empty, too many pixels
    │   ├── ImageQuota              image-quota          the caller's image quota is used up
    │   └── IdempotencyKeyReused    idempotency-key-reused   used for other content
    ├── BadCursor                   bad-cursor           forged, or made for another list
    ├── UnsupportedImageType        unsupported-media-type
    ├── NotAuthenticated            not-authenticated    no token, or one that is not valid
    │   ├── WrongCredentials        wrong-credentials    unknown email or wrong password
    │   └── SessionEnded            session-ended        the refresh token is not valid
    ├── Forbidden                   forbidden            visible, but not the caller's to change
    │   ├── EmailNotVerified        email-not-verified   verify the address first
    │   ├── AccountDeactivated      account-deactivated
    │   ├── AccountSuspended        account-suspended    until a time, by moderators
    │   └── ChatClosed              chat-closed          this person takes no chat from the caller
    ├── NotFound                    not-found            absent, or not visible to the caller
    ├── Conflict
    │   ├── EmailTaken              email-taken
    │   ├── UsernameTaken           username-taken
    │   ├── NoProfile               no-profile           a partial edit without a profile
    │   ├── ImageInUse              image-in-use         something shows the image
    │   ├── RoomPending             room-pending         nobody can write in the room
    │   ├── CaseChanged             case-changed         another moderator acted first
    │   ├── ConsentRequired         consent-required     a chat with this person needs a request
    │   ├── RequestSettled          request-settled      the chat request was answered already
    │   ├── TooManyRequestsPending  too-many-requests-pending
    │   └── IdempotencyKeyInUse     idempotency-key-in-use   the first request still runs
    ├── PreconditionFailed          precondition-failed  edited by somebody else since
    ├── RateLimited                 rate-limited         too many requests; retry later
    └── Unavailable                 unavailable          a store is unreachable; retry

The drivers map each class to an HTTP status or to a socket close code.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from sidepro.domain.rate_limiting import Allowance
from sidepro.domain.violations import NOT_VALID, Violation


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error of one field of the input.

    `pointer` is a JSON pointer (RFC 6901) into the body, such as `/skills/3`. `parameter` is the
    name of a query parameter or header. At most one of the two is set. Neither means the whole
    body.
    """

    violation: Violation
    pointer: str | None = None
    parameter: str | None = None

    @property
    def sentence(self) -> str:
        """The detail with its subject: `title must not be blank`."""
        subject = self.parameter or (self.pointer or "").lstrip("/")
        return f"{subject or 'This'} {self.violation.detail}"


class SideProError(Exception):
    """The root. `detail` is a sentence for people, without internals."""

    code: ClassVar[str] = "internal"
    detail: str = "Something went wrong."

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class InvalidInput(SideProError):
    """The input breaks one or more rules. `errors` lists all of them."""

    code = "invalid"
    detail = "The request is not valid."

    def __init__(self, *errors: FieldError, detail: str | None = None) -> None:
        if detail is None and len(errors) == 1:
            detail = errors[0].sentence
        super().__init__(detail)
        self.errors = errors


class WeakPassword(InvalidInput):
    """The password is well-formed but easy to guess."""

    code = "weak-password"


class WrongPassword(InvalidInput):
    """The password that the caller repeats for a sensitive action is wrong."""

    code = "wrong-password"


class TokenProblem(StrEnum):
    """Why the token of a mail is not valid. Clients may rely on the values."""

    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class InvalidToken(InvalidInput):
    """The token of a mail is unknown or used, has expired, or was superseded: by a newer mail, or
    because the address or the password has changed since.
    """

    code = "invalid-token"
    detail = "This token is not valid."

    def __init__(self, reason: TokenProblem = TokenProblem.UNKNOWN) -> None:
        super().__init__(FieldError(NOT_VALID, pointer="/token"), detail=self.detail)
        self.reason = reason


class CannotChatWithYourself(InvalidInput):
    """A room needs two people."""

    code = "cannot-chat-with-yourself"


class BadImage(InvalidInput):
    """The image is broken, empty, a polyglot file, or has too many pixels or frames."""

    code = "bad-image"


class ImageQuota(InvalidInput):
    """The image would exceed the quota of the caller's images in bytes."""

    code = "image-quota"


class IdempotencyKeyReused(InvalidInput):
    """The idempotency key was used before, with other content."""

    code = "idempotency-key-reused"
    detail = "This Idempotency-Key was already used for another request."


class BadCursor(SideProError):
    """The cursor is forged, or was made for another list or other filters."""

    code = "bad-cursor"
    detail = "The cursor does not belong to this list."


class UnsupportedImageType(SideProError):
    """By its content, the file is not an image of a supported type."""

    code = "unsupported-media-type"
    detail = "Images must be PNG, JPEG, WebP or GIF."


class NotAuthenticated(SideProError):
    """The access token is missing, malformed, forged or expired."""

    code = "not-authenticated"
    detail = "A valid access token is required."


class WrongCredentials(NotAuthenticated):
    """Log-in failed. An unknown email and a wrong password get the same error."""

    code = "wrong-credentials"
    detail = "The email or the password is wrong."


class SessionEnded(NotAuthenticated):
    """The refresh token is unknown, or its session has ended."""

    code = "session-ended"
    detail = "The session has ended. Please log in again."


class Forbidden(SideProError):
    """The caller may see this, but may not change it."""

    code = "forbidden"
    detail = "You are not allowed to do this."


class EmailNotVerified(Forbidden):
    """The caller must verify their email address before they write."""

    code = "email-not-verified"
    detail = "Verify your email address first."


class AccountDeactivated(Forbidden):
    """The password is correct, but an operator has deactivated the account."""

    code = "account-deactivated"
    detail = "This account has been deactivated."


class AccountSuspended(Forbidden):
    """The password or token is right, but moderators have suspended the account `until` then."""

    code = "account-suspended"
    detail = "This account has been suspended."

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__()
        self.until = until


class ChatClosed(Forbidden):
    """The person takes no coffee chats, or none from the caller. Does not tell which."""

    code = "chat-closed"
    detail = "This person takes no coffee chats at the moment."


class NotFound(SideProError):
    """It does not exist or is not visible to the caller: both get the same error."""

    code = "not-found"
    detail = "This was not found."


class Conflict(SideProError):
    """The request is valid but conflicts with what is stored. Raise one of the leaves."""


class EmailTaken(Conflict):
    """Another user has this email (compared casefolded)."""

    code = "email-taken"
    detail = "This email is already taken."


class UsernameTaken(Conflict):
    """Another user has this username (compared casefolded)."""

    code = "username-taken"
    detail = "This username is already taken."


class NoProfile(Conflict):
    """A partial edit of a profile that does not exist yet."""

    code = "no-profile"
    detail = "Create the whole profile before you edit parts of it."


class RoomPending(Conflict):
    """A participant has left the room, or the two have no contact: it is read-only."""

    code = "room-pending"
    detail = "This room is read-only at the moment."


class ConsentRequired(Conflict):
    """The person takes coffee chats on request, and has not agreed to one with the caller."""

    code = "consent-required"
    detail = "Send this person a chat request first."


class RequestSettled(Conflict):
    """The chat request was accepted, declined, withdrawn or voided, or has expired."""

    code = "request-settled"
    detail = "This request has already been settled."


class TooManyRequestsPending(Conflict):
    """The caller has as many unanswered chat requests as one person may have."""

    code = "too-many-requests-pending"
    detail = "Too many of your requests are still unanswered."


class CaseChanged(Conflict):
    """The case has another version or state than the moderator expects, or its decision cannot be
    undone any more.
    """

    code = "case-changed"
    detail = "The case has changed since you read it."


class ImageInUse(Conflict):
    """A profile, a thumbnail or a text shows the image."""

    code = "image-in-use"
    detail = "A profile or a project shows this image."


class IdempotencyKeyInUse(Conflict):
    """The first request with this idempotency key has not ended yet."""

    code = "idempotency-key-in-use"
    detail = "The first request with this Idempotency-Key is still running."


class PreconditionFailed(SideProError):
    """The caller's expected revision is not the current one."""

    code = "precondition-failed"
    detail = "This has changed since you read it."


class RateLimited(SideProError):
    """The caller does this too often. `allowance`, if known, says when to retry."""

    code = "rate-limited"
    detail = "Too many requests. Please try again later."

    def __init__(self, allowance: Allowance | None = None) -> None:
        super().__init__()
        self.allowance = allowance


class Unavailable(SideProError):
    """A store cannot be reached, or has no capacity left."""

    code = "unavailable"
    detail = "The service is temporarily unavailable. Please try again."
    is_contended: bool = False
    """Whether only the wait for other transactions was too long: a repeat may succeed."""

    @property
    def reason(self) -> str:
        """What the store said. For logs and commands only, because it names servers."""
        return reason_of(self.__cause__ or self)


def reason_of(error: BaseException) -> str:
    """The first line of what an error says, with its SQLSTATE if it has one."""
    error = getattr(error, "orig", None) or error  # SQLAlchemy adds the statement
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    state = getattr(error, "sqlstate", None)
    return f"{line} ({state})" if state else line


Found = TypeVar("Found")


def ensure_found(value: Found | None) -> Found:
    """The value itself.

    Raises:
        NotFound: it is `None`.
    """
    if value is None:
        raise NotFound
    return value
