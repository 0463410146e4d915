"""
Runs a unittest suite that was written for Twilio's fax API on a local Telnyx, without pytest.

``python -m twilio_fax_compat.unittest`` takes the arguments of ``python -m unittest``. A Django project sets
``TEST_RUNNER = "twilio_fax_compat.unittest.DjangoRunner"`` and runs ``manage.py test``. Both need the extra
``twilio-fax-compat[emulator]``. A suite with an ``http_client`` of its own, HTTP stubs or cassettes needs the
pytest plugin, which asks them.
"""

from __future__ import annotations

import sys
import unittest
from types import TracebackType
from typing import Any, Callable, Mapping

from attrs import define, evolve, field

from twilio_fax_compat import rest
from twilio_fax_compat._suite.environment import Variables
from twilio_fax_compat._suite.guard import EVERY_PROVIDER, RunGuard
from twilio_fax_compat._suite.reimports import Reimports
from twilio_fax_compat._suite.twilio_names import TwilioNames
from twilio_fax_compat.http._connections import close_idle
from twilio_fax_compat.settings import ENVIRONMENT, RetryPolicy, TelnyxSettings

__all__ = ["FaxRun", "main"]

_NEEDS = "this needs the emulator: pip install 'twilio-fax-compat[emulator]' ({})"


@define(eq=False)
class FaxRun:
    """
    A context manager: within the block Twilio's fax client is ours, and a local Telnyx answers it.

    Nothing reaches Twilio or Telnyx. *emulator* is the `TelnyxEmulator`, and *blocked* has a text for
    each connection to Twilio or Telnyx that was not let happen. Entering raises ImportError, which
    says what to install, without the extra ``emulator``.
    """

    emulator: Any = field(init=False, default=None)
    blocked: list[str] = field(init=False, factory=list)
    _undo: list[Callable[[], None]] = field(init=False, factory=list)

    def __enter__(self) -> FaxRun:
        try:
            from twilio_fax_compat._suite.emulator import QUICK, SuiteEmulator, let_time_pass
        except ImportError as missing:
            raise ImportError(_NEEDS.format(missing)) from missing
        self.emulator = SuiteEmulator()
        variables = Variables()
        guard = RunGuard(
            EVERY_PROVIDER,
            "no request leaves this machine during the tests",
            note=self.blocked.append,
            install=True,
        )
        client = _client_class(rest.Client, self.emulator, QUICK)
        names = TwilioNames(client, _client_class(client, self.emulator, QUICK))
        imports = Reimports({"twilio.rest": names.take_again})
        let_time_pass()
        try:
            self._begin(self.emulator.start, self.emulator.stop)
            self._begin(lambda: variables.set(self.emulator.environ), variables.restore)
            self._begin(guard.start, guard.stop)
            self._begin(close_idle, close_idle)
            self._begin(names.take, names.give_back)
            self._begin(imports.start, imports.stop)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._begin(lambda: None, lambda: self.blocked.extend(guard.reported_elsewhere()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._undo:
            self._undo.pop()()

    def _begin(self, start: Callable[[], object], stop: Callable[[], None]) -> None:
        self._undo.append(stop)
        start()


def _client_class(base: type[rest.Client], emulator: Any, retry: RetryPolicy) -> type[rest.Client]:
    """Return a subclass of *base* whose faxes go to *emulator*, whatever its environment says."""

    def _settings(self: Any) -> TelnyxSettings:
        environ: Mapping[str, str] = emulator.environ
        own: dict[str, Any] = {
            name: environ[variable] for name, variable in ENVIRONMENT.items() if variable in environ
        }
        given = self._telnyx or TelnyxSettings(retry=retry)
        return evolve(given, **own).completed(environ)

    members = {"__module__": base.__module__, "__doc__": base.__doc__, "_settings": _settings}
    return type("Client", (base,), members)


def main(arguments: list[str] | None = None) -> int:
    """Run unittest with these command line *arguments*; return 0 if all passed and nothing was blocked."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with FaxRun() as run:
            program = unittest.main(
                module=None, argv=["python -m twilio_fax_compat.unittest", *given], exit=False
            )
    except ImportError as missing:
        sys.stderr.write("{}\n".format(missing))
        return 2
    _print_blocked(run)
    return 0 if program.result.wasSuccessful() and not run.blocked else 1


def _print_blocked(run: FaxRun) -> None:
    for text in dict.fromkeys(run.blocked):
        sys.stderr.write("failed: {}\n".format(text))


def _django_runner() -> type[Any]:
    from django.test.runner import DiscoverRunner

    class DjangoRunner(DiscoverRunner):  # type: ignore[misc]
        """Django's test runner, with a local Telnyx for Twilio's fax client; see `FaxRun`."""

        def run_tests(self, *args: Any, **named: Any) -> int:
            """Run the tests; return the number of failures, blocked connections included."""
            with FaxRun() as run:
                failures: int = super().run_tests(*args, **named)
            _print_blocked(run)
            return failures + len(set(run.blocked))

    return DjangoRunner


def __getattr__(name: str) -> Any:
    if name == "DjangoRunner":
        runner = globals()[name] = _django_runner()
        return runner
    raise AttributeError("module {!r} has no attribute {!r}".format(__name__, name))


if __name__ == "__main__":
    sys.exit(main())
