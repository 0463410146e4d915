"""Decide whether an exception of the caller's HTTP client is about our request, or about another one."""

from __future__ import annotations

from typing import Any, Iterable

import httpx
from attrs import define

from twilio_fax_compat._telnyx.own_retries import has_sent_before

_LIBRARIES = frozenset(
    {
        "contextlib",
        "aiohttp",
        "anyio",
        "asyncio",
        "h11",
        "h2",
        "http",
        "httpcore",
        "httpx",
        "requests",
        "socket",
        "socks",
        "ssl",
        "urllib",
        "urllib3",
    }
)
"""Packages that make HTTP requests. The code of any other package may connect for its own purposes."""


_HEADERS_WRITTEN = ("http11.send_request_headers.started", "http2.send_request_headers.started")
"""Events of httpx's trace extension (https://www.encode.io/httpcore/extensions/#trace)."""


@define
class OwnRequest:
    """
    Our request over the caller's HTTP client.

    The client may send other requests too, as a hook that posts metrics does. *has_left* is True once
    the client is known to have begun to write our request.
    """

    method: str
    url: str
    has_left: bool = False

    def trace(self, event: str, details: Any) -> None:
        """Note an event of httpx's trace extension. A proxy gets a CONNECT first, which is not ours."""
        request = details.get("request") if isinstance(details, dict) else None
        if event in _HEADERS_WRITTEN and getattr(request, "method", None) != b"CONNECT":
            self.has_left = True

    def is_answered_by(self, response: Any, error: BaseException) -> bool:
        """Return False if the *response* that *error* has is known to be of another request."""
        request = _attribute(response, "request") or _attribute(error, "request")
        url = _attribute(response, "url") or _url_of(request)
        return not url or self._is_same(url, request)

    def is_unsent_by(self, links: Iterable[tuple[BaseException, bool]]) -> bool:
        """
        Return whether exceptions show that it is our request that was not sent.

        *links* are the exceptions of a chain, each with whether it says that something was not sent.
        At least one must have our request. None may have another request, be of other code, or come
        after an earlier try of the client that may have arrived.
        """
        if self.has_left:
            return False
        is_about_ours = False
        for error, says_unsent in links:
            if _was_repeated(error):
                return False
            request = _attribute(error, "request")
            if not _url_of(request):
                request = _request_in_frames(error)
            url = _url_of(request)
            if url:
                if not self._is_same(url, request):
                    return False
                is_about_ours = True
            elif says_unsent and _has_frames_of_others(error):
                return False
        return is_about_ours

    def _is_same(self, url: Any, request: Any) -> bool:
        method = _attribute(request, "method")
        if isinstance(method, str) and method.upper() != self.method:
            return False
        address = _address(url)
        return address is not None and address == _address(self.url)


def _attribute(item: Any, name: str) -> Any:
    try:
        return getattr(item, name, None)
    except Exception:  # noqa: BLE001 - httpx raises if an exception has no request
        return None


def _url_of(request: Any) -> Any:
    # urllib's Request has full_url, the others have url.
    return _attribute(request, "full_url") or _attribute(request, "url")


def _address(url: Any) -> tuple[str, str, int | None, str] | None:
    """Return the scheme, host, port and path of a URL, None if it is not a URL."""
    try:
        parts = httpx.URL(str(url))
    except Exception:  # noqa: BLE001 - whatever it is, it is not our URL
        return None
    return parts.scheme, parts.host, parts.port, parts.path


def _request_in_frames(error: BaseException) -> Any:
    """Return the request that an HTTP library was sending itself when *error* was raised, or None."""
    request = None
    for module, frame in _frames(error):
        if module not in _LIBRARIES:
            # A hook runs inside the library's send. What it raises is not about that request.
            request = None
            continue
        for name in ("request", "req"):
            candidate = frame.f_locals.get(name)
            # httpcore's requests have a method of bytes. They may be for a proxy.
            if _url_of(candidate) and not isinstance(_attribute(candidate, "method"), bytes):
                request = candidate
    return request


def _was_repeated(error: BaseException) -> bool:
    """Return whether urllib3 has tried the request before, and that try may have arrived."""
    return any(
        module == "urllib3" and has_sent_before(frame.f_locals.get("retries"))
        for module, frame in _frames(error)
    )


def _has_frames_of_others(error: BaseException) -> bool:
    return any(module not in _LIBRARIES for module, _ in _frames(error))


def _frames(error: BaseException) -> Iterable[tuple[str, Any]]:
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        yield str(frame.f_globals.get("__name__")).partition(".")[0], frame
        traceback = traceback.tb_next
