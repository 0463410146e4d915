"""Whatever was recorded, the conversion comes to an end and hides nothing."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cassettes.recordings import API, faxes, interaction
from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat.cassettes.convert import convert_cassette
from twilio_fax_compat.cassettes.files import Cassette

SID = "FX" + "ab" * 16
NAMES = "sid status faxes meta media key next_page_url media_url from to code message direction"
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(
    leaves | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4)
    ),
    max_leaves=12,
)
urls = st.sampled_from(
    [
        API + "/Faxes",
        API + "/Faxes/" + SID,
        API + "/Faxes/" + SID + "/Media",
        API + "/Faxes/" + SID + "/Media/ME" + "cd" * 16,
        API + "/Faxes?PageSize=2&PageToken=x",
        API + "/Faxes/FX1",
        API + "/Faxes/" + SID + "/Media/x",
        API + "/",
        "https://fax.twilio.com",
        "http://fax.ie1.twilio.com:80/v1/Faxes",
    ]
)
bodies = st.sampled_from(
    [
        None,
        b"",
        b"\xff\xfe=",
        b"Status=canceled",
        b"To=%2B14155550100&From=%2B14155550101&MediaUrl=https://e.com/a",
    ]
)
statuses = st.sampled_from([200, 201, 204, 301, 400, 404, 429, 500, 503, 100, "200", None])


@st.composite
def mangled(draw):
    fax = draw(faxes())
    for name in draw(st.lists(st.sampled_from(sorted(fax)), max_size=4)):
        fax[name] = draw(values)
    return fax


payloads = (
    values
    | mangled()
    | st.builds(
        lambda faxes, meta: {"faxes": faxes, "meta": meta},
        st.lists(mangled() | values, max_size=3),
        values,
    )
    | st.builds(lambda media: {"media": media}, st.lists(mangled() | values, max_size=3))
)
requests = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "get"]), urls, bodies, statuses, payloads
)


@given(st.lists(requests, max_size=4))
@settings(max_examples=100, deadline=None)
def test_each_interaction_is_accounted_for(said):
    """It is converted, or told to be not, and nothing is raised."""
    interactions = []
    for method, url, body, status, payload in said:
        one = interaction(method, url, None, status, payload)
        one["request"]["body"] = body
        interactions.append(one)
    old = Cassette({"interactions": interactions, "version": 1}, "yaml")

    converted = convert_cassette(old, FlowSettings(account_sid=None, connection_id="1"))

    assert [outcome.number for outcome in converted.outcomes] == list(range(1, len(said) + 1))


around = st.text("abc{}[]=&?:/\"', \n", max_size=6)


@given(
    digits=st.from_regex(r"1[2-9][0-9]{9}|[2-9][0-9]{9,13}", fullmatch=True),
    before=around,
    after=around,
    spelled=st.sampled_from(["plain", "percent", "bare", "spaced"]),
    held=st.sampled_from(["text", "json", "form", "url", "bytes"]),
)
@settings(deadline=None)
def test_a_number_is_found_wherever_it_stands(digits, before, after, spelled, held):
    """As E.164, percent-encoded, without its plus or with gaps, in whatever holds it."""
    number = {
        "plain": "+" + digits,
        "percent": "%2B" + digits,
        "bare": digits,
        "spaced": " ".join([digits[:1], digits[1:4], digits[4:7], digits[7:]]),
    }[spelled]
    text = before + number + after
    holder = {
        "text": text,
        "json": json.dumps({"a": [text]}),
        "form": "To=" + number + "&Body=x",
        "url": "https://example.com/x?to=" + number.replace(" ", "%20"),
        "bytes": text.encode(),
    }[held]
    scrubber = Scrubber()
    scrubber.observe({"To": "+" + digits})

    scrubbed = repr(scrubber.scrub({"body": holder}))

    kept = scrubber.numbers[digits]
    found = "".join(char for char in scrubbed if char.isdigit() or char == "+")
    assert digits == kept or digits not in found
