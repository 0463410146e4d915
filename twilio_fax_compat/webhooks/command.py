"""``twilio-fax-compat callbacks``: deliver the events that an application missed."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from datetime import timedelta
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from twilio_fax_compat._core.translation.times import parse_period
from twilio_fax_compat._progress import Progress
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import ENVIRONMENT
from twilio_fax_compat.ledger._shared import shared_ledger
from twilio_fax_compat.settings import ENVIRONMENT as SETTINGS
from twilio_fax_compat.webhooks._catch_up import CatchUp, CaughtUpEvent, catch_up

_CONNECTION = SETTINGS["connection_id"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = "Example: twilio-fax-compat callbacks catch-up --since 6h --dry-run"
    commands = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    command = commands.add_parser(
        "catch-up",
        help="deliver the events that Telnyx could not deliver",
        description="Read the events that Telnyx could not deliver from Telnyx, with the API key, and "
        "deliver them, oldest first. Events that were delivered before are not delivered again, so the "
        "command may run while webhooks arrive, and more than once.",
        epilog="Example: twilio-fax-compat callbacks catch-up --since 2d --app mysite.wsgi:application",
    )
    command.add_argument(
        "--since",
        type=_period,
        default=timedelta(hours=24),
        metavar="PERIOD",
        help="how far to look back, as in 90m, 6h, 24h (the default), 7d or 2w",
    )
    command.add_argument(
        "--all", action="store_true", help="take the events that Telnyx delivered, too"
    )
    command.add_argument("--dry-run", action="store_true", help="only list the events")
    target = command.add_mutually_exclusive_group()
    target.add_argument(
        "--app",
        metavar="MODULE:NAME",
        help="deliver in this process to this WSGI or ASGI application, as in mysite.wsgi:application; "
        "by default the events go to the ledger's inbox, from which an application with inbox=True "
        "delivers them",
    )
    target.add_argument(
        "--facts-only",
        action="store_true",
        help="deliver nothing, but store page counts, durations and failure reasons in the ledger",
    )
    command.add_argument(
        "--ledger", metavar="URL", help=f"the application's ledger (default: {ENVIRONMENT})"
    )
    command.add_argument(
        "--application",
        metavar="NAME",
        default="",
        help="the middleware's application=, if several applications share the ledger",
    )
    command.add_argument(
        "--url", metavar="URL", help="deliver to this URL instead of the one that Telnyx tried"
    )
    command.add_argument(
        "--strip-prefix",
        metavar="PATH",
        default="",
        help="the start of the URL's path that a proxy removes before the application",
    )
    command.add_argument(
        "--connection",
        metavar="ID",
        help=f"the Fax Application whose events to take, or any (default: {_CONNECTION}, else any)",
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Catch up, print the events and return the exit status.

    It is 2 for a missing or wrong setting. It is 1 if Telnyx or the ledger cannot be reached, or if an event
    was not delivered. Raises ImportError if a package is missing.
    """
    environ = dict(os.environ)
    if arguments.connection is not None:
        environ[_CONNECTION] = "" if arguments.connection == "any" else arguments.connection
    try:
        app, ledger = _target(arguments)
        with ExitStack() as stack:
            if ledger is not None:
                stack.callback(ledger.close)
            result = catch_up(
                app,
                since=arguments.since,
                ledger=ledger,
                facts_only=arguments.facts_only,
                include_delivered=arguments.all,
                dry_run=arguments.dry_run,
                url=arguments.url,
                strip_prefix=arguments.strip_prefix,
                application=arguments.application,
                environ=environ,
                progress=stack.enter_context(Progress()),
            )
    except LedgerUnavailable as error:
        print(f"the ledger cannot be reached: {error}", file=sys.stderr)
        return 1
    except (TwilioException, ValueError) as error:
        print(error, file=sys.stderr)
        return 1 if hasattr(error, "status") else 2
    for event in result.events:
        print(_line(event))
    print(_summary(result))
    return 0 if result.is_done else 1


def _target(arguments: argparse.Namespace) -> tuple[Any, Ledger | None]:
    if arguments.dry_run:
        return None, None
    if arguments.app is not None:
        return _application(arguments.app), None
    return None, shared_ledger(arguments.ledger or os.environ.get(ENVIRONMENT))


def _application(text: str) -> Any:
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise ValueError("--app must be MODULE:NAME, as in mysite.wsgi:application")
    # As a server that is started from here would find the module.
    sys.path.insert(0, str(Path.cwd()))
    try:
        return attrgetter(name)(import_module(module))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"--app {text}: {error}") from error


def _line(event: CaughtUpEvent) -> str:
    moment = event.occurred_at
    when = "-" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{when:<20}  {event.sid}  {event.event_type:<28}  {event.at_telnyx:<9}  {event.result}"


def _summary(result: CatchUp) -> str:
    counts = ", ".join(f"{number} {name}" for name, number in sorted(result.counts.items()))
    lines = [f"events: {len(result.events)}" + (f" ({counts})" if counts else "")]
    if result.of_others:
        lines.append(
            f"left out: {result.of_others} of other Fax Applications; to take them, pass --connection any"
        )
    if result.unreadable:
        lines.append(f"left out: {result.unreadable} without an event id or a fax id")
    if not result.is_complete:
        lines.append("Telnyx's list kept changing while it was read: run the command again")
    if "refused" in result.counts:
        lines.append("refused: the log says why; fix the application and run the command again")
    if "no-url" in result.counts:
        lines.append("no-url: Telnyx's record has no URL; pass --url")
    return "\n".join(lines)


def _period(text: str) -> timedelta:
    period = parse_period(text)
    if period is None:
        raise argparse.ArgumentTypeError("write a number and m, h, d or w, as in 24h")
    return period
