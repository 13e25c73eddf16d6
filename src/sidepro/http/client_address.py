"""The address that identifies a client in limits and logs."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


def client_address(client: tuple[str, int] | None) -> str:
    """An IPv4 address, the /64 network of an IPv6 address, or `unknown`.

    `client` is the host and port of the ASGI scope. One IPv6 customer usually has a whole /64.
    """
    return _normalized(client[0]) if client else "unknown"


@lru_cache(maxsize=1_000)
def _normalized(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)
