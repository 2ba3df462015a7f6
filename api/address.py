"""Where a request comes from, for counting: behind proxies that we trust, the address that they were asked from.

``X-Forwarded-For`` is written by whoever likes to; only what a trusted proxy appended counts, so it is read from the
right until the first address that is none of ours. An IPv6 address stands for its /64, which one household holds.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.types import Scope

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
HOUSEHOLD = 64


@lru_cache(maxsize=8)
def networks(text: str) -> Networks:
    """Read a list of addresses and networks, separated by commas; ValueError for anything else."""
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def of(scope: Scope, trusted: str) -> str:
    """Return the address that a request is counted under; `trusted` lists our proxies (`networks`)."""
    client = scope.get("client")
    peer = _parse(client[0]) if client else None
    if peer is None:
        return ""
    known = networks(trusted)
    for told in reversed(_forwarded(scope)):
        if not _within(peer, known):
            break
        asked = _parse(told)
        if asked is None:
            break
        peer = asked
    return _household(peer)


def _forwarded(scope: Scope) -> list[str]:
    """Return the addresses of all ``X-Forwarded-For`` headers in the order written."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    return [part for value in values for part in value.split(",")]


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, known: Networks) -> bool:
    return any(address in network for network in known if network.version == address.version)


def _household(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, HOUSEHOLD), strict=False))
