"""Fax resources of Telnyx, as Twilio's."""

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.strategies import JSONS
from twilio_fax_compat._core.translation.faxes import (
    created_payload,
    fax_payload,
    link_expires,
    media_payload,
    stored_media_url,
)

KEYS = {
    "sid", "account_sid", "from", "to", "quality", "media_sid", "media_url", "num_pages",
    "duration", "status", "direction", "api_version", "price", "price_unit", "date_created",
    "date_updated", "links", "url",
}  # fmt: skip


FIELDS = [
    "id",
    "direction",
    "from",
    "to",
    "media_url",
    "stored_media_url",
    "quality",
    "status",
    "failure_reason",
    "page_count",
    "call_duration_secs",
    "created_at",
    "updated_at",
    "store_media",
    "client_state",
    "unknown",
]


@given(st.dictionaries(st.sampled_from(FIELDS), JSONS))
def test_any_resource_is_a_payload(fax):
    """Whatever Telnyx answers, the payload has Twilio's eighteen fields and nothing raises."""
    assert set(fax_payload(fax, "AC1")) == KEYS
    assert set(created_payload(fax, "AC1")) == KEYS
    assert media_payload(fax, "AC1") is None or stored_media_url(fax)


UUID = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"


def test_the_published_sample():
    """The fax of the published example reads as Twilio's sample does."""
    payload = fax_payload(
        {
            "record_type": "fax",
            "id": UUID,
            "connection_id": "234423",
            "direction": "outbound",
            "from": "+13125790015",
            "to": "+13129457420",
            "media_url": "https://www.example.com/a.pdf",
            "quality": "high",
            "status": "queued",
            "store_media": True,
            "stored_media_url": "https://s3.example/b.pdf",
            "created_at": "2020-05-05T09:59:12",
            "updated_at": "2020-05-05T09:59:12.123456+02:00",
            "page_count": "2",
            "call_duration_secs": 31.0,
        },
        "AC1",
    )

    assert payload == {
        "sid": "FX" + UUID.replace("-", ""),
        "account_sid": "AC1",
        "from": "+13125790015",
        "to": "+13129457420",
        "quality": "fine",
        "media_sid": "ME" + UUID.replace("-", ""),
        "media_url": "https://s3.example/b.pdf",
        "num_pages": 2,
        "duration": 31,
        "status": "queued",
        "direction": "outbound",
        "api_version": "v1",
        "price": None,
        "price_unit": None,
        "date_created": "2020-05-05T09:59:12Z",
        "date_updated": "2020-05-05T07:59:12Z",
        "links": {"media": f"https://fax.twilio.com/v1/Faxes/FX{UUID.replace('-', '')}/Media"},
        "url": f"https://fax.twilio.com/v1/Faxes/FX{UUID.replace('-', '')}",
    }


@pytest.mark.parametrize(
    ("value", "whole"), [(True, None), (1.5, None), ("x", None), ("٣", None), (None, None), (0, 0)]
)
def test_counts_are_whole_numbers_or_none(value, whole):
    """A page count that is none is None, never a guess."""
    assert fax_payload({"page_count": value}, None)["num_pages"] == whole


def test_payloads_match_twilios_specification():
    """Every payload validates against Twilio's last published schema of a fax."""
    folder = os.environ.get("TWILIO_FAX_COMPAT_SPECS")
    if not folder:
        pytest.skip(
            "set TWILIO_FAX_COMPAT_SPECS to a folder with twilio-fax-v1.openapi.json, the fax file "
            "of github.com/twilio/twilio-oai"
        )
    schemas = json.loads(Path(folder, "twilio-fax-v1.openapi.json").read_text(encoding="utf-8"))
    schemas = schemas["components"]["schemas"]
    payload = fax_payload(
        {
            "id": UUID, "direction": "inbound", "from": "+1", "to": "+2", "status": "received",
            "quality": "very_high", "media_url": "https://s3.example/b.pdf", "created_at": "2020-05-05T09:59:12Z",
        },
        "AC" + "0" * 32,
    )  # fmt: skip
    media = media_payload(
        {"id": UUID, "direction": "inbound", "media_url": "https://x"}, "AC" + "0" * 32
    )
    checked = 0
    for value, schema in ((payload, "fax.v1.fax"), (media, "fax.v1.fax.fax_media")):
        properties = schemas[schema]["properties"]
        assert set(value) == set(properties)
        for name, rule in properties.items():
            if value[name] is None:
                assert rule.get("nullable"), name
                continue
            target = schemas[rule["$ref"].rsplit("/", 1)[-1]] if "$ref" in rule else rule
            kinds = {"string": str, "integer": int, "number": (int, str), "object": dict}
            assert isinstance(value[name], kinds[target["type"]]), name
            assert value[name] in target.get("enum", [value[name]]), name
            checked += 1
    assert checked > 15


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("X-Amz-Date=20260701T120000Z&X-Amz-Expires=7200", 600),
        ("X-Amz-Date=20260701T120000Z&X-Amz-Expires=60", 60),
        ("X-Amz-Date=20260701T120000Z", 600),
        ("X-Amz-Date=20269901T120000Z&X-Amz-Expires=60", None),
        ("X-Amz-Expires=60", None),
        ("", None),
    ],
)
def test_when_a_link_expires(query, expected):
    """Ten minutes after it was made at the latest, whatever longer life it claims."""
    end = link_expires("https://s3.example/fax.pdf?" + query)
    made = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)

    assert end == (None if expected is None else made + timedelta(seconds=expected))
