"""``twilio-fax-compat fax``: what is known of one fax, and the end of a send that was not sent."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import Any, Mapping, Sequence

from twilio_fax_compat._core.attempts import TELNYX
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.fax_api.lookup import LOOKUP_PAGE_SIZE
from twilio_fax_compat._core.fax_api.reading import readable_list, resource_of
from twilio_fax_compat._core.fax_api.remembering import COMMAND
from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.messages import JSON, Failure, Outcome, Send, TelnyxRequest
from twilio_fax_compat._core.translation.client_state import token_of
from twilio_fax_compat._core.translation.ids import fax_id_of, fax_sid
from twilio_fax_compat._core.translation.send_keys import key_of_name
from twilio_fax_compat._core.translation.statuses import twilio_status
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.fax.purge import purge
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import ENVIRONMENT
from twilio_fax_compat.ledger._shared import shared_ledger
from twilio_fax_compat.ledger.processes import is_in_progress
from twilio_fax_compat.ledger.remembered_sends import key_of_token, release, remembered_sends
from twilio_fax_compat.settings import TelnyxSettings

_TOKEN = re.compile(r"[0-9a-f]{32}")
_PAGES = 20  # of Telnyx's list, read at most for a token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.usage = (
        "twilio-fax-compat fax [-h] [--ledger URL] [--json] FAX\n"
        f"       {COMMAND} [--ledger URL] KEY\n"
        "       twilio-fax-compat fax purge [--ledger URL] [--store URL] FAX..."
    )
    parser.epilog = "Example: twilio-fax-compat fax FX0123456789abcdef0123456789abcdef --json"
    parser.add_argument(
        "words",
        nargs="+",
        metavar="FAX",
        help="a Twilio SID, a Telnyx id, a client_state or its token, or the KEY that an error names; "
        "'release KEY' says that the sends of KEY were not sent, so that an equal create sends anew; "
        "'purge FAX...' removes what the ledger and the stored documents have of these faxes",
    )
    parser.add_argument(
        "--ledger", metavar="URL", help="the application's ledger; the default is " + ENVIRONMENT
    )
    parser.add_argument(
        "--store", metavar="URL", help="with purge: the documents, as in Media(store=...)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """
    Show a fax, release a key, or purge faxes, and return the exit status.

    The exit status is 1 if nothing is known, nothing was released, something could not be purged, or
    the ledger cannot be reached, and 2 for a wrong argument or setting. Raises ImportError without
    fsspec for ``--store``.
    """
    words = arguments.words
    url = arguments.ledger or os.environ.get(ENVIRONMENT)
    try:
        if words[0] == "release" and len(words) == 2:
            return _release(words[1], url)
        if words[0] == "purge":
            return _purge(words[1:], _ledger(url), arguments.store)
        return _show(words, url, arguments)
    except (TwilioException, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except LedgerUnavailable as error:
        print(f"the ledger cannot be reached: {error}", file=sys.stderr)
        return 1


def _release(name: str, url: str | None) -> int:
    if not _TOKEN.fullmatch(name):
        raise ValueError("KEY must be the 32 hexadecimal digits that the error names")
    ledger = _ledger(url)
    if ledger is None:
        raise ValueError(f"pass --ledger URL, or set {ENVIRONMENT} to the application's ledger")
    key = key_of_name(name)
    entries = remembered_sends(ledger, key)
    busy = sum(is_in_progress(entry) for entry in entries.values())
    number = release(ledger, key, [t for t, entry in entries.items() if not is_in_progress(entry)])
    if busy:
        print(f"still in progress, and not released: {busy}", file=sys.stderr)
    if not number:
        print(f"no send without a known end is remembered under {name}", file=sys.stderr)
        return 1
    print(f"released: {number}. The next equal create sends the fax.")
    return 0


def _purge(words: Sequence[str], ledger: Ledger | None, store: str | None) -> int:
    is_done = True
    for sid, purged in purge(words, ledger, store):
        print(f"{sid}: {', '.join(purged.texts)}")
        is_done = is_done and purged.is_done
        if not purged.is_final:
            print(
                f"{sid}: its end was not reported yet. A later event stores facts again: purge it "
                "again then",
                file=sys.stderr,
            )
    if ledger is not None and not ledger.erase():
        print(
            "The ledger removes the deleted content from its files later: SQLite when the other "
            "processes pause, PostgreSQL with VACUUM. Its backups are yours to delete.",
            file=sys.stderr,
        )
    print("Telnyx keeps its own record until client.fax.faxes(sid).delete().")
    return 0 if is_done else 1


def _show(words: Sequence[str], url: str | None, arguments: argparse.Namespace) -> int:
    if arguments.store is not None:
        raise ValueError("--store goes with purge")
    if len(words) != 1:
        raise ValueError(f"give one fax, or write: {COMMAND} KEY")
    word = words[0]
    identifier = fax_id_of(word)
    token = token_of(word) or (word if _TOKEN.fullmatch(word) else None)
    if identifier is not None:
        data = _fax(identifier, _ledger(url))
    elif token is not None:
        data = _send(token, _ledger(url))
    else:
        raise ValueError(
            f"{word[:12]}... is not a Twilio SID, a Telnyx id, a client_state of this package, a "
            "token or a KEY"
        )
    is_known = data.pop("is_known")
    print(json.dumps(data, indent=2) if arguments.json else _text(data))
    return 0 if is_known else 1


def _fax(identifier: str, ledger: Ledger | None) -> dict[str, Any]:
    facts = NOTHING_KNOWN
    if ledger is not None:
        facts = ledger.recall((identifier,)).get(identifier, NOTHING_KNOWN)
    telnyx, resource = _ask(f"/faxes/{identifier}")
    return {
        "is_known": resource is not None or facts != NOTHING_KNOWN,
        "sid": fax_sid(identifier),
        "telnyx_id": identifier,
        "provider": facts.provider or (TELNYX if resource else None),
        "telnyx": telnyx,
        **_resource(resource, facts),
        "ledger": _facts(facts) if ledger is not None else "not asked: pass --ledger URL",
        "callbacks": _callbacks(facts),
    }


def _send(word: str, ledger: Ledger | None) -> dict[str, Any]:
    """Return what is known of a token or a key, *word*."""
    key = key_of_name(word)
    entries: dict[str, Mapping[str, Any]] = {}
    if ledger is not None:
        key = key_of_token(ledger, word) or key
        entries = dict(remembered_sends(ledger, key))
        if word in entries:
            entries = {word: entries[word]}
    tokens = list(entries) or [word]
    telnyx, resource = _find(tokens)
    data: dict[str, Any] = {
        "is_known": bool(entries) or resource is not None,
        "key": key.rpartition(":")[2] if entries else None,
        "sends": [
            {
                "token": token,
                "provider": entry.get("provider"),
                "state": "in progress" if is_in_progress(entry) else "may have been sent",
            }
            for token, entry in entries.items()
        ],
        "telnyx": telnyx,
        "sid": fax_sid(resource.get("id")) if resource else None,
        **_resource(resource, NOTHING_KNOWN),
    }
    if entries:
        data["release"] = f"{COMMAND} {data['key']}"
    return data


def _resource(resource: JSON | None, facts: Facts) -> dict[str, Any]:
    if resource is None:
        return {}
    status = twilio_status(
        resource.get("status"),
        resource.get("direction"),
        resource.get("failure_reason") or facts.failure_reason,
        facts.cancel_asked,
    )
    return {
        "status": status,
        "telnyx_status": resource.get("status"),
        "direction": resource.get("direction"),
        "from": mask_number(resource.get("from")),
        "to": mask_number(resource.get("to")),
        "created_at": resource.get("created_at"),
    }


def _facts(facts: Facts) -> dict[str, Any]:
    values = {
        "status": facts.status,
        "failure_reason": facts.failure_reason,
        "pages": facts.page_count,
        "duration": facts.duration,
        "cancel_asked": facts.cancel_asked or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _callbacks(facts: Facts) -> str:
    if facts.reported:
        return f"delivered up to the final status ({facts.reported})"
    if facts.status and facts.provider in (None, TELNYX):
        return f"Telnyx reported {facts.status}; the application has not accepted it yet"
    return "none of a final status"


def _ask(path: str) -> tuple[str, JSON | None]:
    send = _sender()
    if send is None:
        return "not asked: set TELNYX_API_KEY", None
    outcome = send(TelnyxRequest("GET", path, timeout=20.0))
    return _answered(outcome), resource_of(outcome)


def _find(tokens: list[str]) -> tuple[str, JSON | None]:
    """Look for a fax with one of *tokens* in Telnyx's list."""
    send = _sender()
    if send is None:
        return "not asked: set TELNYX_API_KEY", None
    for number in range(1, _PAGES + 1):
        query = (
            ("filter[direction][eq]", "outbound"),
            ("page[number]", str(number)),
            ("page[size]", str(LOOKUP_PAGE_SIZE)),
        )
        outcome = send(TelnyxRequest("GET", "/faxes", query, timeout=20.0))
        page = readable_list(outcome)
        if page is None:
            return _answered(outcome), None
        faxes, is_last = page
        for fax in faxes:
            if token_of(fax.get("client_state")) in tokens:
                return "has it", fax
        if is_last:
            return "does not have it", None
    return f"not found in the first {_PAGES * LOOKUP_PAGE_SIZE} faxes of its list", None


def _answered(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return "gave no answer: " + outcome.summary
    if outcome.status == 404:
        return "does not have it"
    return "has it" if outcome.status == 200 else f"answered HTTP {outcome.status}"


def _sender() -> Send | None:
    if not os.environ.get("TELNYX_API_KEY"):
        return None
    # Reading needs no Fax Application.
    settings = TelnyxSettings(connection_id=os.environ.get("TELNYX_CONNECTION_ID") or "0")
    return sender(settings.completed(os.environ))


def _text(data: Mapping[str, Any]) -> str:
    lines = []
    for name, value in data.items():
        if name == "sends":
            for number, entry in enumerate(value, 1):
                text = "{state} by {provider}, token {token}".format(**entry)
                lines.append((f"send {number}", text))
        elif isinstance(value, dict):
            text = ", ".join(f"{key} {item}" for key, item in value.items())
            lines.append((name, text or "nothing"))
        elif value is not None:
            lines.append((name.replace("_", " "), str(value)))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in lines)


def _ledger(url: str | None) -> Ledger | None:
    return shared_ledger(url) if url else None
