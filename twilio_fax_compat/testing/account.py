"""
What an account has besides its Fax Applications: an outbound voice profile, numbers and a balance.

Sources: the types of Telnyx's SDK (https://github.com/team-telnyx/telnyx-python), as
``outbound_voice_profile.py``, ``phone_number_detailed.py`` and ``balance_retrieve_response.py``.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing.bodies import meta, page_of
from twilio_fax_compat.testing.refusals import NOT_FOUND, Refusal

PROFILE = "1293384261075731500"
NUMBER = "+15005550006"


def _profile() -> dict[str, Any]:
    return {
        "id": PROFILE,
        "record_type": "outbound_voice_profile",
        "name": "emulator",
        "enabled": True,
        "traffic_type": "conversational",
        "whitelisted_destinations": ["US", "CA"],
        "daily_spend_limit": "100.00",
        "daily_spend_limit_enabled": False,
        "concurrent_call_limit": None,
    }


def _balance() -> dict[str, Any]:
    return {
        "record_type": "balance",
        "balance": "100.00",
        "available_credit": "100.00",
        "credit_limit": "0.00",
        "pending": "0.00",
        "currency": "USD",
    }


@define(eq=False)
class Account:
    """
    The account behind an API key. A test changes what it finds here.

    *profiles* are by id. *numbers* are resources with ``phone_number``, ``status`` and
    ``connection_id``. *balance* is the resource of ``GET /v2/balance``.
    """

    profiles: dict[str, dict[str, Any]] = field(factory=lambda: {PROFILE: _profile()})
    numbers: list[dict[str, Any]] = field(factory=list)
    balance: dict[str, Any] = field(factory=_balance)

    def add_number(self, number: str, connection_id: str | None, status: str = "active") -> None:
        """Add a *number* in E.164 that belongs to a Fax Application, or to none."""
        self.numbers.append(
            {
                "id": str(1293384261075731600 + len(self.numbers)),
                "record_type": "phone_number",
                "phone_number": number,
                "status": status,
                "connection_id": connection_id,
                "t38_fax_gateway_enabled": True,
            }
        )

    def routes(self) -> list[Route]:
        """Return the routes that serve the account."""
        return [
            Route("/v2/outbound_voice_profiles/{profile_id}", self._profile, methods=["GET"]),
            Route("/v2/phone_numbers", self._numbers, methods=["GET"]),
            Route("/v2/balance", self._balance, methods=["GET"]),
        ]

    async def _profile(self, request: Request) -> Response:
        profile = self.profiles.get(request.path_params["profile_id"])
        if profile is None:
            raise Refusal(404, "10005", NOT_FOUND)
        return _answer({"data": profile})

    async def _numbers(self, request: Request) -> Response:
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        number, size = page_of(query, 20, 250)
        found = self.numbers
        connection = query.get("filter[connection_id]")
        if connection is not None:
            found = [item for item in found if item["connection_id"] == connection]
        digits = query.get("filter[phone_number]")
        if digits is not None:
            found = [
                item
                for item in found
                if digits.isdigit() and len(digits) >= 3 and digits in item["phone_number"]
            ]
        start = (number - 1) * size
        return _answer(
            {"data": found[start : start + size], "meta": meta(number, size, len(found))}
        )

    async def _balance(self, _request: Request) -> Response:
        return _answer({"data": self.balance})


def _answer(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), media_type="application/json")
