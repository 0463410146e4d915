"""
Blocks connections to Twilio and Telnyx in one process, wherever the code that opens them comes from.

An audit hook of Python sees every look-up of a host and every connection that is made through Python's
`socket` module, whoever holds the client and whatever names were replaced. Requests that go through a
proxy are recognised by the host that TLS or the CONNECT request names.

Child processes load this file by its path, so it imports nothing but the standard library. It does not
see sockets that are opened outside of the `socket` module, by other languages or by C libraries.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import threading
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Iterator, Sequence

VARIABLE = "TWILIO_FAX_COMPAT_GUARD"
"""The environment variable with the guard of child processes, as JSON."""

MODULE = "_twilio_fax_compat_guard"
"""The name of this module in `sys.modules`: a process has one audit hook, whoever loads it."""


class ProviderBlocked(ConnectionRefusedError):
    """The connection to Twilio or Telnyx is blocked for the duration of the test run."""


class Guard:
    """
    Blocks hosts and addresses.

    *hosts* are regular expressions of whole host names. *addresses* are pairs of a host and a port.
    *why* ends the error message. In the process that made the guard, *note* is called with each
    message; other processes append it to the file *log*, a line of JSON each. With *install*, child
    processes use our client in place of Twilio's.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        addresses: Sequence[Sequence[Any]] = (),
        why: str = "",
        log: str = "",
        note: Callable[[str], None] | None = None,
        install: bool = False,
    ) -> None:
        self.hosts = tuple(hosts)
        self.addresses = tuple((host, port) for host, port in addresses)
        self.why = why
        self.log = log
        self.note = note
        self.install = install
        self._patterns = [re.compile(host) for host in hosts]
        self._pid = os.getpid()
        self._read = 0
        self._local = threading.local()

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process made the guard; a forked child did not."""
        return os.getpid() == self._pid

    def to_json(self) -> str:
        """Return the value of `VARIABLE` for child processes."""
        data = {"hosts": self.hosts, "addresses": self.addresses, "why": self.why}
        return json.dumps({**data, "log": self.log, "install": self.install})

    @contextmanager
    def open(self) -> Iterator[None]:
        """Allow connections of this thread within the block."""
        depth: int = vars(self._local).get("depth", 0)
        self._local.depth = depth + 1
        try:
            yield
        finally:
            self._local.depth = depth

    def check(self, host: object, port: object = None) -> None:
        """Raise ProviderBlocked if *host*, or *host* with *port*, is blocked in this thread."""
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("ascii", "replace")
        if not isinstance(host, str) or vars(self._local).get("depth"):
            return
        host = host.lower().rstrip(".")
        is_provider = any(pattern.fullmatch(host) for pattern in self._patterns)
        if not is_provider and (host, _number(port)) not in self.addresses:
            return
        text = "the connection to {} is blocked: {}".format(host, self.why)
        self.report(text)
        raise ProviderBlocked(errno.ECONNREFUSED, text)

    def reported_elsewhere(self) -> list[str]:
        """Return what other processes reported since the last call."""
        path = Path(self.log)
        if not self.log or not path.exists():
            return []
        with path.open(encoding="utf-8") as log:
            log.seek(self._read)
            lines = log.readlines()
            self._read = log.tell()
        return [str(json.loads(line)) for line in lines]

    def report(self, text: str) -> None:
        """Pass *text* on to the process that runs the tests."""
        if self.note is not None and self.is_of_this_process:
            self.note(text)
        elif self.log:
            line = json.dumps(text) + "\n"
            place = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(place, line.encode())
            finally:
                os.close(place)


_guards: list[Guard] = []
_tls_methods: dict[str, Any] = {}
_is_hooked = False


def start(guard: Guard) -> None:
    """Begin to enforce *guard* in this process."""
    global _is_hooked
    _guards.append(guard)
    if not _is_hooked:
        # An audit hook cannot be removed; without guards it does nothing.
        sys.addaudithook(_audit)
        _is_hooked = True
    _watch_tls()


def stop(guard: Guard) -> None:
    """Stop enforcing *guard*."""
    if guard in _guards:
        _guards.remove(guard)
    if not _guards and _tls_methods:
        import ssl

        for name, original in _tls_methods.items():
            setattr(ssl.SSLContext, name, original)
        _tls_methods.clear()


def drop_inherited() -> None:
    """Stop enforcing the guards of a parent process; the caller starts one of its own."""
    while _guards:
        stop(_guards[-1])
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not isinstance(finder, InstallOnImport)
    ]


def start_in_child() -> None:
    """Enforce the guard that the environment of this process describes, if it describes one."""
    text = os.environ.get(VARIABLE)
    if text:
        guard = Guard(**json.loads(text))
        start(guard)
        if guard.install:
            sys.meta_path.insert(0, InstallOnImport())


class InstallOnImport(MetaPathFinder):
    """Calls `twilio_fax_compat.install` when Twilio's client is first imported."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return a spec whose loader calls `install` and returns the module that this imported."""
        if fullname not in ("twilio", "twilio.rest"):
            return None
        wanted = "twilio" if PathFinder.find_spec("twilio") is None else "twilio.rest"
        if fullname != wanted or _is_being_imported("twilio_fax_compat"):
            return None
        sys.meta_path.remove(self)
        if not _is_known("twilio_fax_compat"):
            return None
        return ModuleSpec(fullname, _Installing(), is_package=True)


class _Installing(Loader):
    spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from twilio_fax_compat import install

        install()
        module = sys.modules[spec.name]
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


def _is_known(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False


def _is_being_imported(package: str) -> bool:
    """Return whether an import of *package*, or of a part of it, has begun and not ended."""
    return any(
        getattr(module.__spec__, "_initializing", False)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == package
    )


def _check(host: object, port: object = None) -> None:
    for guard in tuple(_guards):
        guard.check(host, port)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _guards:
        return
    if event == "socket.getaddrinfo":
        _check(args[0], args[1])
    elif event == "socket.gethostbyname":
        _check(args[0])
    elif event == "socket.connect":
        _watch_tls()
        if isinstance(args[1], tuple) and len(args[1]) > 1:
            _check(args[1][0], args[1][1])
    elif event == "http.client.send":
        _check_request(args[0], args[1])


def _check_request(connection: Any, data: object) -> None:
    _check(connection.host, connection.port)
    # A proxy is asked for another host than the one that the connection leads to.
    if isinstance(data, (bytes, bytearray)):
        words = bytes(data[:2000]).split(b"\r\n", 1)[0].split(b" ")
        if len(words) == 3 and words[0] == b"CONNECT":
            host, _, port = words[1].rpartition(b":")
            _check(host, port)
        elif len(words) == 3 and b"://" in words[1]:
            host, _, port = words[1].split(b"://", 1)[1].split(b"/", 1)[0].partition(b":")
            _check(host, port or 80)


def _watch_tls() -> None:
    """Check the host names of TLS connections, once `ssl` is imported: they may lead to a proxy."""
    ssl: ModuleType | None = sys.modules.get("ssl")
    context = getattr(ssl, "SSLContext", None)
    if context is None or _tls_methods:
        return

    def checked(original: Any) -> Any:
        def method(self: Any, *args: Any, **named: Any) -> Any:
            _check(named.get("server_hostname"))
            return original(self, *args, **named)

        return method

    for name in ("wrap_socket", "wrap_bio"):
        _tls_methods[name] = getattr(context, name)
        setattr(context, name, checked(_tls_methods[name]))


def _number(port: object) -> int | None:
    try:
        return int(port)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None
