"""
The names of the counters that a gradual move keeps in the ledger.

``create/PROVIDER/OUTCOME`` counts sends; ``shadow/KIND/DETAIL`` counts the findings of the shadow stage.
``asked/PROVIDER/WHAT`` shows in which hours a provider was asked, or called the application back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from twilio_fax_compat._core.masking import mask

CREATE, SHADOW, ASKED = "create", "shadow", "asked"

CALLBACK = "callback"
"""A provider called the application back."""

ACCEPTED = "accepted"
UNSURE = "unsure"
"""The answer was lost: the provider may or may not have the fax."""
FALLBACK = "fallback"
"""Telnyx sent nothing and the legacy provider was asked instead; its send has its own counter."""

SHADOW_OK = "ok"
SHADOW_REFUSED = "refused"
SHADOW_WARNED = "warned"
SHADOW_UNMAPPED = "unmapped"
SHADOW_KINDS = (SHADOW_OK, SHADOW_REFUSED, SHADOW_WARNED, SHADOW_UNMAPPED)

DETAIL_LIMIT = 300
"""The longest detail, in characters."""

_MASKED = re.compile(r" ?\(?\.\.\.[0-9]{0,4}\)?")


class CounterName(NamedTuple):
    """A counter's *kind* (`CREATE`, `SHADOW` or `ASKED`), its *group* and its *detail*."""

    kind: str
    group: str
    detail: str


def refused(code: object) -> str:
    """Return the outcome of a send that the provider refused with Twilio's error *code*."""
    return f"refused:{code}"


def counter_name(kind: str, group: str, detail: str = "") -> str:
    """
    Return the name of a counter.

    Of a `CREATE`, *group* is the provider and *detail* the outcome; of a `SHADOW`, *group* is one of
    `SHADOW_KINDS` and *detail* the finding. Numbers and addresses are removed from it, so that the
    same finding about many faxes is one counter.
    """
    printable = "".join(character if character.isprintable() else " " for character in detail)
    text = " ".join(_MASKED.sub("", mask(printable)).split())
    return f"{kind}/{group}/{text[:DETAIL_LIMIT]}"


@lru_cache(maxsize=256)
def create_counter(provider: str, outcome: str) -> str:
    """Return the name of the counter of a *provider*'s sends that had an *outcome*."""
    return counter_name(CREATE, provider, outcome)


def read_counter_name(name: str) -> CounterName | None:
    """Parse a counter's *name*. Returns None for any other name."""
    kind, _, rest = name.partition("/")
    group, slash, detail = rest.partition("/")
    return CounterName(kind, group, detail) if slash and kind in (CREATE, SHADOW, ASKED) else None
