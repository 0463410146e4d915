"""Faxes, times, masks, tokens and problems: values in, values out."""

import json
import os
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.flows import answer, lost
from twilio_fax_compat._core.masking import mask, mask_number
from twilio_fax_compat._core.translation.client_state import pack, token_of
from twilio_fax_compat._core.translation.errors import (
    PARAMETERS,
    from_failure,
    from_telnyx,
    refuses_state,
    telnyx_errors,
)
from twilio_fax_compat._core.translation.faxes import (
    created_payload,
    fax_payload,
    link_expires,
    media_payload,
    stored_media_url,
)
from twilio_fax_compat._core.translation.times import (
    last_moment_of,
    parse_http_date,
    parse_timestamp,
    twilio_timestamp,
    utc_text,
)

KEYS = {
    "sid", "account_sid", "from", "to", "quality", "media_sid", "media_url", "num_pages",
    "duration", "status", "direction", "api_version", "price", "price_unit", "date_created",
    "date_updated", "links", "url",
}  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JSONS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)
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


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone.utc)
)


@given(MOMENTS, st.sampled_from(["Z", "+00:00", "", "z", "-0000"]), st.sampled_from(["T", " "]))
def test_a_timestamp_round_trips(moment, zone, separator):
    """A moment is found again from its text, with or without a zone."""
    text = moment.strftime("%Y-%m-%d{}%H:%M:%S.%f").format(separator) + zone

    assert parse_timestamp(text) == moment == parse_timestamp(utc_text(moment))
    assert twilio_timestamp(text) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@given(MOMENTS, st.integers(-23 * 60, 23 * 60))
def test_a_zone_is_heeded(moment, minutes):
    """A timestamp of another zone is the same moment."""
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))

    assert parse_timestamp(local.isoformat()) == moment


@given(st.text() | st.none() | st.integers())
def test_no_timestamp_raises(text):
    """What is no timestamp is None."""
    assert parse_timestamp(text) is None or isinstance(text, str)
    assert twilio_timestamp(text) is None or isinstance(text, str)
    assert parse_http_date(text) is None or isinstance(text, str)


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-30T00:00:00Z",
        "2021-01-01T25:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "2021-01-01T00:00:00٣Z",
    ],
)
def test_impossible_moments_are_none(text):
    """A date that does not exist, or falls out of the calendar, is None."""
    assert parse_timestamp(text) is None


@given(MOMENTS, st.integers(0, 6))
def test_the_last_moment_of_a_text(moment, digits):
    """No moment that is written so is later, and the next microsecond is written otherwise."""
    full = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    text = (full[: 20 + digits] if digits else full[:19]) + "Z"
    last = last_moment_of(text)

    assert last >= moment
    assert last - parse_timestamp(text) == timedelta(microseconds=10 ** (6 - digits) - 1)


def test_http_dates():
    """A ``Date`` header is a moment in UTC."""
    expected = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)

    assert parse_http_date("Wed, 01 Jul 2026 12:00:00 GMT") == expected
    assert parse_http_date("Wed, 01 Jul 2026 12:00:00 -0000") == expected
    assert parse_http_date("soon") is None


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


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True), st.text("abc :,.()'\"\n", max_size=9))
def test_numbers_are_masked_anywhere(number, around):
    """No full number is left of a text, the last four digits are."""
    masked = mask(around + " " + number + " " + around)

    assert number[1:] not in masked
    assert number[-4:] in masked
    assert mask_number(number) == "..." + number[-4:]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("sip:kate@example.com", "sip:...@example.com"),
        ("https://u:p@x.example/a?token=1 failed", "https://x.example/... failed"),
        ("Bearer KEY0123_secret", "Bearer ***"),
        ("key KEY0123456_secret is wrong", "key *** is wrong"),
        ("+1 (415) 555-0100", "...0100"),
        ("HTTP 503, code 90080 in 12 ms", "HTTP 503, code 90080 in 12 ms"),
        ("FX6ddd26420dab4bcf9c5f45dd5f0a2d2e", "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e"),
        (UUID, UUID),
        ("to 192.168.10.25:8080, 127.0.0.1", "to 192.168.10.25:8080, 127.0.0.1"),
        ("http://10.0.0.1:3128/x", "http://10.0.0.1:3128/..."),
        ("415.555.0100", "...0100"),
        ("01.42.68.53.00", "...5300"),
        ("331.42.68.53", "...6853"),
    ],
)
def test_what_is_masked_and_what_is_not(text, masked):
    """Credentials, SIP users and paths of URLs go; codes and ids stay."""
    assert mask(text) == masked


