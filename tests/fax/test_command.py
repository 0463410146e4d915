"""``twilio-fax-compat fax``, in a process of its own ledger and Telnyx."""

import json

import pytest

from tests.fakes.telnyx import FakeTelnyx, Post
from tests.helpers import TO, fax_id, make_client, send
from tests.rest.test_never_twice import QUICK, posts
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.ledger._opening import open_ledger


@pytest.fixture(name="url")
def _url(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'fax.db'}"
    monkeypatch.setenv("TWILIO_FAX_COMPAT_LEDGER", url)
    monkeypatch.delenv("TELNYX_API_KEY", raising=False)
    return url


@pytest.fixture(name="telnyx")
def _telnyx(monkeypatch):
    with FakeTelnyx(posts(Post(None, 504))) as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        yield telnyx


def lose(telnyx, url):
    """Leave a send without a known end and return the error."""
    with pytest.raises(TwilioRestException) as caught:
        send(make_client(telnyx, ledger=open_ledger(url), retry=QUICK))
    return caught.value


def printed(capsys, *words):
    status = main(["fax", *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_fax(url, telnyx, capsys):
    """Provider, state, what is remembered and the callbacks; by SID and by Telnyx's id."""
    telnyx.choose = posts()
    ledger = open_ledger(url)
    fax = send(make_client(telnyx, ledger=ledger))
    ledger.remember(fax_id(fax), Facts(status="delivered", page_count=2, reported="delivered"))
    for word in (fax.sid, fax_id(fax)):
        status, data = printed(capsys, word)
        assert status == 0
        assert (data["sid"], data["provider"], data["status"]) == (fax.sid, "telnyx", "queued")
        assert data["ledger"] == {"status": "delivered", "pages": 2}
        assert data["callbacks"] == "delivered up to the final status (delivered)"
    assert main(["fax", fax.sid]) == 0
    text = capsys.readouterr().out
    assert "ledger         status delivered, pages 2" in text
    assert TO not in text


def test_a_send_without_an_end(url, telnyx, capsys):
    """By the key, the client_state or the token; released, it is sent by the next equal create."""
    error = lose(telnyx, url)
    words = [error.details["key"], error.details["client_state"]]
    for word in words:
        status, data = printed(capsys, word)
        assert status == 0
        assert data["key"] == error.details["key"]
        assert data["telnyx"] == "does not have it"
        assert [one["state"] for one in data["sends"]] == ["may have been sent"]
        assert data["release"] == error.details["release"]
    assert main(error.details["release"].split()[1:]) == 0
    assert main(error.details["release"].split()[1:]) == 1
    assert "released: 1" in capsys.readouterr().out
    fax = send(make_client(telnyx, ledger=open_ledger(url), retry=QUICK))
    assert len(telnyx.posts) == 2
    assert [one["id"] for one in telnyx.all_faxes()] == [fax_id(fax)]
    status, data = printed(capsys, telnyx.posts[1]["client_state"])
    assert (status, data["sid"], data["sends"]) == (0, fax.sid, [])
    assert printed(capsys, error.details["client_state"])[0] == 1


def test_without_telnyx(url, capsys):
    """Then the ledger's part is shown."""
    ledger = open_ledger(url)
    ledger.remember("6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e", Facts(provider="legacy", status="busy"))
    status, data = printed(capsys, "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e")
    assert (status, data["provider"], data["ledger"]) == (0, "legacy", {"status": "busy"})
    assert data["telnyx"] == "not asked: set TELNYX_API_KEY"
    assert printed(capsys, "FX" + "0" * 32)[0] == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nonsense"], "is not a Twilio SID"),
        (["release", "nonsense"], "32 hexadecimal digits"),
        (["FX1", "FX2"], "give one fax"),
        (["--ledger", "memory:", "FX" + "0" * 32], "not shared between processes"),
        (["--ledger", "sqlite:////no/such/fax.db", "FX" + "0" * 32], "/no/such does not exist"),
    ],
)
def test_a_wrong_argument(url, capsys, words, text):
    assert main(["fax", *words]) == 2
    assert text in capsys.readouterr().err
