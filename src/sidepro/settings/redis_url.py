"""URLs of Redis behind Redis Sentinel, which redis-py does not parse.

    redis+sentinel://user:password@host:port,host:port/service/number?options

The hosts are Sentinels (port 26379 if omitted); user, password, number and options are those of
redis-py for the servers that Sentinel names. `sentinel_username` and `sentinel_password` are for
the Sentinels themselves. `rediss+sentinel://` encrypts the connections to both.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode

DEFAULT_PORT = 26_379

_URL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"/(?P<service>[^@/?#]+)(?:/(?P<number>[0-9]{1,4})?)?(?:\?(?P<query>[^#]*))?"
)
_HOST = re.compile(r"(?P<host>[^\s:\[\]]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """`server_url` is redis-py's URL of a server, whose host Sentinel tells. `username` and
    `password` are those of the Sentinels.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    server_url: str = field(repr=False)
    uses_tls: bool
    username: str | None
    password: str | None = field(repr=False)


def parse_sentinel_url(url: str) -> SentinelUrl | None:
    """The parts of a URL with Sentinels; `None` for another URL.

    Raises:
        ValueError: the URL is of a Sentinel and malformed.
    """
    if "+sentinel:" not in url:
        return None
    parts = _URL.fullmatch(url)
    hosts = [_HOST.fullmatch(host) for host in parts["hosts"].split(",")] if parts else []
    if parts is None or not all(hosts):
        raise ValueError("malformed")
    options = parse_qsl(parts["query"] or "", keep_blank_values=True)
    own = {name: value for name, value in options if name.startswith("sentinel_")}
    if own.keys() - {"sentinel_username", "sentinel_password"}:
        raise ValueError("malformed")
    credentials = "" if parts["user"] is None else f"{parts['user']}@"
    query = urlencode([option for option in options if option[0] not in own])
    return SentinelUrl(
        sentinels=tuple(
            (host["host"].strip("[]"), int(host["port"] or DEFAULT_PORT)) for host in hosts if host
        ),
        service=unquote(parts["service"]),
        server_url=(
            f"{parts['scheme']}://{credentials}unknown/{parts['number'] or 0}"
            + (f"?{query}" if query else "")
        ),
        uses_tls=parts["scheme"] == "rediss",
        username=own.get("sentinel_username"),
        password=own.get("sentinel_password"),
    )
