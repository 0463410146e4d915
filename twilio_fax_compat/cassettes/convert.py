"""Converts a cassette of Twilio's fax API to a cassette of Telnyx's."""

from __future__ import annotations

import re
from typing import Any, Iterable
from urllib.parse import urlsplit

from attrs import define, evolve, field

from twilio_fax_compat._core.cassettes.conversion import Conversion, convert
from twilio_fax_compat._core.cassettes.nested_text import Unreadable
from twilio_fax_compat._core.cassettes.recorded_account import RecordedAccount, resources_in
from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import JSON, TelnyxRequest
from twilio_fax_compat.cassettes.bodies import CannotDecode
from twilio_fax_compat.cassettes.files import (
    Cassette,
    call_of,
    interaction_of,
    is_fax,
    recorded_of,
)
from twilio_fax_compat.cassettes.privacy import scrubbed
from twilio_fax_compat.rest import FAX_URL
from twilio_fax_compat.settings import DEFAULT_BASE_URL


@define
class Outcome:
    """
    The result for one interaction.

    *number*: its position in the file, from 1, or 0 for the rest of the file. *what*: its method
    and path. *reasons*: why it was left out, empty if it was converted. *losses*: what a program
    sees differently. *warnings*: what our client says about its arguments.
    """

    number: int
    what: str
    reasons: list[str] = field(factory=list)
    losses: list[str] = field(factory=list)
    warnings: list[str] = field(factory=list)
    is_fax: bool = True


@define
class Converted:
    """A new cassette, and the result for each interaction that was a fax or was left out."""

    cassette: Cassette
    outcomes: list[Outcome] = field(factory=list)


def convert_cassette(
    old: Cassette,
    setup: FlowSettings,
    base_url: str = DEFAULT_BASE_URL,
    scrubber: Scrubber | None = None,
) -> Converted:
    """
    Convert a Twilio cassette. Interactions of other APIs stay as they are.

    The account that replays the result is assumed to be the account that recorded *old*. A
    *scrubber* removes private data first, and interactions that it cannot read are left out.
    """
    account = RecordedAccount()
    recordings: list[JSON] = []
    outcomes: dict[int, Outcome] = {}
    rest = {name: value for name, value in old.data.items() if name != "interactions"}
    if scrubber is not None:
        try:
            rest = scrubber.scrub(rest)
        except Unreadable as error:
            rest = {"version": rest.get("version", 1)}
            reason = f"it cannot be read: {error}"
            outcomes[0] = Outcome(0, "the rest of the file", [reason], is_fax=False)
    for number, recording in enumerate(old.interactions, 1):
        try:
            recordings.append(recording if scrubber is None else scrubbed(recording, scrubber))
        except (CannotDecode, Unreadable) as error:
            recordings.append(recording)
            outcomes[number] = _unreadable(number, recording, error)
    if setup.account_sid is None:
        readable = [item for number, item in enumerate(recordings, 1) if number not in outcomes]
        setup = evolve(setup, account_sid=_account_of(readable))
    interactions: list[JSON] = []
    for number, interaction in enumerate(recordings, 1):
        if number in outcomes:
            continue
        if not is_fax(interaction):
            interactions.append(interaction)
            continue
        try:
            call, recorded = call_of(interaction), recorded_of(interaction)
        except CannotDecode as error:
            outcomes[number] = _unreadable(number, interaction, error)
            continue
        conversion = convert(call.method, call.url, call.form, recorded, setup, account)
        reasons = conversion.refusals + _not_for_files(conversion)
        outcomes[number] = Outcome(
            number, _what(interaction), reasons, conversion.losses, conversion.warnings
        )
        if not reasons:
            interactions += [
                {**interaction, **interaction_of(request, response, base_url)}
                for request, response in conversion.exchanges
            ]
    cassette = Cassette({**rest, "interactions": interactions}, old.serializer)
    return Converted(cassette, [outcomes[number] for number in sorted(outcomes)])


def _unreadable(number: int, interaction: JSON, error: Exception) -> Outcome:
    reason = f"its body cannot be read: {error}"
    return Outcome(number, _what(interaction), [reason], is_fax=is_fax(interaction))


def _account_of(interactions: Iterable[JSON]) -> str | None:
    account_sids: list[Any] = []
    for interaction in filter(is_fax, interactions):
        try:
            user = call_of(interaction).user
            payload = recorded_of(interaction).payload
        except CannotDecode:
            continue
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


def _what(interaction: JSON) -> str:
    request = interaction["request"]
    url = str(request.get("uri"))
    path = urlsplit(url).path if FAX_URL.match(url) else url
    return mask(f"{str(request.get('method', 'GET')).upper()} {path}")
