"""
Our library and Twilio's 7.5.1 side by side.

A test marked `both` states a truth of each: where Twilio's is installed, it proves the statement.
"""

import datetime as dt
import importlib
import json
from types import SimpleNamespace

import pytest

try:
    import twilio
except ImportError:
    twilio = None

OURS, THEIRS = "twilio_fax_compat", "twilio"

INSTALLED = getattr(twilio, "__version__", None)

needs_751 = pytest.mark.skipif(
    INSTALLED != "7.5.1",
    reason=f"needs twilio 7.5.1, the last with all of fax, not {INSTALLED or 'none'}: "
    "pip install twilio==7.5.1",
)
needs_twilio = pytest.mark.skipif(twilio is None, reason="needs twilio: pip install twilio")
both = pytest.mark.parametrize(
    "library",
    [pytest.param(OURS, id="ours"), pytest.param(THEIRS, id="twilio", marks=needs_751)],
)

FX, ME, AC = "FX" + "0a" * 16, "ME" + "0b" * 16, "AC" + "0c" * 16

FAX = {
    "sid": FX,
    "account_sid": AC,
    "from": "+15005550006",
    "to": "+15005550009",
    "quality": "fine",
    "media_sid": ME,
    "media_url": "https://media.example/1.pdf",
    "num_pages": "3",
    "duration": 65,
    "status": "delivered",
    "direction": "outbound",
    "api_version": "v1",
    "price": "-0.0140",
    "price_unit": "USD",
    "date_created": "2021-03-04T05:06:07Z",
    "date_updated": "2021-03-04T05:16:07Z",
    "links": {"media": f"https://fax.twilio.com/v1/Faxes/{FX}/Media"},
    "url": f"https://fax.twilio.com/v1/Faxes/{FX}",
}
MEDIA = {
    "sid": ME,
    "account_sid": AC,
    "fax_sid": FX,
    "content_type": "application/pdf",
    "date_created": "2021-03-04T05:06:07Z",
    "date_updated": "2021-03-04T05:16:07Z",
    "url": f"https://fax.twilio.com/v1/Faxes/{FX}/Media/{ME}",
}


def module(library, name):
    """Return the module *name* of a library, such as ``base.page``."""
    return importlib.import_module(f"{library}.{name}")


def answer(status, body=""):
    """Return a response with no more than a status and a text."""
    return SimpleNamespace(
        status_code=status, text=body if isinstance(body, str) else json.dumps(body)
    )


class Recorder:
    """A client that answers with *responses* in turn and keeps each request it gets."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.asked = []

    def request(self, *args, **kwargs):
        self.asked.append((args, kwargs))
        return self.responses.pop(0)


def fax_domain(library, *responses):
    """Return the Fax domain of a library over a `Recorder`."""
    return module(library, "rest.fax").Fax(Recorder(*responses))


def told(value):
    """Return what a program sees of a value, whichever library it is of."""
    if isinstance(value, dt.datetime):
        return ("datetime", value.isoformat(), value.utcoffset())
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [told(part) for part in value]
    if hasattr(value, "_properties"):
        state = {name: told(vars(value)[name]) for name in ("_properties", "_solution")}
        return (type(value).__name__, repr(value), state)
    return (type(value).__name__, repr(value))


def outcome(function):
    """Return what a call gives, or what it raises, as `told`."""
    try:
        return told(function())
    except Exception as error:  # whatever it is, both libraries are to raise it
        # A failed page has its response as second argument, a record's error its details as
        # sixth, which ours has as an attribute only.
        return (
            type(error).__name__,
            str(error.args[0] if len(error.args) == 2 else error),
            told([arg for arg in error.args[:5] if not hasattr(arg, "status_code")]),
            {name: told(value) for name, value in sorted(vars(error).items())},
        )
