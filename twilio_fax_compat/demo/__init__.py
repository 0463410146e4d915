"""``twilio-fax-compat demo``: run a legacy Twilio program on Telnyx, and show its output and requests."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Callable, Iterator, Mapping

from twilio_fax_compat.demo.timeline import Timeline, exchange_line, show_changes

PROGRAM = Path(__file__).with_name("legacy_program.py")
CHANGES: Mapping[str, str] = {
    "from twilio.rest import": "from twilio_fax_compat.rest import",
    "from twilio.base.exceptions import": "from twilio_fax_compat.base.exceptions import",
}
BUSY = "+15005550001"

_SIMULATED = """\
Telnyx is simulated on this machine: no fax is sent, and no account is needed. Time is virtual: a
minute of the faxes takes a second."""
_NEXT = """
What next:
  twilio-fax-compat scan .       what your program uses, and what becomes of it
  twilio-fax-compat doctor       what is missing on Telnyx's side
  twilio-fax-compat emulator     the simulated Telnyx for your own program
  README.md, MIGRATION.md        how to move, step by step"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = "Example: twilio-fax-compat demo"
    parser.add_argument(
        "--live",
        action="store_true",
        help="talk to the real Telnyx (TELNYX_API_KEY, TELNYX_CONNECTION_ID): faxes cost money",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the simulated Telnyx and its page until Ctrl-C"
    )
    parser.add_argument("--to", help="with --live: the number that receives two faxes")
    parser.add_argument("--from", dest="from_", help="with --live: your Telnyx number")
    parser.add_argument("--media-url", help="with --live: a PDF that Telnyx can fetch")
    parser.add_argument("--busy-to", help="with --live: a number that is busy")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit status."""
    if not arguments.live:
        print(_SIMULATED)
        status = _on_the_emulator(arguments.keep)
        print(_NEXT)
        return status
    needed = {
        "--to": arguments.to,
        "--from": arguments.from_,
        "--media-url": arguments.media_url,
        "TELNYX_API_KEY": os.environ.get("TELNYX_API_KEY"),
        "TELNYX_CONNECTION_ID": os.environ.get("TELNYX_CONNECTION_ID"),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        print("--live needs {}".format(", ".join(missing)), file=sys.stderr)
        return 2
    environ = {
        "FAX_TO": arguments.to,
        "FAX_FROM": arguments.from_,
        "FAX_MEDIA_URL": arguments.media_url,
        "FAX_BUSY_TO": arguments.busy_to or "",
        "TWILIO_ACCOUNT_SID": os.environ.get("TWILIO_ACCOUNT_SID") or "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": os.environ.get("TWILIO_AUTH_TOKEN") or "unused",
    }
    wire = _LoggedWire()
    with wire:
        _show_program(environ, wire.drain)
    return 0


def _on_the_emulator(keeps: bool) -> int:
    from twilio_fax_compat.testing import TelnyxEmulator

    with TelnyxEmulator(speed=60, outcomes={BUSY: "user_busy"}) as telnyx:
        environ = {
            **telnyx.environ,
            "FAX_TO": "+15005550009",
            "FAX_FROM": "+15005550006",
            "FAX_MEDIA_URL": "https://www.example.com/fax.pdf",
            "FAX_BUSY_TO": BUSY,
            "FAX_POLL_SECONDS": "0.05",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "unused",
        }
        printed = 0

        def drain() -> Iterator[str]:
            nonlocal printed
            for exchange in telnyx.journal[printed:]:
                printed += 1
                yield exchange_line(exchange)

        _show_program(environ, drain)
        if find_spec("flask") is None:
            print("\nTo see it receive faxes, too: pip install 'twilio-fax-compat[demo]'")
        else:
            from twilio_fax_compat.demo.callbacks import show_callbacks

            with _without_warnings():
                show_callbacks(telnyx, environ)
        if keeps:
            _keep(telnyx.url)
    return 0


def _keep(url: str) -> None:
    """Keep the emulator until Ctrl-C."""
    print(f"\nAll of it, with buttons, until Ctrl-C: {url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()


def _show_program(environ: Mapping[str, str], drain: Callable[[], Iterator[str]]) -> None:
    show_changes(PROGRAM, CHANGES)
    timeline = Timeline(drain)
    timeline.head("the program, written for Twilio", "requests to Telnyx")
    timeline.run(PROGRAM, CHANGES, environ)
    timeline.show_wire()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    # The warning that the application behind status_callback must be wrapped: this one is.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _LoggedWire(logging.Handler):
    """Collect the lines that the library logs for each request."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self._stack = contextlib.ExitStack()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def drain(self) -> Iterator[str]:
        while self._lines:
            yield self._lines.pop(0)

    def __enter__(self) -> _LoggedWire:
        logger = logging.getLogger("twilio_fax_compat")
        level = logger.level
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        self._stack.callback(logger.setLevel, level)
        self._stack.callback(logger.removeHandler, self)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
