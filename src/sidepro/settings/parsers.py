"""Parsers of settings. Each takes the text of a variable. Its ValueError completes the sentence
"SIDEPRO_X must …".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from email.utils import getaddresses
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import idna

from sidepro.settings.postgresql_url import parse_postgresql_url
from sidepro.settings.redis_url import parse_sentinel_url

MIN_SECRET_LENGTH = 16
MIN_SECRET_CHARACTERS = 8

Network = IPv4Network | IPv6Network


def path(text: str) -> Path:
    return Path(text).expanduser()


def _split(text: str) -> SplitResult:
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError unless it is a number up to 65535
    return parts


def database(text: str) -> str:
    rule = (
        "be postgresql://user:password@host:port/name or sqlite:///path, with / @ and % in names "
        "and passwords as %2F %40 and %25"
    )
    try:
        if address := parse_postgresql_url(text):
            return address
    except ValueError as error:
        raise ValueError(rule) from error
    parts = urlsplit(text)
    file = unquote(parts.path[1:])
    is_file = text.startswith("sqlite:///") and Path(file).name not in ("", "..")
    # Each connection would have its own in-memory database.
    if not is_file or parts.query or ":memory:" in file or "\0" in file:
        raise ValueError(rule)
    return text


def redis(text: str) -> str:
    rule = (
        "be redis://host:port/number, rediss://…, unix:///path or "
        "redis+sentinel://host:port,host:port/service/number"
    )
    try:
        if parse_sentinel_url(text):
            return text
    except ValueError as error:
        raise ValueError(rule) from error
    parts = _split(text)
    if parts.scheme in ("redis", "rediss") and parts.hostname:
        if re.fullmatch(r"(/[0-9]{0,4})?", parts.path):
            return text
    elif parts.scheme == "unix" and parts.path:
        return text
    raise ValueError(rule)


def redis_prefix(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", text):
        return text
    raise ValueError("be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")


def images(text: str) -> str:
    parts = urlsplit(text)
    if (
        not parts.scheme
        or (parts.scheme == "file" and parts.path)
        or (parts.scheme == "s3" and parts.netloc)
    ):
        return text
    raise ValueError("be a folder or s3://bucket/prefix")


@dataclass(frozen=True)
class SmtpServer:
    """A mail server. `starttls` is `None` to encrypt where the server offers it."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    uses_tls: bool
    starttls: bool | None


_STARTTLS = {"": None, "starttls=required": True, "starttls=off": False}


def smtp(text: str) -> SmtpServer:
    rule = (
        "be smtp://user:password@host:port or smtps://…; smtp:// may end with ?starttls=required "
        "or ?starttls=off"
    )
    parts = _split(text)
    uses_tls = parts.scheme == "smtps"
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query not in _STARTTLS
        or (uses_tls and parts.query)
        or (parts.username is None) != (parts.password is None)
    ):
        raise ValueError(rule)
    host = ascii_host(parts.hostname)
    starttls = False if uses_tls else _STARTTLS[parts.query]
    if parts.password is not None and starttls is None and host not in _LOOPBACK:
        starttls = True  # a password is never sent in the clear
    return SmtpServer(
        host=host,
        port=parts.port or (465 if uses_tls else 587 if parts.username else 25),
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        uses_tls=uses_tls,
        starttls=starttls,
    )


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def mail_address(text: str) -> Address:
    found = getaddresses([text]) if text.isprintable() else []
    name, address = found[0] if len(found) == 1 else ("", "")
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", address):
        raise ValueError("be an address such as hello@example.com or SidePro <hello@example.com>")
    return Address(display_name=name, addr_spec=address)


def web_address(text: str) -> str:
    parts = _split(text)
    if parts.scheme in ("http", "https") and parts.hostname:
        ascii_host(parts.hostname)
        return text.rstrip("/")
    raise ValueError("be an http or https URL")


def public_address(text: str) -> str:
    address = web_address(text)
    parts = urlsplit(address)
    if parts.query or parts.fragment or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", parts.path):
        raise ValueError("be an http or https URL, perhaps with a plain path, without a query")
    return origin_of(address) + parts.path


_ASCII_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")
"""A name, which has no wildcard, or an address, perhaps with its zone."""


def ascii_host(host: str) -> str:
    """A host in the form that browsers send: lower case, labels of other scripts in Punycode. Of
    an address that is not known, as in most commands, it stays empty.

    Raises:
        ValueError: it is not a host name.
    """
    if host.isascii():
        if host and not _ASCII_HOST.fullmatch(host):
            raise ValueError("be a URL with a valid host name")
        return host.lower().rstrip(".")
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError("be a URL with a valid host name") from error


def host(text: str) -> str:
    rule = "be host names such as example.com, without scheme, port and wildcards"
    host = text.strip("[]")
    if not re.fullmatch(r"[^\s/:@\[\]?#\\]+|[0-9a-fA-F:.]+", host):
        raise ValueError(rule)
    try:
        return ascii_host(host)
    except ValueError as error:
        raise ValueError(rule) from error


_APP_ORIGIN = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
"""As web views of apps send it, such as `capacitor://localhost`."""


def origin(text: str) -> str:
    # Sandboxed pages and local files send `null`: listing it trusts all of them.
    if text == "null" or _APP_ORIGIN.fullmatch(text):
        return text
    address = web_address(text)
    if urlsplit(address).path or urlsplit(address).query:
        raise ValueError("be origins such as https://example.com, without a path")
    return origin_of(address)


def origin_of(address: str) -> str:
    """The origin of a URL as browsers send it (RFC 6454, section 6.1)."""
    parts = urlsplit(address.lower())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = ascii_host(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, default) else f":{parts.port}")


def list_of(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def parse_all(text: str) -> tuple[Any, ...]:
        items = tuple(parse(item.strip()) for item in text.split(",") if item.strip())
        if not items:
            raise ValueError("have at least one item")
        return items

    return parse_all


def network(text: str) -> Network:
    """IPv4 addresses as a socket of both families has them, such as ::ffff:10.0.0.1, are IPv4."""
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("be IP addresses or networks such as 10.0.0.0/8") from error
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def secret(text: str) -> str:
    if len(text) < MIN_SECRET_LENGTH:
        raise ValueError(f"have at least {MIN_SECRET_LENGTH} characters in each key")
    if len(set(text)) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"have at least {MIN_SECRET_CHARACTERS} different characters in each key")
    return text


def integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"be an integer from {minimum} to {maximum}")
        return int(text)

    return parse


def seconds(maximum: int) -> Callable[[str], timedelta]:
    parse = integer(1, maximum)
    return lambda text: timedelta(seconds=parse(text))


def one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"be {' or '.join(words)}")
        return text

    return parse


_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{8,512}=*")  # RFC 6750, section 2.1


def metrics(text: str) -> str:
    if text in ("on", "off") or _TOKEN.fullmatch(text):
        return text
    raise ValueError("be on, off, or a token of at least 8 characters (A-Z a-z 0-9 . _ ~ + / -)")


def bind_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("be host:port, such as 127.0.0.1:9090")
    return host, int(port)


def switch(text: str) -> bool:
    return one_of("on", "off")(text) == "on"
