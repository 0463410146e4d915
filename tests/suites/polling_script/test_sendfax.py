"""Faxes are really sent: export the credentials of the test account first."""

import re

import pytest
from twilio.rest import Client

import sendfax

DOCUMENT = "https://www.example.com/fax.pdf"
GOOD = "+15005550009"


def test_one_fax(capsys):
    assert sendfax.main(["--every", "0.05", GOOD, DOCUMENT]) == 0

    assert re.fullmatch(r"FX[0-9a-f]{32} delivered\n", capsys.readouterr().out)


def test_two_faxes(capsys):
    assert sendfax.main(["--every", "0.05", GOOD, DOCUMENT, DOCUMENT]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["delivered", "delivered"]
    assert len({line.split()[0] for line in lines}) == 2


def test_it_does_not_hurry(capsys, monkeypatch):
    pauses = []
    monkeypatch.setattr(sendfax.time, "sleep", pauses.append)
    sendfax.main([GOOD, DOCUMENT])

    assert set(pauses) == {5.0}


def test_it_does_not_wait_for_ever(capsys):
    assert sendfax.main(["--every", "0", "--patience", "-1", GOOD, DOCUMENT]) == 1

    assert capsys.readouterr().out.split()[1] in sendfax.WAITING


def test_a_number_that_is_none(capsys):
    assert sendfax.main(["12", DOCUMENT]) == 2

    assert "(21211)" in capsys.readouterr().err


def test_a_document_that_is_none(capsys):
    assert sendfax.main([GOOD, "fax.pdf"]) == 2

    assert "(21620)" in capsys.readouterr().err


def test_without_credentials(capsys, monkeypatch):
    monkeypatch.delenv("TWILIO_ACCOUNT_SID", raising=False)

    assert sendfax.main([GOOD, DOCUMENT]) == 3
    assert "Credentials are required" in capsys.readouterr().err


def test_a_fax_can_be_stopped():
    client = Client()
    fax = client.fax.faxes.create(GOOD, DOCUMENT, from_="+15005550006")

    assert fax.update(status="canceled").status == "canceled"
    assert sendfax.wait_for(client, fax.sid, 0.05, 10).status == "canceled"


def test_it_can_be_found_again(capsys):
    sendfax.main(["--every", "0.05", GOOD, DOCUMENT])
    sid = capsys.readouterr().out.split()[0]

    assert sid in [fax.sid for fax in Client().fax.faxes.list(to=GOOD, limit=20)]


@pytest.mark.parametrize("quality", ["standard", "fine", "superfine"])
def test_the_quality_is_kept(quality):
    fax = Client().fax.faxes.create(GOOD, DOCUMENT, quality, from_="+15005550006")

    assert Client().fax.faxes(fax.sid).fetch().quality == quality
