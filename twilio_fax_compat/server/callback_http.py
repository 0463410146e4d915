"""Calls the programs' URLs: over kept connections, within 15 seconds, and to allowed addresses only."""

from __future__ import annotations

import ssl
from threading import local
from time import monotonic
from typing import Any, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

import httpcore
import httpx

from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp
from twilio_fax_compat._telnyx.logs import no_logs
from twilio_fax_compat.server.addresses import ForbiddenAddress, addresses_of, is_allowed_host
from twilio_fax_compat.webhooks.download import CANNOT_BE_READ

CONNECT_TIMEOUT, TIMEOUT = 5.0, 15.0
"""Seconds for a connection, and for the whole request, as at Twilio."""

LARGEST_ANSWER = 256 * 1024
"""Bytes of an answer that are read. TwiML has a few hundred."""

_DECODED = ("gzip", "deflate")
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    *CANNOT_BE_READ,
)


class CallbackHttp:
    """
    Sends requests to programs, from any thread.

    *allows_private*: whether addresses of private networks and of this machine may be called.
    """

    def __init__(self, *, allows_private: bool) -> None:
        self._transport = _Transport(allows_private)
        # A proxy of the environment would look names up itself.
        self._client = httpx.Client(transport=self._transport, trust_env=False)

    def call(self, step: CallApp, hosts: Sequence[str] = ()) -> AppAnswer:
        """
        Return the answer to *step*, or status 0 and what happened.

        *hosts* are the allowed ones; none allows every host.
        """
        try:
            host = urlsplit(step.url).hostname or ""
            if not is_allowed_host(host, hosts):
                return AppAnswer(0, error="the host is not one of callback_hosts")
            return self._call(step)
        except ForbiddenAddress as error:
            return AppAnswer(0, error=str(error))
        except _FAILURES as error:
            return AppAnswer(0, error=_named(error))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, step: CallApp) -> AppAnswer:
        headers = {**step.headers, "Accept-Encoding": ", ".join(_DECODED)}
        with no_logs(), self._transport.within(TIMEOUT), self._client.stream(
            step.method, step.url, headers=headers, content=step.body
        ) as response:
            pieces, size = [], 0
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_ANSWER:
                    break
        received = response.headers
        encodings = received.get("content-encoding", "").split(",")
        if {name.strip().lower() for name in encodings} <= set(_DECODED):
            received.pop("content-encoding", None)
        return AppAnswer.of(response.status_code, received.items(), b"".join(pieces))


def _named(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


class _Transport(httpx.BaseTransport):
    """The transport of the client, whose connections go to addresses that were checked."""

    def __init__(self, allows_private: bool) -> None:
        self._clock = _Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=5.0,
            network_backend=_Backend(self._clock, allows_private),
        )

    def within(self, seconds: float) -> _Clock:
        """Return the clock, which as a context manager ends this thread's requests in *seconds*."""
        self._clock.start(seconds)
        return self._clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url
        left = self._clock.left()
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": dict.fromkeys(("read", "write", "pool"), left)},
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class _Clock(local):
    """The end of the request that the current thread makes."""

    end = float("inf")

    def start(self, seconds: float) -> None:
        self.end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises ReadTimeout if there are none."""
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.end = float("inf")


class _Backend(httpcore.NetworkBackend):
    def __init__(self, clock: _Clock, allows_private: bool) -> None:
        self._clock = clock
        self._allows_private = allows_private
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        end = monotonic() + CONNECT_TIMEOUT
        try:
            addresses = addresses_of(host, port, allows_private=self._allows_private)
        except ForbiddenAddress:
            raise
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectTimeout()
        for address in addresses:
            left = min(end - monotonic(), self._clock.left())
            if left <= 0:
                break
            try:
                stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._clock)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection on which a peer that sends byte by byte does not get more time."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = min(CONNECT_TIMEOUT, self._clock.left())
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
