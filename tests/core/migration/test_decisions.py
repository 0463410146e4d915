"""What a flag may say, and the decisions that follow."""

import json
import re

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from twilio_fax_compat._core.migration.decisions import (
    KEYS,
    LEGACY,
    STAGES,
    TELNYX,
    Decision,
    Plan,
    Subject,
    decide,
    point_of,
    read_plan,
)

ACCOUNT = "AC00000000000000000000000000000001"
NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
PERCENTS = st.floats(0, 100)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMED = st.dictionaries(st.sampled_from(["stage", "percent", "allow", "deny", "key"]), JSON_VALUES)


def fields_of(to, from_="+15005550006"):
    return {"To": to, "From": from_, "MediaUrl": "https://www.example.com/fax.pdf"}


def provider_of(plan, to, from_="+15005550006", account=ACCOUNT):
    return decide(read_plan(plan), fields_of(to, from_), account).provider


@pytest.mark.parametrize(
    ("value", "plan"),
    [
        ("off", Plan("off")),
        (" Shadow\n", Plan("shadow")),
        ("25%", Plan("ramp", 25)),
        ("12.5 %", Plan("ramp", 12.5)),
        ("0%", Plan("ramp", 0)),
        ("100%", Plan("ramp", 100)),
        ("ON", Plan("on")),
        ("complete", Plan("complete")),
        ("legacy", Plan("off")),
        ("telnyx", Plan("on")),
        ("True", Plan("on")),
        ("false", Plan("off")),
        (True, Plan("on")),
        (False, Plan("off")),
        ({"stage": "on"}, Plan("on")),
        ({"stage": "Legacy"}, Plan("off")),
        ({"percent": 25}, Plan("ramp", 25)),
        ({"percent": "12.5%"}, Plan("ramp", 12.5)),
        ('{"stage": "ramp", "percent": 5, "key": "from"}', Plan("ramp", 5, key="from")),
        ({"allow": {"to": "+1415*"}}, Plan("ramp", allow={"to": ["+1415*"]})),
        (Plan("shadow"), Plan("shadow")),
    ],
)
def test_what_a_flag_may_say(value, plan):
    """Texts, booleans, objects and plans mean plans."""
    assert read_plan(value) == plan


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "'' is not a stage"),
        ("fifty", "'fifty' is not a stage: write off, shadow, 25%"),
        ("25", "'25' is not a stage"),
        ("ramp", "'ramp' is not a stage"),
        ("101%", "percent: 101 is not a number from 0 to 100"),
        (25, "25 is not a stage"),
        (10**400, "a number that is too large is not a stage"),
        (None, "a value of type NoneType is not a stage"),
        (["on"], "a value of type list"),
        (b"on", "a value of type bytes"),
        ("{", "the JSON object cannot be parsed"),
        ('{"a":' * 100_000, "the JSON object cannot be parsed"),
        ({}, "needs a stage, a percent or an allow"),
        ({"deny": {"to": ["+1415*"]}}, "needs a stage, a percent or an allow"),
        ({"stage": "half"}, "stage: 'half' must be one of off, shadow, ramp, on, complete"),
        ({"stage": 1}, "stage: 1 must be one of"),
        (
            {"stage": "off", "percents": 1},
            "'percents' must be one of stage, percent, allow, deny, key",
        ),
        ({"stage": "off", 1: 1}, "1 must be one of stage"),
        ({"percent": True}, "percent: 1 is not a number from 0 to 100"),
        ({"percent": -1}, "percent: -1 is not a number"),
        ({"percent": 10**400}, "percent: a number that is too large is not a number"),
        ({"percent": float("nan")}, "is not a number from 0 to 100"),
        ({"percent": "many"}, "percent: 'many' is not a number"),
        ({"percent": 1, "key": "number"}, "'number' must be one of to, from, account"),
        ({"percent": 1, "allow": ["+1415*"]}, "allow and deny are objects"),
        ({"percent": 1, "allow": {"To": ["+1415*"]}}, "'To' must be one of to, from, account"),
        ({"percent": 1, "deny": {"to": 1}}, "the patterns of to must be a list of texts"),
        ({"percent": 1, "deny": {"to": [1415]}}, "to: 1415 is neither one whole value"),
        ({"percent": 1, "deny": {"to": ["1415*"]}}, "to: '1415*' is neither"),
        ({"percent": 1, "deny": {"from": ["+14*5*"]}}, "from: '+14*5*' is neither"),
        ({"percent": 1, "deny": {"account": ["*"]}}, "account: '*' is neither"),
        ({"percent": 1, "deny": {"to": ["x14155550100"]}}, "to: 'x...0100' is neither"),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, int) else None,
)
def test_what_is_wrong_is_named(value, told):
    """Whatever cannot be a plan is told, with numbers cut."""
    with pytest.raises(ValueError, match=re.escape(told)):
        read_plan(value)


