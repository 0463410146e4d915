"""Converts a cassette of Twilio's fax API to a cassette of Telnyx's."""

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
    The result for one fax interaction.

    *number*: its position in the file, from 1. *what*: its method and path. *reasons*: why it was
    left out, empty if it was converted. *losses*: what a program sees differently. *warnings*: what
    our client says about its arguments.
    """

    number: int
    what: str
    reasons: list[str]
    losses: list[str]
    warnings: list[str]


@define
class Converted:
    """A new cassette, and the result for each fax interaction of the old cassette."""

    cassette: Cassette
    outcomes: list[Outcome] = field(factory=list)


def convert_cassette(
    old: Cassette, setup: FlowSettings, base_url: str = DEFAULT_BASE_URL
) -> Converted:
    """
    Convert a Twilio cassette. Interactions of other APIs stay as they are.

    The account that replays the result is assumed to be the account that recorded *old*.
    """
    account = RecordedAccount()
    if setup.account_sid is None:
        setup = evolve(setup, account_sid=_account_of(old))
    interactions: list[JSON] = []
    outcomes = []
    for number, interaction in enumerate(old.interactions, 1):
        if not is_fax(interaction):
            interactions.append(interaction)
            continue
        call, recorded = call_of(interaction), recorded_of(interaction)
        conversion = convert(call.method, call.url, call.form, recorded, setup, account)
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
    account_sids: list[Any] = []
    for interaction in filter(is_fax, cassette.interactions):
        user = call_of(interaction).user
        payload = recorded_of(interaction).payload
        if user and re.fullmatch("AC[0-9a-fA-F]{32}", user):
            return user
        resources = [payload or {}]
        resources += [*resources_in(payload, "faxes"), *resources_in(payload, "media")]
        account_sids += [resource.get("account_sid") for resource in resources]
    return next(filter(None, account_sids), None)


def _not_for_files(conversion: Conversion) -> list[str]:
    if any(_is_lookup(request) for request, _ in conversion.exchanges):
        return [_NO_RECORDING]
    return []


_NO_RECORDING = (
    "after this answer the client looks for the fax by the time of the request, "
    "which is different in each run"
)


def _is_lookup(request: TelnyxRequest) -> bool:
    return any(name == "filter[direction][eq]" for name, _ in request.query)


def _what(call: Call) -> str:
    path = call.url.partition("?")[0].partition(".twilio.com")[2]
    return mask(f"{call.method} {path}")
