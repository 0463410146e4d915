"""
The checks of a Telnyx account, as functions of Telnyx's answers.

The fields, and where they come from: the types of Telnyx's SDK
(https://github.com/team-telnyx/telnyx-python) and
https://developers.telnyx.com/api-reference/fax-applications/retrieve-a-fax-application. All are optional:
what Telnyx does not show is not known, and never wrong.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from attrs import field, frozen

from twilio_fax_compat._core.masking import mask, mask_number

OK, WARNING, FAILED, UNKNOWN = "ok", "warning", "failed", "unknown"

TOLERANCE = 300.0
"""Seconds by which clocks may differ before signatures of webhooks are refused, as in Telnyx's SDK."""

LOW_BALANCE = 1.0
"""Below this amount, in the account's currency, a few faxes are left."""


@frozen
class Check:
    """
    What one check found.

    *saw* is what is there, *why* says what depends on it, and *next* what to do, an empty text if nothing.
    None of them has a full number or a key.
    """

    name: str
    status: str
    saw: str
    why: str = ""
    next: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the values for JSON."""
        return {
            "name": self.name,
            "status": self.status,
            "saw": self.saw,
            "next": self.next,
        }


@frozen
class Answer:
    """
    Telnyx's answer to one question: its HTTP *status*, and the *data* of its body.

    Without an answer the status is 0 and *error* says why. *is_complete* is False if more pages were
    not read.
    """

    status: int
    data: Any = field(default=None, repr=False)
    error: str = ""
    is_complete: bool = True

    @property
    def text(self) -> str:
        """What came instead of the data."""
        return f"HTTP {self.status}" if self.status else self.error or "no answer"


def checked_clock(date: datetime | None, now: datetime) -> Check:
    """Compare Telnyx's ``Date`` with the clock of this machine, *now*."""
    name, why = "clock", "webhook signatures and links to documents expire after minutes"
    if date is None:
        return Check(name, UNKNOWN, "Telnyx's answer has no Date", why)
    off = (now - date).total_seconds()
    saw = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Telnyx's"
    if abs(off) > TOLERANCE:
        return Check(name, FAILED, saw, why, "synchronise the clock, for example with chrony")
    if abs(off) > TOLERANCE / 10:
        return Check(name, WARNING, saw, why, "synchronise the clock, for example with chrony")
    return Check(name, OK, saw, why)


def checked_key(answer: Answer) -> Check:
    """Say whether Telnyx accepts the API key, from the answer to any question."""
    name, why = "api key", "every request needs it"
    if answer.status in (401, 403):
        return Check(
            name,
            FAILED,
            f"Telnyx refuses it with {answer.text}",
            why,
            "copy a V2 key (KEY...) from the portal, API Keys, into TELNYX_API_KEY",
        )
    if not answer.status or answer.status >= 500 or answer.status == 429:
        return Check(name, UNKNOWN, answer.text, why, "run the command again in a minute")
    return Check(name, OK, "Telnyx accepts it", why)


def checked_application(answer: Answer, webhook_url: str | None) -> list[Check]:
    """
    Check the Fax Application: whether it exists and is active, and where its events go.

    *webhook_url* is the URL that the application answers, if it is known.
    """
    name, why = "fax application", "it sends the faxes, and says where events go"
    if answer.status in (404, 422):
        return [
            Check(
                name,
                FAILED,
                "Telnyx has no Fax Application with this id",
                why,
                "copy the id from the portal, Fax Applications, into TELNYX_CONNECTION_ID",
            )
        ]
    if not isinstance(answer.data, dict):
        return [Check(name, UNKNOWN, answer.text, why)]
    data = answer.data
    title = mask(str(data.get("application_name") or "no name"))
    checks = []
    if data.get("active") is False:
        text = "activate it in the portal, Fax Applications"
        checks.append(Check(name, FAILED, f"{title} is not active", why, text))
    elif "active" in data:
        checks.append(Check(name, OK, f"{title} is active", why))
    else:
        checks.append(Check(name, UNKNOWN, f"{title} does not say whether it is active", why))
    checks.append(_checked_webhook(data.get("webhook_event_url"), webhook_url))
    timeout = data.get("webhook_timeout_secs")
    if isinstance(timeout, (int, float)) and not isinstance(timeout, bool) and 0 < timeout < 2:
        checks.append(
            Check(
                "webhook timeout",
                WARNING,
                f"Telnyx waits {timeout} s for the application",
                "an event that is not answered in time is delivered again",
                "set it to 5 s in the portal, or use inbox=True",
            )
        )
    return checks


def _checked_webhook(url: object, expected: str | None) -> Check:
    name, why = "webhook url", "callbacks and received faxes come through it"
    step = "set it in the portal, Fax Applications, to the URL that Twilio's number had"
    if not isinstance(url, str):
        return Check(name, UNKNOWN, "the application does not show one", why)
    if not url:
        return Check(name, WARNING, "the application has none", why, step)
    saw = place_of(url)
    if expected and url.partition("?")[0].rstrip("/") != expected.partition("?")[0].rstrip("/"):
        return Check(name, WARNING, f"{saw}, and not {place_of(expected)}", why, step)
    if not url.startswith("https://"):
        return Check(name, WARNING, f"{saw} is not https", why, "events have numbers: use https")
    return Check(name, OK, saw, why)


