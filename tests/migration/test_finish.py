"""``twilio-fax-compat migration finish``, and how the ends of legacy faxes are learned."""

import json

import pytest

from tests.fakes.twilio import FakeTwilio
from tests.helpers import ACCOUNT, FAST, FROM, MEDIA_URL, fax_id, wait_until
from tests.ledger.backends import Clock
from tests.migration.clients import Wrapper
from tests.webhooks.apps import TOKEN
from tests.webhooks.serving import served
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.migration.counters import ASKED, counter_name
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.migration.finish import finish
from twilio_fax_compat.request_validator import RequestValidator
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator

DAY = 86400.0
SIDS = ["FX" + f"{number:x}" * 32 for number in range(1, 5)]
KEYS = ["-".join((d[:8], d[8:12], d[12:16], d[16:20], d[20:])) for d in (sid[2:] for sid in SIDS)]


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="ledger")
def _ledger(clock):
    return MemoryLedger(clock=clock)


def asked(ledger, *names):
    for name in names:
        ledger.count(counter_name(ASKED, "legacy", name))


def test_nothing_is_left(ledger, clock):
    """Old requests and ended faxes do not block."""
    asked(ledger, "create", "callback")
    ledger.remember(KEYS[0], Facts(provider="legacy", status="no-answer"))
    ledger.remember(KEYS[1], Facts(provider="telnyx"))
    clock.pass_by(2 * DAY)
    found = finish(ledger, "on")
    assert found.is_safe
    assert found.asked == {"create": "3d", "callback": "3d"}
    assert (found.unfinished, found.unknown, found.open_sends, found.notes) == ([], 0, 0, [])


def test_what_blocks(ledger, clock):
    """Each is named with what to do; what only changes is a note."""
    ledger.remember(KEYS[0], Facts(provider="legacy"))
    clock.pass_by(8 * DAY)
    asked(ledger, "create", "callback", "fetch")
    ledger.remember(KEYS[1], Facts(provider="legacy"))
    for token, provider in (("a" * 32, "legacy"), ("b" * 32, "telnyx")):
        ledger.remember("send:key", Facts(sends={token: {"owner": "", "provider": provider}}))
        ledger.remember("send:" + token, Facts(sends={token: {"key": "send:key"}}))
    found = finish(ledger, "ramp")
    assert not found.is_safe
    blocking = " ".join(found.blocking)
    for words in ("the stage is ramp", "send a fax", "called the application", "1 sends", SIDS[1]):
        assert words in blocking
    assert (found.unfinished, found.unknown) == ([SIDS[1]], 1)
    notes = " ".join(found.notes)
    assert "fetch in the last 1h" in notes
    assert "1 older faxes" in notes


def test_without_a_rollout(ledger):
    assert "no roll-out is configured" in finish(ledger, None).blocking[0]


@pytest.fixture(name="url")
def _url(tmp_path, monkeypatch):
    monkeypatch.delenv("TWILIO_FAX_COMPAT_ROLLOUT", raising=False)
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(str(path))
    ledger.remember(KEYS[0], Facts(provider="legacy"))
    asked(ledger, "create", "list")
    ledger.close()
    return f"sqlite:///{path}"


