"""Which proxy a request goes through. The environment is read as requests reads it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Mapping
from urllib.parse import urlsplit

from attrs import field, frozen

from twilio_fax_compat.base.exceptions import TwilioException

SCHEMES = ("http", "https", "socks5", "socks5h")
"""The schemes that a proxy's URL may have."""

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@frozen
class ProxySetting:
    """A proxy's *url*, and *where* it was set: the name of a variable or argument."""

    url: str = field(repr=False)
    where: str


def proxy_from_environment(origin: str) -> ProxySetting | None:
    """
    Return the proxy for *origin* (``https://api.telnyx.com``) from the environment, or None.

    Raises TwilioException that names the variable if its value cannot be used.
    """
    parts = urlsplit(origin)
    proxies = _proxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    if not url or is_excluded(host, parts.port or DEFAULT_PORTS.get(parts.scheme)):
        return None
    names = (f"{parts.scheme}_proxy", "all_proxy")
    spellings = [spelling for name in names for spelling in (name, name.upper())]
    where = next(
        (name for name in spellings if os.environ.get(name) == url), "the system's proxy setting"
    )
    return checked_proxy(url, where)


def _proxies() -> Mapping[str, str]:
    """Return the proxies of the environment, and of the system's settings where it has some."""
    if sys.platform not in ("darwin", "win32") and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return {}
    # It takes long to import.
    from urllib.request import getproxies

    return getproxies()


def proxy_from_argument(proxy: object, origin: str) -> ProxySetting | None:
    """
    Return the proxy of an HTTP client's *proxy* argument for *origin*, or None.

    The argument is a URL, or as for requests a mapping from ``https``, ``https://host``, ``all`` or
    ``all://host`` to a URL. Raises TwilioException if it cannot be used.
    """
    if isinstance(proxy, Mapping):
        parts = urlsplit(origin)
        keys = (
            f"{parts.scheme}://{parts.hostname}",
            parts.scheme,
            f"all://{parts.hostname}",
            "all",
        )
        proxy = next((proxy[key] for key in keys if proxy.get(key)), None)
    return checked_proxy(proxy, "the argument proxy") if proxy else None


def checked_proxy(url: object, where: str) -> ProxySetting:
    """Return the proxy at *url*. Raises TwilioException, which names *where*, if it is not valid."""
    if not isinstance(url, str):
        raise TwilioException(f"{where} must be a URL such as http://proxy.example.com:3128")
    url = url.strip()
    if "://" not in url:
        url = "http://" + url
    scheme = url.partition(":")[0].lower()
    # The URL may contain a password, so no message repeats it.
    if scheme not in SCHEMES:
        raise TwilioException(
            f"{where} cannot be used: a proxy's URL must begin with {'://, '.join(SCHEMES)}://, "
            f"not {scheme}://. Change it, or list Telnyx's host in NO_PROXY"
        )
    try:
        parts = urlsplit(url)
        is_valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise TwilioException(
            f"{where} is not a valid URL of a proxy: write it as http://proxy.example.com:3128"
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise TwilioException(
            f"{where} is a SOCKS proxy, which needs the package socksio: pip install 'httpx[socks]'"
        )
    # httpx sends a host name to either kind of SOCKS proxy, and older releases know only socks5.
    return ProxySetting("socks5" + url[7:] if scheme == "socks5h" else url, where)


def is_excluded(host: str, port: int | None) -> bool:
    """
    Return whether ``NO_PROXY`` excludes *host*.

    Its entries are hosts, ends of hosts, addresses, networks as ``10.0.0.0/8``, or ``*``. A host or
    an address may have a port, and an IPv6 address may stand in brackets.
    """
    text = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    host = host.lower()
    for entry in text.replace(" ", "").lower().split(","):
        if entry and (entry == "*" or _matches(entry, host, port)):
            return True
    from urllib.request import proxy_bypass

    return bool(proxy_bypass(host))


def _matches(entry: str, host: str, port: int | None) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        address = ip_address(host)
    except ValueError:
        return host.endswith(entry) or f"{host}:{port}".endswith(entry)
    if entry in (f"{host}:{port}", f"[{host}]:{port}"):
        return True
    try:
        return address in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
