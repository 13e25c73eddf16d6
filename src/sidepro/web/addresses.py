"""Local addresses that come with requests."""

MAX_ADDRESS = 2_000
"""Characters of a local address to go back to."""


def local_address(text: str | None, default: str = "/") -> str:
    """A local address that came with a request, or `default` if it leads elsewhere.

    Browsers read two slashes or backslashes as a host, and ignore control characters.
    """
    if not text or len(text) > MAX_ADDRESS or not text.startswith("/"):
        return default
    if text[1:2] in ("/", "\\") or not text.isascii() or not text.isprintable():
        return default
    return text
