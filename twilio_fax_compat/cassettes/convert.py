"""One cassette of Twilio's fax API made into one of Telnyx's."""

from __future__ import annotations

import re
from typing import Any

from attrs import define, evolve, field

from twilio_fax_compat._core.cassettes.conversion import Conversion, convert
from twilio_fax_compat._core.cassettes.recorded_account import RecordedAccount, resources_in
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import JSON, TelnyxRequest
from twilio_fax_compat.cassettes.files import (
    Call,
    Cassette,
    call_of,
    interaction_of,
    is_fax,
    recorded_of,
)
from twilio_fax_compat.settings import DEFAULT_BASE_URL


@define
class Outcome:
    """
    What became of one fax interaction, by its *number* in the file (from 1) and in words.

    With *reasons* it was left out; *losses* are what a program sees differently, *warnings* what
    our client says of its arguments.
    """

    number: int
    what: str
    reasons: list[str]
    losses: list[str]
    warnings: list[str]


@define
class Converted:
    """A new cassette and what became of each fax interaction of the old one."""

    cassette: Cassette
    outcomes: list[Outcome] = field(factory=list)


def convert_cassette(
    old: Cassette, setup: FlowSettings, base_url: str = DEFAULT_BASE_URL
) -> Converted:
    """
    Return the Telnyx cassette of a Twilio one. Interactions that are not fax's stay as they are.

    The account that replays it is taken for the one that recorded it.
    """
    known = RecordedAccount()
    if setup.account_sid is None:
        setup = evolve(setup, account_sid=_account_of(old))
    interactions: list[JSON] = []
    outcomes = []
    for number, interaction in enumerate(old.interactions, 1):
        if not is_fax(interaction):
            interactions.append(interaction)
            continue
        call, recorded = call_of(interaction), recorded_of(interaction)
        conversion = convert(call.method, call.url, call.form, recorded, setup, known)
        reasons = conversion.refusals + _not_for_files(conversion)
        outcomes.append(
            Outcome(number, _what(call), reasons, conversion.losses, conversion.warnings)
        )
        if not reasons:
            interactions += [
                {**interaction, **interaction_of(request, response, base_url)}
                for request, response in conversion.exchanges
            ]
    return Converted(Cassette({**old.data, "interactions": interactions}, old.serializer), outcomes)


def _account_of(cassette: Cassette) -> str | None:
    found: list[Any] = []
    for interaction in filter(is_fax, cassette.interactions):
        user = call_of(interaction).user
        payload = recorded_of(interaction).payload
        if user and re.fullmatch("AC[0-9a-fA-F]{32}", user):
            return user
        told = [payload or {}, *resources_in(payload, "faxes"), *resources_in(payload, "media")]
        found += [one.get("account_sid") for one in told]
    return next(filter(None, found), None)


def _not_for_files(conversion: Conversion) -> list[str]:
    if any(_is_lookup(request) for request, _ in conversion.exchanges):
        return [_NO_RECORDING]
    return []


_NO_RECORDING = (
    "after such an answer the fax is looked for by the time it was sent at, which no recording fits"
)


def _is_lookup(request: TelnyxRequest) -> bool:
    return any(name == "filter[direction][eq]" for name, _ in request.query)


def _what(call: Call) -> str:
    path = call.url.partition("?")[0].partition(".twilio.com")[2]
    return mask(f"{call.method} {path}")
