"""The guard of a run: blocks Twilio and Telnyx in this process and in the processes that it starts."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

import httpx
from attrs import define, field

from twilio_fax_compat._suite import connections
from twilio_fax_compat._suite.environment import Variables

Address = Tuple[str, int]

EVERY_PROVIDER = (r"(.*\.)?twilio\.com", r"(.*\.)?telnyx\.com")
FAX_ONLY = (r"fax(\.[a-z0-9-]+){0,2}\.twilio\.com", r"api\.telnyx\.com")

_CHILD_PATH = str(Path(__file__).parent / "child_path")
_XDIST_WORKER = "PYTEST_XDIST_WORKER"


@define(eq=False)
class RunGuard:
    """
    Blocks connections to *hosts* (regular expressions) and *addresses* from `start` to `stop`.

    *why* ends the error message; *note* is called with each message of this process.
    With *past_proxies*, the proxies of the environment are not used for Twilio and Telnyx. With
    *install*, child processes use our client in place of Twilio's.
    """

    hosts: Sequence[str]
    why: str
    note: Callable[[str], None] | None = None
    addresses: Sequence[Address] = ()
    past_proxies: bool = True
    install: bool = False
    _guard: connections.Guard | None = None
    _folder: str = ""
    _variables: Variables = field(factory=Variables)
    _undo: list[Callable[[], None]] = field(factory=list)

    def start(self) -> None:
        """Block connections here and, by their environment, in child processes."""
        self._folder = tempfile.mkdtemp(prefix="twilio-fax-compat-")
        log = str(Path(self._folder) / "blocked")
        inherited = sys.modules.get(connections.MODULE)
        if inherited is not None and _XDIST_WORKER in os.environ:
            # The main process of the run started this one; this process has a guard of its own.
            inherited.drop_inherited()
        self._guard = connections.Guard(
            self.hosts, self.addresses, self.why, log, self.note, self.install
        )
        connections.start(self._guard)
        self._watch_open_connections(self._guard)
        self._variables.set(self._environ(self._guard))

    def stop(self) -> None:
        """Allow connections again, and restore the environment."""
        self._variables.restore()
        while self._undo:
            self._undo.pop()()
        if self._guard is not None:
            connections.stop(self._guard)
            self._guard = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Allow this thread to connect within the block."""
        if self._guard is None:
            yield
            return
        with self._guard.open():
            yield

    def block(self, addresses: Sequence[Address]) -> None:
        """Block other *addresses* from now on."""
        self.addresses = addresses
        if self._guard is not None:
            self._guard.addresses = tuple(addresses)
            self._variables.set({connections.VARIABLE: self._guard.to_json()})

    def report_from_child(self, text: str) -> None:
        """Pass *text* on to the process that runs the tests, if this is a child of it."""
        if self._guard is not None and not self._guard.is_of_this_process:
            self._guard.report(text)

    def reported_elsewhere(self) -> list[str]:
        """Return what child processes reported since the last call."""
        return [] if self._guard is None else self._guard.reported_elsewhere()

    def _watch_open_connections(self, guard: connections.Guard) -> None:
        """Check requests of httpx, too: they may use a connection that was opened before."""
        for cls, name in (
            (httpx.HTTPTransport, "handle_request"),
            (httpx.AsyncHTTPTransport, "handle_async_request"),
        ):
            self._replace(guard, cls, name)

    def _replace(self, guard: connections.Guard, cls: type, name: str) -> None:
        original = getattr(cls, name)

        @wraps(original)
        def checked(transport: Any, request: httpx.Request) -> Any:
            port = {"http": 80, "https": 443}.get(request.url.scheme)
            guard.check(request.url.host, request.url.port or port)
            return original(transport, request)

        setattr(cls, name, checked)
        self._undo.append(lambda: setattr(cls, name, original))

    def _environ(self, guard: connections.Guard) -> Mapping[str, str]:
        path = [_CHILD_PATH, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environ = {
            connections.VARIABLE: guard.to_json(),
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
        }
        hosts = ["127.0.0.1", "localhost"]
        if self.past_proxies:
            hosts += ["twilio.com", "telnyx.com"]
        for name in ("NO_PROXY", "no_proxy"):
            before = os.environ.get(name, os.environ.get("no_proxy", os.environ.get("NO_PROXY")))
            if before != "*":
                environ[name] = ",".join([*filter(None, [before]), *hosts])
        return environ
