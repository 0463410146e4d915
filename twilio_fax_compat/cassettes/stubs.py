"""
Finds the stubs of ``responses`` and ``requests_mock``, and sends requests to them without a network.

https://github.com/getsentry/responses and https://requests-mock.readthedocs.io.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any, Iterator

from attrs import field, frozen

from twilio_fax_compat.cassettes.player import NotRecorded, shown
from twilio_fax_compat.rest import FAX_URL


def session_without_network() -> Any:
    """Return a ``requests.Session`` that stubs can answer, and that never connects."""
    import requests
    from requests.adapters import HTTPAdapter

    class NoNetwork(HTTPAdapter):  # type: ignore[misc, unused-ignore]
        def get_connection_with_tls_context(self, request: Any, *_rest: Any, **_named: Any) -> Any:
            raise NotRecorded("no stub answers " + shown(request.method, request.url))

        def get_connection(self, url: str, *_rest: Any, **_named: Any) -> Any:
            raise NotRecorded("no stub answers " + shown("", url))

    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, NoNetwork())
    return session


@frozen
class Stub:
    """A registered stub. *answer* is the library's own object, which counts its calls."""

    method: str
    url: str = field(repr=False)
    answer: Any = field(repr=False)

    @property
    def is_of_faxes(self) -> bool:
        """Whether its URL is one of Twilio's fax API."""
        return FAX_URL.match(self.url.lstrip("^").replace("\\", "")) is not None

    @property
    def is_reached(self) -> bool:
        """Whether it answered a request."""
        return bool(self.answer.call_count)

    def __str__(self) -> str:
        """Return its method and path, with numbers masked."""
        return shown(self.method, self.url)


def active_stubs() -> list[Stub]:
    """Return the stubs that are active now."""
    stubs: list[Stub] = []
    for module, cls, name in (
        ("requests.adapters", "HTTPAdapter", "send"),
        ("requests.sessions", "Session", "send"),
    ):
        function = getattr(getattr(sys.modules.get(module), cls, None), name, None)
        if inspect.isfunction(function):
            # Both libraries can be reached from the closure of the function they install.
            stubs += _registered(inspect.getclosurevars(function).nonlocals.get("self"))
    return stubs


def _registered(owner: Any) -> Iterator[Stub]:
    if type(owner).__module__.partition(".")[0] not in ("responses", "requests_mock"):
        return
    for answer in owner.registered() if hasattr(owner, "registered") else ():
        yield Stub(str(answer.method), _text(answer.url), answer)
    for answer in getattr(getattr(owner, "_adapter", None), "_matchers", ()):
        yield Stub(str(answer._method), _text(answer._url), answer)  # noqa: SLF001


def _text(url: Any) -> str:
    return str(getattr(url, "pattern", url))