@pytest.mark.parametrize("value", [None, 1234, "", "12", ["+15005550009"]])
def test_short_numbers_show_nothing(value):
    """What has no more than four digits is not shown at all."""
    assert mask_number(value) in ("...", "...0009")


@given(st.text("0123456789abcdef", min_size=1, max_size=64))
def test_a_token_round_trips(token):
    """A token is found again in the client_state it was packed into."""
    assert token_of(pack(token)) == token


@given(st.text() | st.binary().map(lambda raw: b64encode(raw).decode()) | st.none() | st.integers())
def test_another_programs_client_state_has_no_token(state):
    """What is not ours is None, whatever it holds."""
    assert token_of(state) is None


@pytest.mark.parametrize("value", [{}, [], 7, {"token": "x"}, {"twilio_fax_compat": 1, "token": 7}])
def test_json_that_is_not_ours_has_no_token(value):
    """JSON of another shape is not taken for ours."""
    assert token_of(b64encode(json.dumps(value).encode()).decode()) is None


ERRORS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "code": st.sampled_from(["10016", "10004", "404", 7, None]),
            "title": JSONS,
            "detail": JSONS,
            "source": st.fixed_dictionaries(
                {},
                optional={
                    "pointer": st.sampled_from(["/to", "/data/attributes/from", "", 7]),
                    "parameter": JSONS,
                },
            )
            | JSONS,
        },
    )
    | JSONS,
    max_size=3,
)


@given(st.integers(300, 599), st.one_of(ERRORS.map(lambda errors: {"errors": errors}), JSONS))
def test_any_error_is_twilios(status, body):
    """Every status and body becomes an error response with a status, a code and a message."""
    response = from_telnyx(answer(status, body), "/Faxes")

    assert 400 <= response.status <= 599
    assert response.payload["status"] == response.status
    assert isinstance(response.payload["code"], int)
    assert response.payload["message"]
    assert response.payload["details"]["telnyx_status"] == status


@pytest.mark.parametrize("parameter", sorted(PARAMETERS))
@pytest.mark.parametrize("pointer", ["/{}", "/data/attributes/{}", "{}"])
def test_the_parameter_at_fault_is_named(parameter, pointer):
    """Telnyx's pointer leads to Twilio's code for that parameter."""
    code, name = PARAMETERS[parameter]
    body = {
        "errors": [
            {"code": "10015", "title": "Bad", "source": {"pointer": pointer.format(parameter)}}
        ]
    }
    response = from_telnyx(answer(422, body), "/Faxes")

    assert (response.status, response.payload["code"]) == (400, code)
    assert name in response.payload["message"]


def test_what_telnyx_says_is_repeated():
    """Title, detail and code are in the message, so that support can be asked."""
    body = {"errors": [{"code": "90080", "title": "Not now", "detail": "It is sent"}]}

    assert (
        from_telnyx(answer(422, body), "/x")
        .payload["message"]
        .endswith("Not now: It is sent (Telnyx 90080)")
    )
    assert refuses_state(answer(422, body))
    assert telnyx_errors(answer(422, b"<")) == []


def test_a_failure_is_a_gateways():
    """Nothing was answered: 504 after a time-out, 503 otherwise."""
    assert from_failure(lost()).status == 504
    assert from_failure(lost(timed_out=False)).status == 503