@example(0.03125)
@example(12345)
@given(JSON_VALUES | NAMED | NAMED.map(json.dumps) | st.binary() | st.text() | st.from_type(type))
def test_any_value_is_a_plan_or_a_value_error(value):
    """Reading a flag has no third outcome, and its error has no full number."""
    try:
        assert read_plan(value).stage in STAGES
    except ValueError as error:
        assert not re.search("[0-9]{5}", str(error))


@given(NUMBERS, st.sampled_from(["{}", "x{}", "{}x", "to {} *", "+{}"]))
def test_errors_have_no_number(number, shape):
    """A number in the wrong place is not repeated."""
    text = shape.format(number)
    for value in (
        text,
        {"percent": text},
        {"stage": text},
        {text: 1},
        {"allow": {"to": ["%" + text]}},
    ):
        with pytest.raises(ValueError) as caught:
            read_plan(value)
        assert number[1:] not in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "provider"),
    [("off", LEGACY), ("shadow", LEGACY), ("on", TELNYX), ("complete", TELNYX)],
)
@given(NUMBERS, PERCENTS)
def test_a_stage_is_for_all(stage, provider, number, percent):
    """Outside of a ramp nothing else counts, so that a way back needs one word."""
    other = {LEGACY: "allow", TELNYX: "deny"}[provider]
    plan = Plan(stage, percent, **{other: {"to": ["+*"]}})
    decision = decide(plan, fields_of(number), ACCOUNT)
    assert (decision.stage, decision.provider, decision.reason) == (stage, provider, "stage")


@given(NUMBERS, PERCENTS, st.sampled_from(KEYS), st.text(max_size=5), st.text(max_size=5))
def test_decisions_are_sticky(number, percent, key, one, other):
    """The same key has the same provider, whatever else differs, however the number is written."""
    plan = Plan("ramp", percent, key=key)
    first = {"to": number, "from": one, "account": one, key: number}
    second = {
        "to": other,
        "from": other,
        "account": other,
        key: f" ({number[:3]}) {number[3:5]}-{number[5:]}",
    }
    decisions = {
        decide(plan, {"To": told["to"], "From": told["from"]}, told["account"])
        for told in (first, second)
    }
    assert len(decisions) == 1


@given(NUMBERS, PERCENTS, PERCENTS)
def test_a_larger_percentage_only_adds(number, one, other):
    """Who is with Telnyx stays there while the percentage rises."""
    low, high = sorted([one, other])
    if provider_of(Plan("ramp", low), number) == TELNYX:
        assert provider_of(Plan("ramp", high), number) == TELNYX
    assert provider_of(Plan("ramp", 0), number) == LEGACY
    assert provider_of(Plan("ramp", 100), number) == TELNYX


def test_shares_are_within_a_point():
    """Of 100,000 numbers in a row, as many go to Telnyx as the percentage says."""
    hashes = [Subject(f"+1415{number:07}").key_hash() for number in range(100_000)]
    points = [point_of(key_hash) for key_hash in hashes]
    for percent in (0, 0.5, 1, 5, 12.5, 25, 50, 75, 99, 100):
        share = sum(point < percent for point in points) / 1000
        assert abs(share - percent) < 1, (percent, share)
    decided = [
        provider_of(Plan("ramp", 25), f"+1415{number:07}") for number in range(0, 100_000, 97)
    ]
    assert decided == [TELNYX if point < 25 else LEGACY for point in points[::97]]


