"""
The kinds of uses that a scan finds, and the verdict on each.

The verdicts repeat what MIGRATION.md says; the chapter of each is in the table.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

from attrs import field, frozen

from twilio_fax_compat._core.translation.create_form import ADVICE

UNCHANGED, SETTING, LINE, HANDS, CANNOT = (
    "works unchanged",
    "works with a setting",
    "needs a line",
    "needs a look",
    "cannot work",
)
VERDICTS = (UNCHANGED, SETTING, LINE, HANDS, CANNOT)
"""From the best to the worst."""


class Kind(NamedTuple):
    """
    A kind of use: *what* it is, its *verdict*, *why*, and what to do *instead*.

    *chapter* is the anchor in MIGRATION.md.
    """

    what: str
    verdict: str
    why: str = ""
    instead: str = ""
    chapter: str = ""


_WRAP = (
    "wrap the application: app.wsgi_app = WSGIMiddleware(app.wsgi_app), or "
    "app.add_middleware(ASGIMiddleware), from twilio_fax_compat.webhooks"
)

KINDS: Mapping[str, Kind] = {
    "client": Kind(
        "import of Twilio's client",
        LINE,
        "the fax calls of this client go to Telnyx",
        "from twilio_fax_compat.rest import Client",
        "change-the-import",
    ),
    "client_hands": Kind(
        "import of Twilio's client with other names",
        HANDS,
        "one of the names has no counterpart here",
        "import Client from twilio_fax_compat.rest in a line of its own",
        "change-the-import",
    ),
    "fax_module": Kind(
        "import of a module of Twilio's fax API",
        LINE,
        "newer releases of twilio do not have it",
        "the same name below twilio_fax_compat",
        "change-the-import",
    ),
    "twiml": Kind(
        "import of FaxResponse",
        LINE,
        "newer releases of twilio do not have it",
        "from twilio_fax_compat.twiml.fax_response import FaxResponse",
        "change-the-import",
    ),
    "validator": Kind("Twilio's RequestValidator", UNCHANGED, "callbacks are signed as before"),
    "exception": Kind("Twilio's exceptions", UNCHANGED, "errors are of these classes"),
    "call": Kind("fax call", UNCHANGED, "", "", "change-the-import"),
    "sip": Kind(
        "SIP credentials",
        CANNOT,
        "Telnyx cannot log in to a SIP destination",
        ADVICE["sip_auth_username"],
        "what-each-argument-of-create-becomes",
    ),
    "ttl": Kind(
        "ttl",
        SETTING,
        "Telnyx has no limit on how long a fax may wait",
        "unsupported={'ttl': 'ignore'}, and cancel a fax that took too long",
        "what-each-argument-of-create-becomes",
    ),
    "status_callback": Kind(
        "status_callback",
        SETTING,
        "Telnyx calls the URL with its own events",
        _WRAP + "; then unsupported={'status_callback': 'ignore'}",
        "callbacks",
    ),
    "positional": Kind(
        "positional arguments of create",
        HANDS,
        "the order of twilio 6 was (from_, to, media_url), that of 7 is (to, media_url)",
        "name the arguments: create(to=..., media_url=..., from_=...)",
        "what-each-argument-of-create-becomes",
    ),
    "number": Kind(
        "a number that is not E.164",
        HANDS,
        "Telnyx takes numbers as +14155550100 only",
        "write + and the country code, without blanks",
        "what-each-argument-of-create-becomes",
    ),
    "media_delete": Kind(
        "deleting the media alone",
        CANNOT,
        "Telnyx deletes a fax together with its media",
        "delete the fax: client.fax.faxes(sid).delete()",
        "every-known-difference",
    ),
    "price": Kind(
        "the price of a fax",
        HANDS,
        "price is None: Telnyx does not report it with the fax",
        "read the price from Telnyx's detail records",
        "what-each-property-of-a-fax-is",
    ),
    "handler": Kind(
        "a callback's parameter",
        LINE,
        "Telnyx's events have other names",
        _WRAP,
        "callbacks",
    ),
    "twiml_text": Kind(
        "TwiML with <Receive>", UNCHANGED, "the middleware reads it", "", "receiving"
    ),
    "host": Kind(
        "the host of Twilio's fax API",
        HANDS,
        "requests that do not go through the client are not translated",
        "use the client, or run `twilio-fax-compat serve` and change the host",
        "programs-in-other-languages",
    ),
    "patch": Kind(
        "a test double of Twilio's client",
        SETTING,
        "the pytest plugin serves it unchanged",
        "pytest --fax-backend=emulator, or the same name below twilio_fax_compat",
        "your-test-suite",
    ),
    "other_language": Kind(
        "fax call in another language",
        SETTING,
        "the server has Twilio's API",
        "run `twilio-fax-compat serve`, and point the program's host at it",
        "programs-in-other-languages",
    ),
    "requirement": Kind(
        "requirement of twilio",
        LINE,
        "the program needs this package too",
        "add twilio-fax-compat; twilio may stay at any release",
        "change-the-import",
    ),
    "environment": Kind(
        "Twilio's credentials",
        SETTING,
        "they stay, and Telnyx's settings join them",
        "set TELNYX_API_KEY and TELNYX_CONNECTION_ID, and TELNYX_PUBLIC_KEY for callbacks",
        "before-you-start",
    ),
    "unreadable": Kind(
        "a file that cannot be read as Python", HANDS, "it has a syntax error", "read it yourself"
    ),
}
"""Every kind by its name."""


@frozen(order=True)
class Use:
    """One use: its *line* and *column*, from 1, its *kind*, and a *detail* of the program, such as a call."""

    line: int
    column: int
    kind: str
    detail: str = field(default="", order=False)

    @property
    def verdict(self) -> str:
        """What becomes of it."""
        return KINDS[self.kind].verdict

    @property
    def what(self) -> str:
        """What it is."""
        return KINDS[self.kind].what + (f": {self.detail}" if self.detail else "")

    def as_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        kind = KINDS[self.kind]
        return {
            "line": self.line,
            "column": self.column,
            "what": self.what,
            "verdict": kind.verdict,
            "why": kind.why,
            "instead": kind.instead,
        }


@frozen
class Found:
    """The *uses* of one file. *path* is as the user gave it."""

    path: str
    uses: Sequence[Use] = ()


def exit_status(files: Sequence[Found]) -> int:
    """Return 0 if the program can move, 1 if something needs a look, and 2 if something cannot work."""
    verdicts = {use.verdict for file in files for use in file.uses}
    if CANNOT in verdicts:
        return 2
    return 1 if HANDS in verdicts else 0


def counts(files: Sequence[Found]) -> dict[str, int]:
    """Return the number of uses by verdict."""
    every = [use.verdict for file in files for use in file.uses]
    return {verdict: every.count(verdict) for verdict in VERDICTS}


def steps(files: Sequence[Found]) -> list[str]:
    """Return what to do, in order, as sentences."""
    kinds = {use.kind for file in files for use in file.uses}
    if not kinds:
        return []
    texts = []
    if kinds & {"requirement", "client", "fax_module", "twiml"}:
        texts.append("pip install twilio-fax-compat, and add it to the requirements")
    texts.append(
        "set TELNYX_API_KEY and TELNYX_CONNECTION_ID; `twilio-fax-compat doctor` checks them"
    )
    if kinds & {"client", "fax_module", "twiml"}:
        texts.append("change the imports: `twilio-fax-compat scan --fix` does it")
    if kinds & {"handler", "twiml_text", "status_callback"}:
        texts.append("wrap the web application, and set TELNYX_PUBLIC_KEY")
    if "other_language" in kinds:
        texts.append("run `twilio-fax-compat serve` for the programs in other languages")
    if any(use.verdict in (HANDS, CANNOT) for file in files for use in file.uses):
        texts.append("change by hand what needs a look or cannot work, as listed")
    texts.append("run your tests: pytest --fax-backend=emulator")
    return texts
