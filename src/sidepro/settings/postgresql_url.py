"""URLs of PostgreSQL as libpq documents them, in the form that SQLAlchemy parses alike.

    postgresql://user:password@host:port,host:port/name?options

`postgres://` is the same. A host may be the folder of a Unix socket, percent-encoded, or be the
option `host`.
"""

import re
from urllib.parse import urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_URL = re.compile(
    r"postgres(?:ql)?://(?P<credentials>[^@/]*@)?(?P<hosts>[^@/?]*)/(?P<name>[^@?]+)"
    r"(?:\?(?P<query>.*))?"
)

_INTEGERS = re.compile(r"connect_timeout|tcp_user_timeout|keepalives.*")
"""Options that the driver checks only when it connects."""


def parse_postgresql_url(url: str) -> str | None:
    """The URL for SQLAlchemy; `None` for another scheme. Several hosts, and the folder of a
    socket, become options.

    Raises:
        ValueError: the URL is malformed. The text has no part of it.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        return None
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("malformed")
    hosts, written = parts["hosts"], parts["query"] or ""
    # libpq takes no bare `=` in a value, which others do: `options=-c%20work_mem=8MB`.
    escaped = re.sub(r"(?<==)[^&]*", lambda value: value[0].replace("=", "%3D"), written)
    query = written.replace("+", "%2B")  # which SQLAlchemy takes for a space
    try:
        options = conninfo_to_dict(url.removesuffix(written) + escaped)
    except ProgrammingError as error:
        raise ValueError("malformed") from error
    host, ports = str(options.get("host", "")), str(options.get("port", ""))
    # A password with a bare `@` has a part that looks like one of the host.
    if not host or "@" in host[1:] or not all(map(_is_port, ports.split(","))):
        raise ValueError("malformed")
    for name, value in options.items():
        if _INTEGERS.fullmatch(name) and not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
            raise ValueError("malformed")
    if "," in hosts or "%" in hosts:
        moved = urlencode({"host": host, "port": ports} if ports else {"host": host})
        hosts, query = "", f"{moved}&{query}".removesuffix("&")
    credentials = parts["credentials"] or ""
    return f"postgresql://{credentials}{hosts}/{parts['name']}" + (f"?{query}" if query else "")


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536)
