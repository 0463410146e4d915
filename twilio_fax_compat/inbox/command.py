"""``twilio-fax-compat inbox``: the events that wait in the ledger for the application."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Callable, Sequence

from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.events import FaxEvent, stored_event
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable, WaitingEvent
from twilio_fax_compat.ledger._opening import ENVIRONMENT
from twilio_fax_compat.ledger._shared import shared_ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = "Example: twilio-fax-compat inbox list --ledger sqlite:////var/lib/myapp/fax.db"
    commands = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    listing = commands.add_parser(
        "list",
        help="what waits, how often it was tried, and why it was not delivered",
        epilog="Example: twilio-fax-compat inbox list --json",
    )
    listing.add_argument("--json", action="store_true", help="print JSON")
    retry = commands.add_parser(
        "retry",
        help="deliver events now, instead of after their pause",
        epilog="Example: twilio-fax-compat inbox retry --all",
    )
    drop = commands.add_parser(
        "drop",
        help="remove events without delivering them; they count as delivered",
        epilog="Example: twilio-fax-compat inbox drop FX0123456789abcdef0123456789abcdef",
    )
    for command in (retry, drop):
        command.add_argument(
            "names",
            nargs="*",
            metavar="EVENT",
            help="an event id, or a fax SID for all waiting events of that fax",
        )
        command.add_argument("--all", action="store_true", help="every waiting event")
    for command in (listing, retry, drop):
        command.add_argument(
            "--ledger", metavar="URL", help=f"the application's ledger (default: {ENVIRONMENT})"
        )
        command.add_argument(
            "--application",
            metavar="NAME",
            help="only the events of the middleware with this application=",
        )


def run(arguments: argparse.Namespace) -> int:
    """
    List, retry or drop the events, and return the exit status.

    It is 1 if a named event does not wait, or if the ledger cannot be reached, and 2 for a wrong
    argument or setting. Raises ImportError without the driver of the ledger's database.
    """
    if arguments.subject != "list" and arguments.all == bool(arguments.names):
        print(
            "name the events or a fax, or pass --all; `twilio-fax-compat inbox list` shows them",
            file=sys.stderr,
        )
        return 2
    try:
        ledger = shared_ledger(arguments.ledger or os.environ.get(ENVIRONMENT))
        try:
            if arguments.subject == "list":
                return _list(ledger, arguments)
            if arguments.subject == "retry":
                return _change(ledger, arguments, "due now", lambda key: ledger.postpone(key, 0.0))
            return _change(ledger, arguments, "dropped", ledger.finish)
        finally:
            ledger.close()
    except (TwilioException, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except LedgerUnavailable as error:
        print(f"the ledger cannot be reached: {error}", file=sys.stderr)
        return 1


def _list(ledger: Ledger, arguments: argparse.Namespace) -> int:
    rows = [_row(waiting) for waiting in _waiting(ledger, arguments.application)]
    if arguments.json:
        print(json.dumps({"waiting": rows}, indent=2))
        return 0
    if not rows:
        print("Nothing waits.")
        return 0
    for row in rows:
        due = "now" if row["due_in"] <= 0 else f"in {_period(row['due_in'])}"
        print(f"{row['event']}  {row['fax'] or '-':<34}  {row['type'] or '-'}")
        application = f", for {row['application']}" if row["application"] else ""
        print(
            f"    waits {_period(row['age'])}, taken {row['attempts']} times, due {due}{application}"
        )
        if row["reason"]:
            print(f"    {row['reason']}")
    print(f"{len(rows)} waiting")
    return 0


def _row(waiting: WaitingEvent) -> dict[str, Any]:
    event = stored_event(waiting.body)
    return {
        "event": waiting.event_id,
        "fax": _sid(event),
        "type": None if event is None else event.name,
        "application": waiting.application,
        "attempts": waiting.attempts,
        "age": round(waiting.age, 1),
        "due_in": round(waiting.due_in, 1),
        "reason": waiting.reason or None,
    }


def _change(
    ledger: Ledger, arguments: argparse.Namespace, what: str, change: Callable[[str], object]
) -> int:
    names: Sequence[str] = arguments.names
    missing = set(names)
    changed = 0
    for waiting in list(_waiting(ledger, arguments.application)):
        sid = _sid(stored_event(waiting.body))
        if arguments.all or waiting.event_id in names or sid in names:
            missing -= {waiting.event_id, sid or ""}
            change(waiting.event_id)
            changed += 1
            print(f"{waiting.event_id}  {sid or '-'}  {what}")
    for name in names:
        if name in missing:
            print(f"{name}: no such event waits", file=sys.stderr)
    print(f"{changed} {what}")
    return 1 if missing else 0


def _waiting(ledger: Ledger, application: str | None) -> list[WaitingEvent]:
    return [
        waiting
        for waiting in ledger.waiting_events()
        if application is None or waiting.application == application
    ]


def _sid(event: FaxEvent | None) -> str | None:
    return None if event is None else fax_sid(event.fax_id)


def _period(seconds: float) -> str:
    for name, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
