"""What Telnyx does not show is not known, and never wrong; nothing shows a full number."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.doctor import checks
from twilio_fax_compat._core.doctor.checks import FAILED, OK, UNKNOWN, WARNING, Answer
from twilio_fax_compat._core.doctor.countries import COUNTRIES, country_of

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
NUMBER = "+15550104477"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    "active outbound webhook_event_url enabled whitelisted_destinations phone_number status attempts "
    "available_credit webhook_timeout_secs daily_spend_limit_enabled".split()
)
answers = st.builds(
    Answer,
    st.sampled_from([0, 200, 401, 404, 429, 500]),
    json_values
    | st.dictionaries(KNOWN, json_values)
    | st.lists(st.dictionaries(KNOWN, json_values)),
    st.just("no route"),
    st.booleans(),
)


@given(answers, answers)
def test_no_answer_is_too_odd(first, second):
    """Every check has a name, a status and what it saw, whatever Telnyx answers."""
    found = [
        checks.checked_key(first),
        *checks.checked_application(first, "https://a.example/fax"),
        checks.checked_profile(first, second, {"US"}),
        checks.checked_profile(first, None, ()),
        *checks.checked_numbers(first, NUMBER),
        checks.checked_balance(first),
        checks.checked_deliveries(first),
    ]
    for check in found:
        assert check.name
        assert check.saw
        assert check.status in (OK, WARNING, FAILED, UNKNOWN)
        assert NUMBER not in repr(check)
        assert bool(check.next) or check.status in (OK, UNKNOWN) or check.name == "sender"


@pytest.mark.parametrize("data", [{}, {"application_name": "x"}], ids=["empty", "name alone"])
def test_what_is_not_shown_is_not_wrong(data):
    found = checks.checked_application(Answer(200, data), None)
    found.append(checks.checked_profile(Answer(200, data), None, ()))
    found.append(checks.checked_balance(Answer(200, {})))
    assert {check.status for check in found} == {UNKNOWN}


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, OK), (-29, OK), (31, WARNING), (-299, WARNING), (301, FAILED)]
)
def test_clocks(seconds, status):
    check = checks.checked_clock(NOW - timedelta(seconds=seconds), NOW)
    assert check.status == status
    assert checks.checked_clock(None, NOW).status == UNKNOWN


def test_countries():
    assert country_of("+493012345") == "DE"
    assert country_of("+35312345") == "IE"
    assert country_of("+14155550100") is None  # the USA, Canada and others
    assert country_of("493012345") is None
    assert len(set(COUNTRIES.values())) == len(COUNTRIES)
