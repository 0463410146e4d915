"""
Finds the public URL of a request: the one that Telnyx called, and that Twilio would have signed.

A server behind a proxy sees another scheme, host or path. The sources, the best one first:

1. the setting ``public_url``;
2. ``meta.delivered_to`` of the event, the URL that Telnyx called;
3. the forwarded headers that the application trusts, of RFC 7239 and the ``X-Forwarded-`` family;
4. the request's own scheme, ``Host`` and path.
"""

from __future__ import annotations

import re
from typing import Collection, Mapping
from urllib.parse import quote, urlsplit

from attrs import field, frozen

FORWARDED_HEADERS = (
    "forwarded",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
)
"""The headers of proxies that are read, in lower case (https://www.rfc-editor.org/rfc/rfc7239)."""

_RESERVED = ":/?#[]@!$&'()*+,;="
"""https://www.rfc-editor.org/rfc/rfc3986#section-2.2"""

_NOT_OF_URLS = re.compile(r"[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)+")
_PAIR = re.compile(r'\s*([A-Za-z]+)=("[^"]*"|[^;,"\s]*)\s*(;|,|$)')


@frozen(kw_only=True)
class ServerRequest:
    """
    The URL of a request as the server sees it, its parts percent-encoded.

    *root* is the path at which the application is mounted, and *path* the rest. *headers* have
    lower-case names; only those in `FORWARDED_HEADERS` are read.
    """

    scheme: str
    host: str
    root: str = ""
    path: str = "/"
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class PublicUrl:
    """
    A public *url*, without credentials and fragment, and how its path maps to the server's.

    *prefix* is the public path of the application's root. *path* is the server's path, below the
    root at which the application is mounted, and *mapped* the public path of that root. *root* is the
    same if the server mounts the application below a path, and otherwise empty.
    """

    url: str = field(repr=False)
    prefix: str = ""
    path: str = field(default="/", repr=False)
    mapped: str = ""
    root: str = ""

    def path_of(self, url: str) -> str:
        """Return the server's path for *url*, another public URL of the same application."""
        path = urlsplit(url).path or "/"
        if path == urlsplit(self.url).path:
            return self.path
        if self.mapped and path.startswith(self.mapped + "/"):
            return path[len(self.mapped) :]
        return path


def find_public_url(
    request: ServerRequest,
    delivered_to: str | None = None,
    setting: str | None = None,
    trusted: Collection[str] = FORWARDED_HEADERS,
) -> PublicUrl:
    """
    Return the public URL of *request*, whose event says that it was *delivered_to* a URL.

    *setting* is the application's public URL, checked by `read_public_url`. *trusted* are the
    forwarded headers to read.
    """
    called = _called(delivered_to) if delivered_to else None
    if setting:
        url = _below_setting(request, called, setting)
    elif called is not None:
        url = called
    else:
        url = _forwarded(request, trusted)
    public = urlsplit(url).path
    if public.endswith(request.path):
        mapped = prefix = public[: len(public) - len(request.path)].rstrip("/")
    else:
        mapped, prefix = "", request.root
    if setting:
        prefix = urlsplit(setting).path or prefix
    root = mapped if request.root else ""
    return PublicUrl(url=url, prefix=prefix, path=request.path, mapped=mapped, root=root)


def read_public_url(text: str) -> str | None:
    """Return the setting *text* without its last slash, or None if it is not such a URL."""
    try:
        parts = urlsplit(text)
        is_valid = _is_http(text) and parts.port != 0
    except ValueError:
        return None
    if not is_valid or "@" in parts.netloc or parts.query or parts.fragment or not text.isascii():
        return None
    return text.rstrip("/")


def without_credentials(url: str) -> str:
    """Return *url* without user, password and fragment, which are not part of what is signed."""
    if "@" not in url and "#" not in url:
        return url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def percent_encoded(url: str) -> str:
    """
    Return the absolute *url* with all characters that a URL cannot have percent-encoded, as UTF-8.

    The host is encoded as IDNA. A "%" stays. Raises ValueError if the result is not a URL.
    """
    if not _NOT_OF_URLS.search(url):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    return parts._replace(
        netloc=_quoted(user) + at + name.encode("idna").decode("ascii") + colon + port,
        path=_quoted(parts.path),
        query=_quoted(parts.query),
        fragment=_quoted(parts.fragment),
    ).geturl()


def _quoted(text: str, encoding: str = "utf-8") -> str:
    return quote(text, safe=_RESERVED + "%", encoding=encoding)


def origin_of(url: str) -> tuple[str, str]:
    """Return the scheme and the host of *url*, in lower case and without the default port."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    default = f":{_DEFAULT_PORTS.get(scheme)}"
    return scheme, host[: -len(default)] if host.endswith(default) else host


def _called(delivered_to: str) -> str | None:
    try:
        url = percent_encoded(delivered_to)
    except ValueError:
        return None
    return without_credentials(url) if _is_http(url) else None


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in _DEFAULT_PORTS and bool(parts.hostname)
    except ValueError:
        return False


def _below_setting(request: ServerRequest, called: str | None, setting: str) -> str:
    base = urlsplit(setting).path
    if called is not None and origin_of(called) == origin_of(setting):
        path = urlsplit(called).path
        if not base or path == base or path.startswith(base + "/"):
            # Telnyx reports the exact text that it called.
            return called
    path = request.path
    if not base:
        path = request.root + path
    elif path.startswith(base + "/"):
        path = path[len(base) :]
    return setting + path + _query(request)


def _forwarded(request: ServerRequest, trusted: Collection[str]) -> str:
    values = {name: request.headers.get(name, "") for name in FORWARDED_HEADERS if name in trusted}
    pairs = _first_forwarded(values.get("forwarded", ""))
    scheme = pairs.get("proto") or _first(values, "x-forwarded-proto")
    host = pairs.get("host") or _first(values, "x-forwarded-host")
    port = _first(values, "x-forwarded-port")
    prefix = _first(values, "x-forwarded-prefix").rstrip("/")
    if scheme.lower() not in _DEFAULT_PORTS:
        scheme = request.scheme
    if not _HOST.fullmatch(host):
        host = request.host if _HOST.fullmatch(request.host) else "localhost"
    if port.isascii() and port.isdigit() and _HOST.sub(r"\1", host) == host:
        host = f"{host}:{port}"
    scheme, host = origin_of(f"{scheme}://{host}")
    root = request.root
    if _PREFIX.fullmatch(prefix) and root != prefix and not root.startswith(prefix + "/"):
        # A proxy that is already accounted for has put its prefix into the root.
        root = prefix + root
    return f"{scheme}://{host}{root}{request.path}{_query(request)}"


def _query(request: ServerRequest) -> str:
    # A server decodes a query as Latin-1, whatever its bytes are.
    return "?" + _quoted(request.query, "latin-1") if request.query else ""


def _first(values: Mapping[str, str], name: str) -> str:
    """Return what the proxy that Telnyx called has written: each later one appends."""
    return values.get(name, "").partition(",")[0].strip()


def _first_forwarded(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    position = 0
    while True:
        match = _PAIR.match(text, position)
        if match is None:
            return pairs
        pairs[match[1].lower()] = match[2].strip('"')
        position = match.end()
        if match[3] != ";":
            return pairs
