"""
The country of a telephone number, for the countries whose calling code is theirs alone, and the USA.

Source: https://www.itu.int/pub/T-SP-E.164D. A number of another country has no entry, so nothing is said
about it.
"""

from __future__ import annotations

from typing import Mapping

COUNTRIES: Mapping[str, str] = {
    "20": "EG",
    "27": "ZA",
    "30": "GR",
    "31": "NL",
    "32": "BE",
    "33": "FR",
    "34": "ES",
    "36": "HU",
    "40": "RO",
    "41": "CH",
    "43": "AT",
    "45": "DK",
    "46": "SE",
    "48": "PL",
    "49": "DE",
    "51": "PE",
    "52": "MX",
    "54": "AR",
    "55": "BR",
    "56": "CL",
    "57": "CO",
    "60": "MY",
    "63": "PH",
    "64": "NZ",
    "65": "SG",
    "66": "TH",
    "81": "JP",
    "82": "KR",
    "84": "VN",
    "86": "CN",
    "90": "TR",
    "91": "IN",
    "351": "PT",
    "353": "IE",
    "358": "FI",
    "420": "CZ",
    "421": "SK",
    "852": "HK",
    "886": "TW",
    "971": "AE",
    "972": "IL",
}
"""ISO 3166 alpha-2 codes by calling code."""


def country_of(number: str) -> str | None:
    """Return the country of a *number* in E.164, or None if its calling code does not tell."""
    if not number.startswith("+"):
        return None
    for length in (3, 2):
        country = COUNTRIES.get(number[1 : 1 + length])
        if country is not None:
            return country
    return None
