"""Cassettes by decorator; to record them anew: VCR_RECORD_MODE=all pytest."""

import os
from datetime import timedelta

import pytest
import vcr

from lawfax import outbox

HERE = os.path.dirname(__file__)
BRIEF = "https://www.example.com/brief.pdf"

my_vcr = vcr.VCR(
    cassette_library_dir=os.path.join(HERE, "fixtures"),
    record_mode=os.environ.get("VCR_RECORD_MODE", "none"),
    filter_headers=["authorization"],
    match_on=["method", "uri"],
)


@my_vcr.use_cassette("send.yaml")
def test_send():
    fax = outbox.send("+15005550009", BRIEF)

    assert fax.sid.startswith("FX")
    assert (fax.status, fax.quality, fax.direction) == ("queued", "fine", "outbound")
    assert fax.media_url is None
    assert fax.date_created.utcoffset() == timedelta(0)


@my_vcr.use_cassette("follow.yaml")
def test_follow_until_delivered():
    fax = outbox.send("+15005550009", BRIEF)

    assert outbox.follow(fax) == ["queued", "processing", "sending", "delivered"]


@my_vcr.use_cassette("busy.yaml")
def test_follow_until_busy():
    fax = outbox.send("+15005550001", BRIEF)

    assert outbox.follow(fax)[-1] == "busy"


@my_vcr.use_cassette("refused.yaml")
def test_not_a_number():
    with pytest.raises(outbox.Refused, match="21211"):
        outbox.send("12", BRIEF)


@my_vcr.use_cassette("recall.json", serializer="json")
def test_recall():
    fax = outbox.send("+15005550009", BRIEF)

    assert outbox.recall(fax) is True


def test_the_form_that_is_sent():
    strict = {"match_on": ["method", "uri", "body"]}
    with my_vcr.use_cassette("form.yaml", **strict) as cassette:
        outbox.send("+15005550009", BRIEF)

    assert len(cassette) == 1
