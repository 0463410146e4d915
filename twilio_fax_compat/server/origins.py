"""The address that a client called, which all links of an answer begin with."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Sequence

from attrs import define, field

from twilio_fax_compat._core.webhooks.public_url import (
    FORWARDED_HEADERS,
    ServerRequest,
    find_public_url,
)
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.answers import Scope

VERSION = "/v1"

_TWILIO = re.compile(r"fax(\.[a-z0-9-]+){0,2}\.twilio\.com(:443)?", re.IGNORECASE)
_FORWARDED = frozenset(name.encode("ascii") for name in FORWARDED_HEADERS)


@define
class Origins:
    """
    Finds the address that a client called.

    *public_url* is the server's own, if it is configured. Forwarded headers are read if the connection
    comes from *trusted*: addresses, networks or ``*``.
    """

    public_url: str | None
    trusted: Sequence[str] = ()
    _is_trusted: dict[str, bool] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in self.trusted:
            try:
                name == "*" or ip_network(name)
            except ValueError:
                raise TwilioException(
                    f"trusted_proxies has {name!r}, which is not an IP address, a network or *"
                ) from None

    def api_url(self, scope: Scope) -> str:
        """
        Return the URL of the fax API with its version, as the client of *scope* called it.

        A program that was redirected by DNS or a proxy calls https://fax.twilio.com, also if TLS ends
        before this server.
        """
        host = ""
        forwarded: list[tuple[str, str]] = []
        for name, value in scope["headers"]:
            if name == b"host":
                host = value.decode("latin-1")
            elif name in _FORWARDED:
                forwarded.append((name.decode("ascii"), value.decode("latin-1")))
        if forwarded and not self._trusts(scope.get("client")):
            forwarded = []
        return _api_url(scope["scheme"], host, tuple(forwarded), self.public_url)

    def _trusts(self, client: Sequence[object] | None) -> bool:
        address = str(client[0]) if client else ""
        known = self._is_trusted.get(address)
        if known is None:
            if len(self._is_trusted) > 1000:
                self._is_trusted.clear()
            known = self._is_trusted[address] = self._looked_up(address)
        return known

    def _looked_up(self, address: str) -> bool:
        if "*" in self.trusted:
            return True
        try:
            # A connection over a Unix socket has no address: only a local proxy makes one.
            peer = ip_address(address or "127.0.0.1")
        except ValueError:
            return False
        return any(peer in ip_network(name) for name in self.trusted)


@lru_cache(maxsize=1024)
def _api_url(
    scheme: str, host: str, forwarded: tuple[tuple[str, str], ...], public_url: str | None
) -> str:
    headers = dict(forwarded)
    called = ServerRequest(scheme=scheme, host=host, path=VERSION, headers=headers)
    url = find_public_url(called).url
    authority = url.partition("://")[2].partition("/")[0]
    if _TWILIO.fullmatch(authority):
        return f"https://{authority.rpartition(':')[0] or authority}{VERSION}"
    return public_url + VERSION if public_url else url