def place_of(url: str) -> str:
    """Return a *url* without credentials and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def profile_of(answer: Answer) -> str | None:
    """Return the id of the outbound voice profile of a Fax Application, or None if it is not known."""
    outbound = answer.data.get("outbound") if isinstance(answer.data, dict) else None
    profile = outbound.get("outbound_voice_profile_id") if isinstance(outbound, dict) else None
    return str(profile) if profile else None


def checked_profile(application: Answer, answer: Answer | None, countries: Iterable[str]) -> Check:
    """
    Check the outbound voice profile of *application*, from the *answer* about it.

    *countries* are those of the numbers to send to, as ISO 3166 alpha-2.
    """
    name, why = "outbound voice profile", "without one, Telnyx sends no fax"
    if answer is None:
        if not isinstance(application.data, dict) or "outbound" not in application.data:
            return Check(name, UNKNOWN, "the application does not show one", why)
        text = "attach one in the portal: Fax Applications, Outbound"
        return Check(name, FAILED, "the application has none", why, text)
    if not isinstance(answer.data, dict):
        return Check(name, UNKNOWN, answer.text, why)
    data = answer.data
    if data.get("enabled") is False:
        return Check(name, FAILED, "it is disabled", why, "enable it in the portal, Voice Profiles")
    allowed = data.get("whitelisted_destinations")
    if isinstance(allowed, list):
        missing = sorted(set(countries) - {str(code).upper() for code in allowed})
        if missing:
            return Check(
                name,
                FAILED,
                f"it does not allow {', '.join(missing)}",
                "Telnyx refuses faxes to other countries",
                "add the countries in the portal, Voice Profiles",
            )
    if data.get("daily_spend_limit_enabled") is True:
        limit = data.get("daily_spend_limit")
        return Check(
            name,
            WARNING,
            f"it is enabled, with a spend limit of {limit} a day",
            "Telnyx sends nothing more on a day when the limit is reached",
            "raise the limit if you send more",
        )
    saw = "it is enabled" if data.get("enabled") is True else "it does not say that it is disabled"
    return Check(name, OK, saw, why)


def checked_numbers(answer: Answer, sender: str | None) -> list[Check]:
    """Check the numbers of the Fax Application, and *sender*, the number that faxes come from."""
    name, why = "numbers", "a fax is sent from, and received at, a number of the application"
    if not isinstance(answer.data, list):
        return [Check(name, UNKNOWN, answer.text, why)]
    numbers = [item for item in answer.data if isinstance(item, dict)]
    states = {str(item.get("phone_number")): item.get("status") for item in numbers}
    more = "" if answer.is_complete else " or more"
    if not numbers:
        return [
            Check(
                name,
                FAILED,
                "the application has none",
                why,
                "buy or port a number, and assign it to the application in the portal, Numbers",
            )
        ]
    waiting = [number for number, state in states.items() if state not in (None, "active")]
    checks = []
    if waiting:
        shown = ", ".join(f"{mask_number(number)} is {states[number]}" for number in waiting[:5])
        text = "see the portal, Numbers, for what is missing"
        checks.append(Check(name, WARNING, f"{len(numbers)}{more}; {shown}", why, text))
    else:
        checks.append(Check(name, OK, f"{len(numbers)}{more}, all active", why))
    if sender is not None and sender not in states:
        status = FAILED if answer.is_complete else UNKNOWN
        checks.append(
            Check(
                "sender",
                status,
                f"{mask_number(sender)} is not a number of the application",
                "Telnyx refuses a fax from it",
                "assign it to the application, or send from another",
            )
        )
    elif sender is not None:
        checks.append(
            Check("sender", OK, f"{mask_number(sender)} is a number of the application", why)
        )
    return checks


def checked_balance(answer: Answer) -> Check:
    """Check the balance of the account."""
    name, why = "balance", "Telnyx sends nothing without credit"
    data = answer.data if isinstance(answer.data, dict) else {}
    try:
        credit = float(data["available_credit"])
    except (KeyError, TypeError, ValueError):
        return Check(name, UNKNOWN, answer.text if not data else "it is not shown", why)
    saw = f"{credit:.2f} {data.get('currency') or ''}".strip()
    if credit <= 0:
        return Check(name, FAILED, saw, why, "add credit in the portal, Billing")
    if credit < LOW_BALANCE:
        return Check(name, WARNING, saw, why, "add credit in the portal, Billing")
    return Check(name, OK, saw, why)


def checked_deliveries(answer: Answer) -> Check:
    """Check the webhooks that Telnyx could not deliver in the last day."""
    name, why = "failed webhooks", "the application has not seen these events"
    if not isinstance(answer.data, list):
        return Check(name, UNKNOWN, answer.text, why)
    failed = [item for item in answer.data if isinstance(item, dict)]
    if not failed:
        return Check(name, OK, "none in the last day", why)
    more = "" if answer.is_complete else " or more"
    reasons = sorted({_reason(item) for item in failed})
    return Check(
        name,
        WARNING,
        f"{len(failed)}{more} in the last day: {'; '.join(reasons[:3])}",
        why,
        "deliver them with: twilio-fax-compat callbacks catch-up --since 24h",
    )


def _reason(record: Mapping[str, Any]) -> str:
    attempts = record.get("attempts")
    latest = attempts[0] if isinstance(attempts, list) and attempts else {}
    http = latest.get("http") if isinstance(latest, dict) else None
    response = http.get("response") if isinstance(http, dict) else None
    if isinstance(response, dict) and response.get("status"):
        return f"the application answered HTTP {response['status']}"
    errors = latest.get("errors") if isinstance(latest, dict) else None
    if isinstance(errors, list) and errors:
        return "Telnyx's error {}".format(
            ", ".join(mask(str(_code_of(error))) for error in errors[:3])
        )
    return "no answer"


def _code_of(error: object) -> object:
    return error.get("code") if isinstance(error, dict) else error


def is_healthy(checks: Sequence[Check]) -> bool:
    """Return whether nothing failed."""
    return all(check.status != FAILED for check in checks)
