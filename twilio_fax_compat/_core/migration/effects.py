"""What a route asks of its driver, and the providers that it knows."""

from __future__ import annotations

from typing import Any, Generator, Mapping, Union

from attrs import field, frozen

from twilio_fax_compat._core.effects import Now, Recall
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL

NAMES: Mapping[str, str] = {LEGACY: "the legacy provider", TELNYX: "Telnyx"}
"""What messages call the providers."""


@frozen
class Ask:
    """
    Effect: a request to *provider*, answered with its `TwilioResponse`.

    What is raised instead says that no answer came.
    """

    provider: str
    request: TwilioRequest


@frozen
class Decide:
    """Effect: answered with the `Decision` about a create form."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class DryRun:
    """Effect: note what Telnyx would have made of a create form; answered with None."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class Count:
    """Effect: add one to the counter *name*; answered with None."""

    name: str


@frozen
class Note:
    """Effect: keep *facts* if that can be done, now that the fax is sent; answered with None."""

    key: str
    facts: Facts


@frozen
class WarnDeveloper:
    """Effect: warn the developer, and whoever reads the log, of *text*; answered with None."""

    text: str


RouteEffect = Union[Ask, Decide, DryRun, Count, Note, WarnDeveloper, Now, Recall]
Route = Generator[RouteEffect, Any, TwilioResponse]


@frozen(kw_only=True)
class Providers:
    """
    Who can be asked, and how.

    *has_telnyx* and *has_legacy* tell whether each is there, *salt* keeps the keys of sends apart,
    *falls_back* gives what Telnyx certainly did not send to the legacy provider, *is_partial* leaves
    a provider that is down out of lists. *outlasts* says that the ledger outlives this process.
    *api_url* stands in the URLs of pages.
    """

    has_telnyx: bool = True
    has_legacy: bool = True
    falls_back: bool = False
    is_partial: bool = False
    outlasts: bool = False
    salt: str = field(default="", repr=False)
    api_url: str = DEFAULT_API_URL

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are there."""
        there = ((TELNYX, self.has_telnyx), (LEGACY, self.has_legacy))
        return tuple(name for name, is_there in there if is_there)


def provided(payload: JSON, provider: str) -> Provided:
    """Return a fax's *payload* that knows its provider."""
    result = Provided(payload)
    result.provider = provider
    return result


class Provided(dict):  # type: ignore[type-arg]
    """A payload whose *provider* is known."""

    provider: str
