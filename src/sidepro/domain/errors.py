"""What can go wrong, as one tree; each leaf has a stable `code` that clients may rely on.

    SideProError
    ├── InvalidInput                invalid              what was sent breaks a rule
    │   ├── WeakPassword            weak-password
    │   ├── WrongPassword           wrong-password       the own password, asked again
    │   ├── CannotChatWithYourself  cannot-chat-with-yourself
    │   ├── BadImage                bad-image            broken, empty, too large in itself
    │   ├── ImageQuota              image-quota          no room for more images
    │   └── IdempotencyKeyReused    idempotency-key-reused   used for another request
    ├── BadCursor                   bad-cursor           not ours, or made for another list
    ├── UnsupportedImageType        unsupported-media-type
    ├── NotAuthenticated            not-authenticated    no token, or one that is not valid
    │   ├── WrongCredentials        wrong-credentials    log-in: unknown email or wrong password
    │   └── SessionEnded            session-ended        refresh: the token is good for nothing
    ├── Forbidden                   forbidden            may be seen, not changed
    │   └── AccountDeactivated      account-deactivated
    ├── NotFound                    not-found            absent, or not the caller's to see
    ├── Conflict
    │   ├── EmailTaken              email-taken
    │   ├── UsernameTaken           username-taken
    │   ├── NoProfile               no-profile           a partial edit of nothing
    │   ├── RoomPending             room-pending         one of the two has left the room
    │   └── IdempotencyKeyInUse     idempotency-key-in-use   the first request is running
    ├── PreconditionFailed          precondition-failed  edited by somebody else meanwhile
    ├── RateLimited                 rate-limited         too often; worth trying again later
    └── Unavailable                 unavailable          a store is away; worth trying again

There is no HTTP in here: the drivers map each class to a status or to a socket close code.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from sidepro.domain.rate_limiting import Allowance


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with the input.

    `detail` goes on where the name of the member ends: `must not be blank`.
    `pointer` is a JSON pointer (RFC 6901) into the body, such as `/skills/3`; `parameter` the
    name of a query parameter. At most one of the two is given; neither means the whole body.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    @property
    def sentence(self) -> str:
        """The fault with its subject, such as `title must not be blank`."""
        subject = self.parameter or (self.pointer or "").lstrip("/")
        return f"{subject or 'This'} {self.detail}"


class SideProError(Exception):
    """The root. `detail` is a sentence for the person at the other end, without internals."""

    code: ClassVar[str] = "internal"
    detail: str = "Something went wrong."

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class InvalidInput(SideProError):
    """The input breaks one or more rules, all listed in `faults`."""

    code = "invalid"
    detail = "The request does not fit."

    def __init__(self, *faults: FieldError, detail: str | None = None) -> None:
        if detail is None and len(faults) == 1:
            detail = faults[0].sentence
        super().__init__(detail)
        self.errors = faults


class WeakPassword(InvalidInput):
    """The password is well-formed but easily guessed."""

    code = "weak-password"


class WrongPassword(InvalidInput):
    """The caller's own password, asked again for a weighty step, is wrong."""

    code = "wrong-password"


class CannotChatWithYourself(InvalidInput):
    """A room needs two people."""

    code = "cannot-chat-with-yourself"


class BadImage(InvalidInput):
    """The image is broken, empty, something else besides, or has too many pixels or frames."""

    code = "bad-image"


class ImageQuota(InvalidInput):
    """The caller's images would have more bytes together than they may."""

    code = "image-quota"


class IdempotencyKeyReused(InvalidInput):
    """The idempotency key was sent before, with other content."""

    code = "idempotency-key-reused"
    detail = "This Idempotency-Key was used for another request."


class BadCursor(SideProError):
    """The cursor is not one of ours, or was made for another list or other filters."""

    code = "bad-cursor"
    detail = "The cursor does not belong to this list."


class UnsupportedImageType(SideProError):
    """What was sent is no image of a kind that is taken, by its content."""

    code = "unsupported-media-type"
    detail = "Images are PNG, JPEG, WebP or GIF."


class NotAuthenticated(SideProError):
    """There is no access token, or it is malformed, forged or past its time."""

    code = "not-authenticated"
    detail = "A valid access token is needed."


class WrongCredentials(NotAuthenticated):
    """Log-in failed. The same answer for an unknown email and for a wrong password."""

    code = "wrong-credentials"
    detail = "The email or the password is wrong."


class SessionEnded(NotAuthenticated):
    """The refresh token is unknown, or its session is over: log in again."""

    code = "session-ended"
    detail = "The session has ended. Please log in again."


class Forbidden(SideProError):
    """The caller may see this, and may not do that to it."""

    code = "forbidden"
    detail = "You may not do this."


class AccountDeactivated(Forbidden):
    """The password was right, and an operator has deactivated the account."""

    code = "account-deactivated"
    detail = "This account has been deactivated."


class NotFound(SideProError):
    """It does not exist, or is not the caller's to see: the two are told apart nowhere."""

    code = "not-found"
    detail = "There is nothing here."


class Conflict(SideProError):
    """The request is sound but does not go with what is stored. Raise one of the leaves."""


class EmailTaken(Conflict):
    """Somebody has signed up with this email (compared without case or Unicode form)."""

    code = "email-taken"
    detail = "This email is taken."


class UsernameTaken(Conflict):
    """Somebody has this username (compared without case or Unicode form)."""

    code = "username-taken"
    detail = "This username is taken."


class NoProfile(Conflict):
    """A profile is edited in part before it was written as a whole."""

    code = "no-profile"
    detail = "Write the profile as a whole first."


class RoomPending(Conflict):
    """One of the two has left the room: it can be read, not written."""

    code = "room-pending"
    detail = "The other person has left this room; it can only be read."


class IdempotencyKeyInUse(Conflict):
    """The first attempt with this idempotency key has not ended yet."""

    code = "idempotency-key-in-use"
    detail = "The first request with this Idempotency-Key is still under way."


class PreconditionFailed(SideProError):
    """The revision that the caller edits is not the current one."""

    code = "precondition-failed"
    detail = "This was changed since you read it."


class RateLimited(SideProError):
    """The caller does this too often. `allowance` says when to try again, where it is known."""

    code = "rate-limited"
    detail = "Too many requests. Please try again later."

    def __init__(self, allowance: Allowance | None = None) -> None:
        super().__init__()
        self.allowance = allowance


class Unavailable(SideProError):
    """A store cannot be reached right now. Nothing was changed that was acknowledged."""

    code = "unavailable"
    detail = "The service is not available right now. Please try again."


Found = TypeVar("Found")


def ensure_found(value: Found | None) -> Found:
    """The value itself.

    Raises:
        NotFound: it is `None`.
    """
    if value is None:
        raise NotFound
    return value
