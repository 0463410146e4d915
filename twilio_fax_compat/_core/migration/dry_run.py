"""Build the Telnyx request of a fax that another provider sends, without sending it."""

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
    counter_name,
)
from twilio_fax_compat._core.translation.create_form import parse_create_form


@frozen
class DryRunResult:
    """
    The *body* of the request to Telnyx, or None if it would be refused.

    *findings* are pairs of a kind, one of `SHADOW_KINDS`, and a text without numbers.
    """

    body: JSON | None = field(repr=False)
    findings: tuple[tuple[str, str], ...]

    @property
    def counts(self) -> list[str]:
        """The names of the counters that the findings add to."""
        return [counter_name(SHADOW, kind, text) for kind, text in self.findings]


def dry_run(
    fields: Mapping[str, object],
    connection_id: str | None,
    unsupported: Mapping[str, str],
    unmapped: tuple[str, ...] = (),
) -> DryRunResult:
    """
    Build and check the Telnyx request of a Twilio create form, *fields* by wire name.

    *unmapped* are texts about settings that have no equivalent at Telnyx. Nothing is sent.
    """
    findings = [(SHADOW_UNMAPPED, text) for text in unmapped]
    if not connection_id:
        findings.append((SHADOW_UNMAPPED, "TELNYX_CONNECTION_ID is not set"))
    fax_request = parse_create_form(fields, connection_id or "", unsupported)
    if isinstance(fax_request, TwilioResponse):
        payload = fax_request.payload or {}
        text = "{}: {}".format(payload.get("code"), payload.get("message"))
        return DryRunResult(None, (*findings, (SHADOW_REFUSED, text)))
    findings.extend((SHADOW_WARNED, warning.text) for warning in fax_request.warnings)
    return DryRunResult(fax_request.body, (*findings, (SHADOW_OK, "")))
