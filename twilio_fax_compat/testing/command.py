"""``twilio-fax-compat emulator``."""

from __future__ import annotations

import argparse
import signal
from threading import Event


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the port, by default any free one")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="virtual seconds in a real one (default 1)"
    )
    parser.add_argument("--webhook-url", help="where events go that have no URL of their own")
    parser.add_argument(
        "--outcome",
        action="append",
        default=[],
        metavar="NUMBER=REASON",
        help="how faxes to a number end, for instance +15005550001=user_busy",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until the process is told to stop, and return the exit status."""
    from twilio_fax_compat.testing import TelnyxEmulator

    done = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    emulator = TelnyxEmulator(
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
        webhook_url=arguments.webhook_url,
        outcomes=dict(outcome.split("=", 1) for outcome in arguments.outcome),
        journal_limit=1000,
    )
    with emulator:
        for name, value in emulator.environ.items():
            print(f"export {name}={value}", flush=True)
        done.wait()
    return 0