def test_a_point_is_below_100():
    """So 100 % is everybody."""
    assert point_of("0" * 16) == 0
    assert 99.99 < point_of("f" * 16) < 100


@given(NUMBERS, PERCENTS, st.integers(1, 7))
def test_lists_win_over_the_percentage(number, percent, length):
    """Deny wins over allow, allow over the percentage, whole or by their beginning."""
    prefix = number[:length] + "*"
    for one in (number, prefix, "+*"):
        for other in (number, prefix, "+*"):
            plan = Plan("ramp", percent, allow={"to": [one]})
            allowed = decide(plan, fields_of(number), ACCOUNT)
            assert (allowed.provider, allowed.reason) == (TELNYX, "allowed")
            denied = decide(evolve(plan, deny={"to": [other]}), fields_of(number), ACCOUNT)
            assert (denied.provider, denied.reason) == (LEGACY, "denied")


@pytest.mark.parametrize(
    ("rules", "matches"),
    [
        ({"to": ["+14155550100"]}, True),
        ({"to": ["+1415555010"]}, False),
        ({"to": ["+1415*", "+44*"]}, True),
        ({"to": ["+44*"]}, False),
        ({"to": ["sip:*"]}, False),
        ({"from": ["+15005550006"]}, True),
        ({"from": ["+1415*"]}, False),
        ({"account": [ACCOUNT]}, True),
        ({"account": ["AC0*"]}, True),
        ({"account": ["AC1*"]}, False),
        ({"to": [], "from": ["+1500*"]}, True),
        ({}, False),
    ],
)
def test_lists_match_each_field(rules, matches):
    """Destinations, senders and accounts are matched by lists of their own."""
    plan = read_plan({"percent": 0, "allow": rules})
    assert (provider_of(plan, "+1 (415) 555-0100") == TELNYX) == matches


def test_sip_destinations_have_lists_too():
    """A SIP URI is matched without regard to case."""
    plan = read_plan({"percent": 0, "allow": {"to": ["SIP:fax@Example.com", "sips:*"]}})
    assert provider_of(plan, "sip:Fax@example.COM") == TELNYX
    assert provider_of(plan, "sips:other@example.com") == TELNYX
    assert provider_of(plan, "sip:other@example.com") == LEGACY


def test_the_old_order_of_arguments_is_known():
    """create(from_, to, media_url) is decided by its destination as well."""
    old = {"To": "+15005550006", "MediaUrl": "+14155550100", "Quality": "https://x.example/a.pdf"}
    assert decide(Plan("off"), old, None) == decide(Plan("off"), fields_of("+14155550100"), None)


@given(
    st.dictionaries(st.sampled_from(["To", "From", "MediaUrl", "Quality"]), JSON_VALUES), NUMBERS
)
def test_any_form_is_decided(fields, number):
    """What is wrong with a form is for the provider to say."""
    plan = Plan("ramp", 50, allow={"to": [number]}, deny={"from": ["+44*"]})
    assert isinstance(decide(plan, fields, None), Decision)


@given(NUMBERS)
def test_nothing_shows_a_number(number):
    """Plans, subjects and decisions may be logged."""
    plan = Plan("ramp", 50, allow={"to": [number]}, deny={"from": [number]})
    subject = Subject.of(fields_of(number, number), ACCOUNT)
    shown = repr((plan, subject, decide(plan, fields_of(number, number), ACCOUNT)))
    assert number not in shown
    assert number[1:] not in shown
    assert "allow={'to': 1}" in shown
    assert number.startswith(subject.destination_prefix)
    assert len(subject.destination_prefix) <= 5


def test_the_hash_stays_the_same():
    """A new release sends nobody elsewhere."""
    assert Subject("+15005550009").key_hash() == "4f7127bfa5e2d91a"
    assert point_of("4f7127bfa5e2d91a") == pytest.approx(31.0320, abs=1e-3)
