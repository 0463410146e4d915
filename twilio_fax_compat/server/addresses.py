"""Which addresses callbacks may go to."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Sequence

_WITH_IPV4 = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""
Prefixes of IPv6 addresses that end with an IPv4 address: https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5,
https://www.rfc-editor.org/rfc/rfc2765#section-2.1 and https://www.rfc-editor.org/rfc/rfc6052#section-2.1
"""

_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # https://www.rfc-editor.org/rfc/rfc8215


class ForbiddenAddress(OSError):
    """A callback may not go to this host or address. The text says which, and why."""


def is_allowed_host(host: str, allowed: Sequence[str]) -> bool:
    """
    Return whether *host* is one of *allowed*, host names or ``*.example.com``; none allows every host.

    ``*.example.com`` does not allow ``example.com`` itself.
    """
    if not allowed:
        return True
    host = host.lower().rstrip(".")
    for name in allowed:
        if name.startswith("*."):
            if host.endswith(name[1:]) and host != name[1:]:
                return True
        elif host == name.strip("[]"):
            return True
    return False


def addresses_of(host: str, port: int, *, allows_private: bool) -> list[str]:
    """
    Return the IP addresses of *host* to which a callback may connect.

    The caller connects to one of them, and does not look the name up again: a second answer could be
    another. Raises ForbiddenAddress if all are private, and OSError if the name cannot be found.
    """
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in found if allows_private or is_public(address)]
    if not allowed:
        raise ForbiddenAddress(
            "the host has only private addresses, which private_callbacks = false forbids"
        )
    return list(dict.fromkeys(allowed))


def is_public(address: str) -> bool:
    """Return whether an IP *address* is one of the public Internet."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = ip.sixtofour
        if any(ip in network for network in _WITH_IPV4):
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or ip in _LOCAL_NAT64:
            return False
    return ip.is_global and not ip.is_multicast
