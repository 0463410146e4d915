"""The effects that a route yields, and the providers that it knows."""

from __future__ import annotations

from typing import Any, Generator, Mapping, Union

from attrs import field, frozen

from twilio_fax_compat._core.effects import Elapsed, NewToken, Now, Pause, Recall, SendEffect
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX, Decision
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL


@frozen
class Ask:
    """
    Effect: a request to *provider*, answered with its `TwilioResponse`.

    An exception means that no answer came.
    """

    provider: str
    request: TwilioRequest


@frozen
class Decide:
    """Effect: answered with the `Decision` about a create form."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class Record:
    """Effect: log the *decision* about a create form, and pass it to the hook; answered with None."""

    decision: Decision
    fields: Mapping[str, object] = field(repr=False)


@frozen
class DryRun:
    """Effect: check a create form against Telnyx without sending it; answered with None."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class Count:
    """Effect: add one to the counter *name*; answered with None."""

    name: str


@frozen
class Note:
    """Effect: keep *facts*, with a warning in the log if the ledger fails; answered with None."""

    key: str
    facts: Facts


@frozen
class WarnDeveloper:
    """Effect: warn the developer, and log *text* as a warning; answered with None."""

    text: str


RouteEffect = Union[
    Ask,
    Decide,
    Record,
    DryRun,
    Count,
    Note,
    WarnDeveloper,
    Now,
    Elapsed,
    NewToken,
    Pause,
    Recall,
    SendEffect,
]
Route = Generator[RouteEffect, Any, TwilioResponse]


@frozen(kw_only=True)
class Providers:
    """
    The available providers and the options of the roll-out.

    *has_telnyx*, *has_legacy*: whether each is configured. *salt*: keeps the keys of different
    accounts apart. *account*: the `account_mark` of the Telnyx account. *falls_back*: the legacy
    provider gets what Telnyx certainly did not send. *is_partial*: lists leave out a provider that is
    down. *retry*: the time of a call, and whether sends are remembered. *api_url*: the base of page URLs.
    """

    has_telnyx: bool = True
    has_legacy: bool = True
    falls_back: bool = False
    is_partial: bool = False
    retry: RetryPolicy = field(factory=RetryPolicy)
    salt: str = field(default="", repr=False)
    account: str = ""
    api_url: str = DEFAULT_API_URL

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the configured providers."""
        configured = ((TELNYX, self.has_telnyx), (LEGACY, self.has_legacy))
        return tuple(name for name, is_configured in configured if is_configured)


def provided(payload: JSON, provider: str) -> Provided:
    """Return a fax's *payload* with its provider."""
    result = Provided(payload)
    result.provider = provider
    return result


class Provided(dict):  # type: ignore[type-arg]
    """A payload with the *provider* that it came from."""

    provider: str
