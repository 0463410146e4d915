"""``twilio-fax-compat doctor``: what is missing on Telnyx's side and on this one, before the first fax."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import textwrap
import time
from datetime import datetime, timezone
from typing import Iterator, Mapping
from urllib.parse import urlsplit

from attrs import evolve

from twilio_fax_compat._core.doctor import checks as account
from twilio_fax_compat._core.doctor.checks import FAILED, OK, UNKNOWN, WARNING, Answer, Check
from twilio_fax_compat._core.doctor.countries import country_of
from twilio_fax_compat._core.masking import mask, mask_number
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.doctor import local
from twilio_fax_compat.doctor.telnyx import TIMEOUT, Questions
from twilio_fax_compat.settings import TelnyxSettings

WAIT = 300.0
"""Seconds for which `--send` waits for the end of the fax."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MARKS: Mapping[str, str] = {OK: "ok", WARNING: "WARN", FAILED: "FAIL", UNKNOWN: "?"}
_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = "Example: twilio-fax-compat doctor --from +14155550100 --webhook-url https://app.example.com/fax"
    parser.add_argument(
        "--from",
        dest="sender",
        type=_number,
        metavar="NUMBER",
        help="the number that faxes come from",
    )
    parser.add_argument(
        "--to",
        type=_number,
        action="append",
        default=[],
        metavar="NUMBER",
        help="a number to send to: is its country allowed? May be repeated",
    )
    parser.add_argument(
        "--webhook-url",
        metavar="URL",
        help="the URL that the application answers; by default the Fax Application's",
    )
    parser.add_argument(
        "--webhook",
        metavar="FILE",
        help="a recorded webhook, headers and raw body: does the public key verify it?",
    )
    parser.add_argument("--ledger", metavar="URL", help="the application's ledger")
    parser.add_argument(
        "--send",
        type=_number,
        metavar="NUMBER",
        help="send one fax, which costs money, and wait for its end; needs --from and --media-url",
    )
    parser.add_argument("--media-url", metavar="URL", help="with --send: the document")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """
    Check, print the findings, and return the exit status: 0 if nothing failed, else 1.

    It is 2 for a wrong argument. Nothing is sent without ``--send``.
    """
    if arguments.send and not (arguments.sender and arguments.media_url):
        print("--send needs --from NUMBER and --media-url URL", file=sys.stderr)
        return 2
    found = []
    for check in _checks(arguments, dict(os.environ)):
        found.append(check)
        if not arguments.json:
            _show(check)
    is_ok = account.is_healthy(found)
    if arguments.json:
        data = {"ok": is_ok, "checks": [check.as_json() for check in found]}
        print(json.dumps(data, indent=2))
    else:
        failed = sum(check.status == FAILED for check in found)
        print("\nNothing failed." if is_ok else f"\n{failed} failed: begin with the first.")
    return 0 if is_ok else 1


def _checks(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[Check]:
    settings_checks = local.checked_settings(environ, arguments.webhook)
    yield from settings_checks
    webhook_url = arguments.webhook_url
    application = Answer(0, error="not asked")
    try:
        settings = TelnyxSettings().completed(environ)
        send = sender(evolve(settings, timeout=TIMEOUT, connect_timeout=5.0))
    except TwilioException as error:
        if all(check.saw != str(error) for check in settings_checks):
            yield Check("network", FAILED, str(error), "", "correct what the text names")
    else:
        questions = Questions(send)
        application = questions.one(f"/fax_applications/{settings.connection_id}")
        yield local.checked_network(settings, questions.failure)
        if questions.failure is None:
            yield from _account(questions, application, arguments)
    if webhook_url is None and isinstance(application.data, dict):
        shown = application.data.get("webhook_event_url")
        webhook_url = shown if isinstance(shown, str) and shown else None
    yield local.checked_middleware(webhook_url)
    yield local.checked_ledger(arguments.ledger, environ)
    links = local.checked_media_links(environ)
    if links is not None:
        yield links
    yield from local.checked_migration(environ)
    if arguments.send:
        yield _sent(arguments)


def _account(
    questions: Questions, application: Answer, arguments: argparse.Namespace
) -> Iterator[Check]:
    now = datetime.now(timezone.utc)
    yield account.checked_clock(questions.date, now)
    key = account.checked_key(application)
    yield key
    if key.status == FAILED:
        return
    expected = arguments.webhook_url
    if expected is None and os.environ.get(local.PUBLIC_URL):
        expected = _with_path_of(os.environ[local.PUBLIC_URL], application)
    yield from account.checked_application(application, expected)
    profile = account.profile_of(application)
    answer = questions.one(f"/outbound_voice_profiles/{profile}") if profile else None
    wanted = [*arguments.to, *([arguments.send] if arguments.send else [])]
    countries = {country for country in map(country_of, wanted) if country is not None}
    yield account.checked_profile(application, answer, countries)
    if isinstance(application.data, dict):
        connection = str(application.data.get("id") or "")
        numbers = questions.all("/phone_numbers", ("filter[connection_id]", connection))
        yield from account.checked_numbers(numbers, arguments.sender)
    yield account.checked_balance(questions.one("/balance"))
    yield account.checked_deliveries(questions.failed_deliveries(now))


def _with_path_of(root: str, application: Answer) -> str | None:
    """Return the Fax Application's webhook URL as it would be below *root*, or None."""
    shown = (
        application.data.get("webhook_event_url") if isinstance(application.data, dict) else None
    )
    if not isinstance(shown, str) or not shown:
        return None
    parts, mine = urlsplit(shown), urlsplit(root)
    if parts.path.startswith(mine.path.rstrip("/")):
        return parts._replace(scheme=mine.scheme, netloc=mine.netloc).geturl()
    return root


def _sent(arguments: argparse.Namespace) -> Check:
    from twilio_fax_compat.rest import Client

    name, why = "fax", "it shows that everything works together"
    to = mask_number(arguments.send)
    try:
        client = Client(ledger=arguments.ledger)
        fax = client.fax.faxes.create(arguments.send, arguments.media_url, from_=arguments.sender)
        end = time.monotonic() + WAIT
        while fax.status in ("queued", "processing", "sending") and time.monotonic() < end:
            time.sleep(1.0)
            fax = client.fax.faxes(fax.sid).fetch()
    except TwilioRestException as error:
        return Check(name, FAILED, mask(str(error)), why, "see MIGRATION.md, Errors")
    except TwilioException as error:
        return Check(name, FAILED, str(error), why, "correct the setting that the text names")
    saw = f"{fax.sid} to {to} is {fax.status}"
    if fax.status == "delivered":
        return Check(name, OK, saw, why)
    if fax.status in ("queued", "processing", "sending"):
        text = f"ask again: twilio-fax-compat fax {fax.sid}"
        return Check(name, WARNING, f"{saw} after {WAIT:.0f} s", why, text)
    return Check(name, FAILED, saw, why, f"twilio-fax-compat fax {fax.sid} shows the reason")


def _show(check: Check) -> None:
    head = f"{_MARKS[check.status]:<5}{check.name:<24}"
    print(_wrapped(check.saw, head))
    if check.status != OK:
        if check.why:
            print(_wrapped(check.why, " " * len(head)))
        if check.next:
            print(_wrapped(check.next, " " * (len(head) - 3) + "-> "))
    sys.stdout.flush()


def _wrapped(text: str, head: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _number(text: str) -> str:
    if not _E164.fullmatch(text):
        raise argparse.ArgumentTypeError("write the number in E.164, as +14155550100")
    return text
