"""``twilio-fax-compat migration``: the state of a gradual move, and the findings of the shadow stage."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from twilio_fax_compat._core.migration.counters import SHADOW_OK
from twilio_fax_compat._core.migration.plans import Plan
from twilio_fax_compat._core.translation.times import parse_period
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import ENVIRONMENT
from twilio_fax_compat.ledger._shared import shared_ledger
from twilio_fax_compat.migration import text_report as tables
from twilio_fax_compat.migration.finish import finish
from twilio_fax_compat.migration.flags import EnvironmentFlag
from twilio_fax_compat.migration.rollout import Rollout
from twilio_fax_compat.migration.summary import findings, ranked, sides

_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = "Example: twilio-fax-compat migration status --since 7d"
    commands = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    status = commands.add_parser(
        "status",
        help="the stage, and both providers side by side",
        epilog="Example: twilio-fax-compat migration status "
        "--ledger sqlite:////var/lib/myapp/fax.db --rollout file:rollout.json",
    )
    report = commands.add_parser(
        "report",
        help="the findings of the shadow stage, in groups",
        epilog="Example: twilio-fax-compat migration report --since 7d --json",
    )
    finishing = commands.add_parser(
        "finish",
        help="whether the stage complete is safe: what is left at the legacy provider",
        epilog="Example: twilio-fax-compat migration finish --rollout file:rollout.json",
    )
    for command in (status, finishing):
        command.add_argument(
            "--rollout",
            metavar="FLAG",
            help="a stage, file:PATH, or MODULE:NAME of the application's own flag; by default "
            "TWILIO_FAX_COMPAT_ROLLOUT",
        )
    for command in (status, report, finishing):
        command.add_argument(
            "--ledger", metavar="URL", help="the application's ledger, by default " + ENVIRONMENT
        )
        command.add_argument("--json", action="store_true", help="print JSON")
    for command in (status, report):
        command.add_argument(
            "--since",
            type=_period,
            default=("24h", 86400.0),
            metavar="PERIOD",
            help="how far to look back, as in 90m, 24h (the default), 7d or 2w",
        )


def run(arguments: argparse.Namespace) -> int:
    """
    Print what was asked for, and return the exit status.

    The exit status is 2 for a wrong setting, and 1 if the ledger cannot be reached or if `finish` finds
    that ``complete`` is not safe. Raises ImportError without the driver of the ledger's database.
    """
    try:
        ledger = shared_ledger(arguments.ledger or os.environ.get(ENVIRONMENT))
        text, is_good = _SUBJECTS[arguments.subject](arguments, ledger)
        ledger.close()
    except (TwilioException, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except LedgerUnavailable as error:
        print(f"the ledger cannot be reached: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if is_good else 1


def _status(arguments: argparse.Namespace, ledger: Ledger) -> tuple[str, bool]:
    rollout = _rollout(arguments.rollout)
    plan = rollout.plan() if rollout is not None else None
    word, seconds = arguments.since
    providers = sides(ledger.counts(seconds), ledger.recent(seconds))
    if not arguments.json:
        return tables.status(plan, rollout, word, providers), True
    data = {
        **({"stage": None} if plan is None else _plan_as_json(plan)),
        "source": rollout.source_name if rollout is not None else None,
        "trouble": rollout.trouble if rollout is not None else None,
        "since_seconds": seconds,
        "providers": {name: side.as_json() for name, side in providers.items()},
    }
    return json.dumps(data, indent=2), True


def _report(arguments: argparse.Namespace, ledger: Ledger) -> tuple[str, bool]:
    word, seconds = arguments.since
    by_kind = findings(ledger.counts(seconds))
    if not arguments.json:
        return tables.report(word, by_kind), True
    groups = {
        kind: [{"finding": detail, "times": times} for detail, times in ranked(counter)]
        for kind, counter in by_kind.items()
        if kind != SHADOW_OK
    }
    data = {"since_seconds": seconds, SHADOW_OK: sum(by_kind[SHADOW_OK].values()), **groups}
    return json.dumps(data, indent=2), True


def _finish(arguments: argparse.Namespace, ledger: Ledger) -> tuple[str, bool]:
    rollout = _rollout(arguments.rollout)
    found = finish(ledger, None if rollout is None else rollout.plan().stage)
    if arguments.json:
        return json.dumps(found.as_json(), indent=2), found.is_safe
    return tables.finish(found), found.is_safe


_SUBJECTS = {"status": _status, "report": _report, "finish": _finish}


def _plan_as_json(plan: Plan) -> dict[str, Any]:
    if plan.stage != "ramp":
        return {"stage": plan.stage}
    return {
        "stage": plan.stage,
        "percent": plan.percent,
        "key": plan.key,
        "allow": plan.sizes("allow"),
        "deny": plan.sizes("deny"),
    }


def _rollout(text: str | None) -> Rollout | None:
    """Return the roll-out that *text* or the environment names; None if neither does."""
    if text is None and not os.environ.get(EnvironmentFlag().name):
        return None
    module, colon, name = (text or "").partition(":")
    if not colon or module == "file" or not _MODULE.fullmatch(module):
        return Rollout.of(text)
    # So that the application is importable, as when it is started from this folder.
    sys.path.insert(0, str(Path.cwd()))
    try:
        return Rollout.of(getattr(import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"--rollout {module}:{name}: {error}") from error


def _period(text: str) -> tuple[str, float]:
    period = parse_period(text)
    if period is None:
        raise argparse.ArgumentTypeError("write a number and m, h, d or w, as in 24h")
    return text, period.total_seconds()
