"""The check of `Host` header fields. Foreign hosts could poison caches and links."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from sidepro.settings.parsers import ascii_host

EXEMPT = ("/health/", "/metrics")
"""Paths without a check: probes address a pod by its IP address."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[^\[\]:@/?#\\\s]{1,255})(?::[0-9]{0,5})?")


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """The names by which clients may address the service. Ports are ignored."""

    names: frozenset[str]
    allows_loopback: bool
    usual_headers: frozenset[bytes]
    """The names as clients of a service at a default port send them."""

    @classmethod
    def of(cls, hosts: Iterable[str]) -> "HostPolicy":
        """The policy for these names. One loopback name allows all loopback names."""
        names = frozenset(map(ascii_host, hosts))
        usual = frozenset(name.encode() for name in names if ":" not in name)
        return cls(names, any(map(is_loopback, names)), usual)

    def allows(self, header: bytes | None) -> bool:
        """Whether a `Host` header field names the service."""
        if header in self.usual_headers:
            return True
        found = _HOST.fullmatch(header.decode("latin-1")) if header else None
        if found is None:
            return False
        try:
            host = ascii_host(found[1].strip("[]"))
        except ValueError:
            return False
        return host in self.names or (self.allows_loopback and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a name or address belongs to the loopback interface."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
