"""``twilio-fax-compat emulator``: a local Telnyx for programs in any language."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from threading import Event

from twilio_fax_compat.testing.failure_reasons import check_outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = (
        "Example: twilio-fax-compat emulator --port 8001 --outcome +15005550001=user_busy"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=0, help="the port (default: any free port)")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="virtual seconds per real second (default 1)"
    )
    parser.add_argument(
        "--api-key", help="the API key that clients must send (default: a fixed one)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="makes TELNYX_PUBLIC_KEY, which is the same at each start (default 0)",
    )
    parser.add_argument("--webhook-url", help="the URL for events of faxes without a webhook_url")
    parser.add_argument(
        "--outcome",
        action="append",
        default=[],
        type=_outcome,
        metavar="NUMBER=REASON",
        help="how faxes to a number end, as in +15005550001=user_busy; may be repeated",
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Print the environment variables, serve until SIGINT or SIGTERM, and return the exit status.

    The status is 1 if the address cannot be used. Raises ImportError without the emulator's extra.
    """
    from twilio_fax_compat.testing import TelnyxEmulator

    done = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    emulator = TelnyxEmulator(
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
        seed=arguments.seed,
        webhook_url=arguments.webhook_url,
        outcomes=dict(arguments.outcome),
        journal_limit=1000,
        **({"api_key": arguments.api_key} if arguments.api_key else {}),
    )
    try:
        emulator.start()
    except OSError as error:
        print(f"cannot listen on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 1
    for name, value in emulator.environ.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    print(f"the page: {emulator.url}", file=sys.stderr, flush=True)
    done.wait()
    emulator.stop()
    return 0


def _outcome(text: str) -> tuple[str, str]:
    number, equals, reason = text.partition("=")
    if not (number and equals and reason):
        raise argparse.ArgumentTypeError("write NUMBER=REASON, as in +15005550001=user_busy")
    try:
        check_outcome(reason)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).partition(" To simulate")[0]) from None
    return number, reason