def test_the_command(url, capsys):
    """It fails until `complete` is safe, as people and as scripts read it."""
    assert main(["migration", "finish", "--ledger", url, "--rollout", "on"]) == 1
    shown = capsys.readouterr().out
    assert "not safe yet" in shown
    assert SIDS[0] in shown
    assert "create            in the last 1h" in shown
    assert main(["migration", "finish", "--ledger", url, "--rollout", "on", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["safe"], data["unfinished"]) == (False, [SIDS[0]])
    assert data["last_asked"] == {"create": "1h", "list": "1h"}


def test_safe(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "on")
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    ledger.check()
    command = ["migration", "finish", "--ledger", f"sqlite:///{tmp_path / 'fax.db'}"]
    assert main(command) == 1
    assert "knows nothing of the legacy provider" in capsys.readouterr().out
    ledger.remember(KEYS[0], Facts(provider="legacy", status="delivered"))
    ledger.close()
    assert main(command) == 0
    assert capsys.readouterr().out == "The stage complete is safe.\n"


def test_status_without_a_rollout(url, capsys):
    """It says so, and shows the counts all the same."""
    assert main(["migration", "status", "--ledger", url]) == 0
    shown = capsys.readouterr().out
    assert "no roll-out is configured" in shown
    assert "broken" not in shown
    assert "faxes" in shown
    assert main(["migration", "status", "--ledger", url, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["stage"], data["trouble"]) == (None, None)


@pytest.fixture(name="twilio")
def _twilio():
    with FakeTwilio(account_sid=ACCOUNT, auth_token=TOKEN) as twilio:
        yield twilio


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator() as telnyx:
        yield telnyx


def client_of(twilio, telnyx, ledger):
    return Client(
        ACCOUNT,
        TOKEN,
        environment=dict(telnyx.environ),
        telnyx=TelnyxSettings(retry=FAST, unsupported={"status_callback": "ignore"}),
        ledger=ledger,
        legacy=Wrapper(twilio),
        rollout="off",
    )


def status_of(ledger, fax):
    return ledger.recall([fax_id(fax)])[fax_id(fax)].status


@pytest.mark.parametrize("framework", ["flask", "django", "starlette"])
def test_the_end_is_learned_from_a_signed_callback(framework, twilio, telnyx):
    """The application gets its callback unchanged, and the ledger knows the end without a fetch."""
    ledger = MemoryLedger()
    with served(framework, telnyx.public_key, ledger=ledger) as (origin, log):
        fax = client_of(twilio, telnyx, ledger).fax.faxes.create(
            "+15005550009", MEDIA_URL, from_=FROM, status_callback=origin + "/fax/status"
        )
        twilio.fail(fax.sid, "busy")
        twilio.flush_callbacks()
        wait_until(lambda: status_of(ledger, fax) == "busy")
    assert log.statuses_told[-1] == "busy"
    assert all(valid for *_, valid in log.seen)
    assert "callback" in finish(ledger, "on").asked


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({}, {"X-Twilio-Signature": "forged"}),
        ({"AccountSid": "AC" + "9" * 32}, {}),
        ({"FaxSid": "nonsense"}, {}),
        ({"FaxStatus": "delivered' --"}, {}),
        ({"FaxSid": "FX" + "0" * 12 + "4" + "0" * 3 + "8" + "0" * 15}, {}),
    ],
    ids=["forged", "other account", "no SID", "no status", "perhaps Telnyx's"],
)
def test_nothing_is_learned_from_anything_else(telnyx, change, headers):
    """The application has the request all the same."""
    import httpx

    ledger = MemoryLedger()
    key = KEYS[0]
    ledger.remember(key, Facts(provider="legacy"))
    fields = {"AccountSid": ACCOUNT, "FaxSid": SIDS[0], "FaxStatus": "delivered", **change}
    with served("flask", telnyx.public_key, ledger=ledger) as (origin, log):
        url = origin + "/fax/status"
        signature = RequestValidator(TOKEN).compute_signature(url, fields)
        httpx.post(url, data=fields, headers={"X-Twilio-Signature": signature, **headers})
        assert log.seen[-1][2] == fields
        # A right one afterwards: the wrong one has had its time.
        right = {"AccountSid": ACCOUNT, "FaxSid": SIDS[0], "FaxStatus": "busy"}
        signature = RequestValidator(TOKEN).compute_signature(url, right)
        httpx.post(url, data=right, headers={"X-Twilio-Signature": signature})
        wait_until(lambda: ledger.recall([key])[key].status is not None)
    assert ledger.recall([key])[key].status == "busy"
    assert len(list(ledger.recent(60))) == 1


def test_the_end_is_learned_from_a_list(twilio, telnyx):
    """Of the faxes that this client sent; others are not stored."""
    ledger = MemoryLedger()
    client = client_of(twilio, telnyx, ledger)
    sent = [
        client.fax.faxes.create(f"+1500555000{number}", MEDIA_URL, from_=FROM)
        for number in range(3)
    ]
    twilio.fail(sent[0].sid, "no-answer")
    twilio.complete(sent[1].sid)
    ledger.forget([fax_id(sent[1])])
    assert len(client.fax.faxes.list()) == 3
    assert status_of(ledger, sent[0]) == "no-answer"
    assert status_of(ledger, sent[2]) is None
    assert ledger.recall([fax_id(sent[1])]) == {}
