"""Close codes of the chat socket, for the program, the AsyncAPI document and the guide."""

from enum import IntEnum

from sidepro.api.chat.limits import MAX_BAD_FRAMES
from sidepro.domain.errors import (
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    SideProError,
    Unavailable,
)


class CloseCode(IntEnum):
    """A code with its meaning and the client's reaction.

    The web server sends 1002, 1007, 1009 and 1012 by itself, and 1011 after a missing pong.
    """

    meaning: str
    reaction: str

    def __new__(cls, code: int, meaning: str, reaction: str) -> "CloseCode":
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning, member.reaction = meaning, reaction
        return member

    PROTOCOL_ERROR = 1002, "A frame broke the WebSocket protocol.", "fix the client"
    INVALID_TEXT = 1007, "A text frame was not UTF-8.", "fix the client"
    FRAME_TOO_LARGE = 1009, "A frame was too large.", "fix the client"
    INTERNAL_ERROR = (
        1011,
        "An internal error, or the client did not answer a ping.",
        "reconnect",
    )
    RESTART = (
        1012,
        "The server is shutting down (some servers send 1001), or a backup was restored.",
        "reconnect",
    )
    TRY_LATER = 1013, "A database is unavailable.", "reconnect with growing delays"
    INVALID = (
        4400,
        f"A query parameter is not valid, or {MAX_BAD_FRAMES} invalid frames in a row.",
        "fix the client",
    )
    NOT_AUTHENTICATED = (
        4401,
        "No valid token or ticket, or the session has ended.",
        "refresh the token or log in",
    )
    NOT_FOUND = (
        4404,
        "The caller has no such room, has left it, or it was deleted.",
        "stop",
    )
    TOO_SLOW = 4408, "The client did not read its frames in time.", "reconnect with `after`"
    RATE_LIMITED = (
        4429,
        "Too many frames, connection attempts, or open sockets of one user.",
        "wait longer",
    )


_CODES: dict[type[SideProError], CloseCode] = {
    NotAuthenticated: CloseCode.NOT_AUTHENTICATED,
    NotFound: CloseCode.NOT_FOUND,
    InvalidInput: CloseCode.INVALID,
    RateLimited: CloseCode.RATE_LIMITED,
    Unavailable: CloseCode.TRY_LATER,
}


def close_code(error: Exception) -> CloseCode:
    """The close code for an error: that of its nearest base class in the table."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return CloseCode.INTERNAL_ERROR
