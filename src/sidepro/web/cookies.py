"""The cookies of the pages: the session, and what a browser prefers.

No cookie is a credential of the API.
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

from sidepro.http.middleware.hosts import is_loopback

YEAR = int(timedelta(days=365).total_seconds())

LANGUAGE = "sidepro-language"
COLOURS = "sidepro-colours"
TIME_ZONE = "sidepro-time-zone"
DONE = "sidepro-done"
"""The code of a message about what was done, for the next page."""

DONE_MAX_AGE = 60
"""Seconds."""


def is_cookie_exposed(public_url: str) -> bool:
    """Whether session cookies travel without TLS, beyond this machine."""
    address = urlsplit(public_url)
    return address.scheme != "https" and not is_loopback(address.hostname or "")


@dataclass(frozen=True, slots=True)
class Cookies:
    """Makes cookies for one public address."""

    session_name: str
    path: str
    secure: bool

    @classmethod
    def of(cls, public_url: str) -> "Cookies":
        """The cookies of this public address, perhaps with a path.

        The prefixes (RFC 6265bis, section 4.1.3) make browsers refuse a session cookie that a
        neighbouring host or a page without TLS sets. `__Host-` needs the path `/`.
        """
        address = urlsplit(public_url)
        path = address.path.rstrip("/")
        if address.scheme != "https":
            return cls("sidepro", path or "/", secure=False)
        if path:
            return cls("__Secure-sidepro", path, secure=True)
        return cls("__Host-sidepro", "/", secure=True)

    def session(self, secret: str, max_age: int) -> Cookie:
        """The session cookie. `max_age` is in seconds."""
        return self._cookie(self.session_name, secret, max_age)

    def no_session(self) -> Cookie:
        """Removes the session cookie."""
        return self._cookie(self.session_name, "", 0)

    def preference(self, name: str, value: str) -> Cookie:
        """Stores a preference of this browser, whether or not a person is logged in."""
        return self._cookie(name, value, YEAR)

    def done(self, code: str) -> Cookie:
        """Tells the next page what was done."""
        return self._cookie(DONE, code, DONE_MAX_AGE)

    def no_done(self) -> Cookie:
        """Removes the message, which was shown."""
        return self._cookie(DONE, "", 0)

    def _cookie(self, name: str, value: str, max_age: int) -> Cookie:
        return Cookie(
            name,
            value=value,
            max_age=max_age,
            path=self.path,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
