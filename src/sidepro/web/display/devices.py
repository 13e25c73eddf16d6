"""The device of a session in words, by its `User-Agent`."""

import re
from functools import lru_cache
from typing import Final, NamedTuple


class Device(NamedTuple):
    """A browser or another program, and the system that it runs on; `None` if it is unknown."""

    program: str | None
    system: str | None


_PROGRAMS: Final = (
    ("KAKAOTALK", "KakaoTalk"),
    ("NAVER(", "NAVER"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
)
"""Signs in the order in which they count: most browsers also name those that they resemble."""

_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)

_FIRST_PRODUCT = re.compile(r"[\w.-]{1,40}")


@lru_cache(maxsize=1_000)
def device_of(user_agent: str | None) -> Device:
    """The program and the system that a client says to be."""
    text = user_agent or ""
    program = next((name for sign, name in _PROGRAMS if sign in text), None)
    system = next((name for sign, name in _SYSTEMS if sign in text), None)
    if program is None and not text.startswith("Mozilla/"):
        product = _FIRST_PRODUCT.match(text)
        program = product.group() if product else None
    return Device(program, system)
