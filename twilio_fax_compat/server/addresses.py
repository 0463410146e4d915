"""Which addresses callbacks may go to."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address
from typing import Sequence


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
        # An IPv4 address in another form, as of https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return inner.is_global
    return ip.is_global and not ip.is_multicast
