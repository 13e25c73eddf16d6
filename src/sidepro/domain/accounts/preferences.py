"""What people set for their account: language, time zone, and who may ask them to chat."""

from datetime import timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from sidepro.domain.validation import Validator
from sidepro.domain.violations import NOT_A_TIME_ZONE

DEFAULT_TIME_ZONE = "Asia/Seoul"

RENAME_INTERVAL = timedelta(days=30)
"""Time between two changes of a username."""

_NOT_IANA = frozenset({"Factory", "localtime", "posixrules"})
"""Files of a zone database that name no zone."""


class ChatPolicy(StrEnum):
    """Whom a person takes coffee chats from: everybody, on request, or nobody."""

    OPEN = "open"
    REQUEST = "request"
    CLOSED = "closed"


@cache
def time_zones() -> frozenset[str]:
    """The IANA names of time zones."""
    return frozenset(available_timezones()) - _NOT_IANA


def check_time_zone(name: str, validator: Validator) -> str:
    """The IANA name of a time zone, such as `Asia/Seoul`."""
    if name not in time_zones():
        validator.add(NOT_A_TIME_ZONE, "time_zone")
    return name
