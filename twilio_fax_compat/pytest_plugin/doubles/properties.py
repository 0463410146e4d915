"""The properties of a fax that Telnyx does not give."""

from __future__ import annotations

from typing import Mapping

NOT_PROVIDED: Mapping[str, str] = {
    "price": "Telnyx reports no price with a fax",
    "price_unit": "Telnyx reports no price with a fax",
    "num_pages": "Telnyx gives it only in webhooks",
    "duration": "Telnyx gives it only in webhooks",
}
"""The properties of a fax that Twilio set and Telnyx does not, and why."""

NEVER_GIVEN = {name: why for name, why in NOT_PROVIDED.items() if name.startswith("price")}
"""Those that Telnyx gives nowhere: whoever reads a value of them has it from a test double."""
