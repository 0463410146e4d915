"""What Telnyx would be asked for a fax that another provider sends."""

from __future__ import annotations

from typing import Mapping

from attrs import field, frozen

from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.migration.counters import (
    SHADOW,
    SHADOW_OK,
    SHADOW_REFUSED,
    SHADOW_UNMAPPED,
    SHADOW_WARNED,
    tally_name,
)
from twilio_fax_compat._core.translation.create_form import read_order


@frozen
class Rehearsal:
    """
    What would happen: the *body* of the request to Telnyx, or why it would be refused.

    *findings* are pairs of a kind, one of `SHADOW_KINDS`, and a text without numbers.
    """

    body: JSON | None = field(repr=False)
    findings: tuple[tuple[str, str], ...]

    @property
    def tallies(self) -> list[str]:
        """The names of the counters that the findings add to."""
        return [tally_name(SHADOW, kind, text) for kind, text in self.findings]


def rehearse(
    fields: Mapping[str, object],
    connection_id: str | None,
    unsupported: Mapping[str, str],
    unmapped: tuple[str, ...] = (),
) -> Rehearsal:
    """
    Build and check the Telnyx request of a Twilio create form, *fields* by wire name.

    *unmapped* are texts about settings that have no equal at Telnyx. Nothing is sent.
    """
    findings = [(SHADOW_UNMAPPED, text) for text in unmapped]
    if not connection_id:
        findings.append((SHADOW_UNMAPPED, "TELNYX_CONNECTION_ID is not set"))
    order = read_order(fields, connection_id or "", unsupported)
    if isinstance(order, TwilioResponse):
        payload = order.payload or {}
        text = "{}: {}".format(payload.get("code"), payload.get("message"))
        return Rehearsal(None, (*findings, (SHADOW_REFUSED, text)))
    findings.extend((SHADOW_WARNED, warning.text) for warning in order.warnings)
    return Rehearsal(order.body, (*findings, (SHADOW_OK, "")))
