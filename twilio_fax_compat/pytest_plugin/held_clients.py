"""
Answers the fax calls of clients and HTTP clients that were made, or are held, outside of Twilio's names.

`TwilioNames` replaces names. A client in a dict, a default argument or an instance keeps its class; so the
method that every call of such a client passes is replaced on the class. The HTTP client that every
subclass of Twilio's calls in the end is replaced likewise.
"""

from __future__ import annotations

from functools import partial, wraps
from types import ModuleType
from typing import Any, Callable, Mapping
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

import httpx
from attrs import define, field

from twilio_fax_compat._install import twilio_client_class
from twilio_fax_compat._suite.reimports import Reimports
from twilio_fax_compat.http import _transports
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import stub_of_http
from twilio_fax_compat.pytest_plugin.suite_client import ASKED_AS_TWILIO, SuiteClient
from twilio_fax_compat.rest import FAX_URL

_SHARED = ("username", "password", "account_sid", "region", "edge", "user_agent_extensions")
_OURS = {"telnyx": "_telnyx", "ledger": "_ledger", "media_host": "_media_host"}

_PLAIN_CLIENT = SuiteClient.__bases__[0]


@define(eq=False)
class HeldClients:
    """Replaces the methods for the duration of a run; *client* is the `SuiteClient` that answers."""

    client: type[SuiteClient]
    renewed: Callable[[ModuleType], None]
    _undo: list[Callable[[], None]] = field(factory=list)
    _twins: WeakKeyDictionary[Any, SuiteClient] = field(factory=WeakKeyDictionary)
    _by_account: dict[tuple[Any, ...], SuiteClient] = field(factory=dict)

    def start(self) -> None:
        """Replace the methods."""
        real = twilio_client_class()
        self._replace(_PLAIN_CLIENT, "request", self._client_request)
        self._replace(_transports, "send", self._connection_send)
        if real is None:
            return
        self._replace(real, "request", self._client_request)
        from twilio.http import http_client

        self._replace(http_client.TwilioHttpClient, "request", self._http_client_request)
        imports = Reimports(
            {"twilio.rest": self._rest_executed, "twilio.http.http_client": self._http_executed}
        )
        self._undo.append(imports.stop)
        imports.start()

    def stop(self) -> None:
        """Restore the methods."""
        while self._undo:
            self._undo.pop()()
        self._twins.clear()
        self._by_account.clear()

    def _rest_executed(self, module: ModuleType) -> None:
        self._replace(vars(module)["Client"], "request", self._client_request)
        self.renewed(module)

    def _http_executed(self, module: ModuleType) -> None:
        self._replace(vars(module)["TwilioHttpClient"], "request", self._http_client_request)

    def _replace(self, holder: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(holder, name)
        # twilio 9 inherits the methods of its Client: what is added to a class is removed from it.
        is_own = name in vars(holder)

        @wraps(original)
        def replacement(*args: Any, **named: Any) -> Any:
            return around(original, *args, **named)

        setattr(holder, name, replacement)
        self._undo.append(
            partial(setattr, holder, name, original) if is_own else partial(delattr, holder, name)
        )

    def _client_request(
        self, original: Any, held: Any, method: str, uri: str, *args: Any, **named: Any
    ) -> Any:
        """Answer a fax request of a client that is not a `SuiteClient`."""
        is_ours = isinstance(held, SuiteClient) or ASKED_AS_TWILIO.get() is not None
        if is_ours or not FAX_URL.match(uri):
            return original(held, method, uri, *args, **named)
        return self._twin_of(held).request(method, uri, *args, **named)

    def _http_client_request(
        self,
        original: Any,
        http_client: Any,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        *args: Any,
        **named: Any,
    ) -> Any:
        """Answer a fax request that reached Twilio's own HTTP client, as such a client does."""
        if not FAX_URL.match(url) or stub_of_http() is not None:
            return original(http_client, method, url, params, data, headers, auth, *args, **named)
        from twilio.http.request import Request
        from twilio.http.response import Response

        http_client.last_response = None
        http_client.last_request = Request(
            method=method.upper(), url=url, auth=auth, params=params, data=data, headers=headers
        )
        status, text = self._carried(method, url, params, data, auth)
        http_client.last_response = Response(status, text)
        return http_client.last_response

    def _connection_send(
        self, original: Any, request: httpx.Request, *args: Any, **named: Any
    ) -> tuple[httpx.Response, bytes]:
        """Answer a fax request that reached `TwilioHttpClient` of ours, by our HTTP client."""
        url = str(request.url)
        if not FAX_URL.match(url) or stub_of_http() is not None:
            answer: tuple[httpx.Response, bytes] = original(request, *args, **named)
            return answer
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        auth = _basic_auth(request.headers.get("authorization", ""))
        status, text = self._carried(request.method, url, None, form or None, auth)
        response = httpx.Response(
            status, headers={"content-type": "application/json"}, content=text.encode()
        )
        return response, text.encode()

    def _carried(self, method: str, url: str, params: Any, data: Any, auth: Any) -> tuple[int, str]:
        """Answer a request with a client of the account that it names: the status and the body."""
        asked = ASKED_AS_TWILIO.get()
        if asked is not None:
            asked.is_carried = True
        username, password = auth or ("", "")
        key = (username, password, None if asked is None else asked.client.account_sid)
        if key not in self._by_account:
            self._by_account[key] = self.client(username or "AC", password or "token", key[2])
        token = ASKED_AS_TWILIO.set(None)
        try:
            answer = self._by_account[key].request(method, url, params=params, data=data)
        finally:
            ASKED_AS_TWILIO.reset(token)
        text = answer.text if isinstance(answer.text, str) else ""
        return int(answer.status_code), text

    def _twin_of(self, held: Any) -> SuiteClient:
        """Return the client that answers for *held*, with the same account and HTTP client."""
        twin = self._twins.get(held)
        if twin is None:
            given: dict[str, Any] = {name: getattr(held, name, None) for name in _SHARED}
            members: Mapping[str, Any] = vars(held)
            given.update(
                {name: members[own] for name, own in _OURS.items() if members.get(own) is not None}
            )
            twin = self._twins[held] = self.client(http_client=held.http_client, **given)
        if twin.http_client is not held.http_client:
            twin.http_client = held.http_client
        return twin


def _basic_auth(header: str) -> tuple[str, str] | None:
    from base64 import b64decode

    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    username, _, password = b64decode(value).decode().partition(":")
    return username, password
