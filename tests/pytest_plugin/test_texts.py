"""What a report shows of texts and of test ids."""

import pytest

from twilio_fax_compat.pytest_plugin.report.texts import masked, masked_ids


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02",
        "at 2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05.123456+00:00",
        "from 127.0.0.1:8080, 12:30:01",
        "/Faxes/FX8ba5eedf39654e1cbea4f0850a3739f9",
        "test_2020-01-01",
    ],
)
def test_times_and_addresses_stay(text):
    """They look like numbers, and are none."""
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to +15005550009!", "to ...0009!"),
        ("206.555.0123", "...0123"),
        ("1.206.555.0123", "...0123"),
        ("+49.30.12.34", "...1234"),
        ("token 0123456789abcdef0123456789abcdef", "token ***"),
        ("2026-01-02 to +15005550009 from 10.0.0.1", "2026-01-02 to ...0009 from 10.0.0.1"),
    ],
)
def test_numbers_and_tokens_go(text, shown):
    """Whatever stands beside them."""
    assert masked(text) == shown


def test_ids_stay_apart():
    """Two ids that look the same without their numbers are told apart, in any order."""
    ids = ["t.py::a[+15005550009]", "t.py::a[+16005550009]", "t.py::b"]
    expected = {ids[0]: "t.py::a[...0009]#1", ids[1]: "t.py::a[...0009]#2", ids[2]: "t.py::b"}
    assert masked_ids(ids) == masked_ids(ids[::-1]) == expected
