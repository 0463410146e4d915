"""``twilio-fax-compat migration`` on a ledger in a file."""

import json

import pytest

from tests.ledger.backends import Clock
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.migration.counters import (
    ACCEPTED,
    CREATE,
    FALLBACK,
    SHADOW,
    UNSURE,
    counter_name,
    refused,
)
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.migration.summary import Side, sides

SIP = "sip_auth_username: Telnyx cannot log in to a SIP destination"


@pytest.fixture(name="url")
def _url(tmp_path, monkeypatch):
    """Fill a ledger as an application that moves does, some of it long ago."""
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(str(path))
    now = ledger.clock()
    ledger.clock = clock = Clock()
    clock.now = now - 3 * 86400
    fill(ledger, 1, "old")
    clock.now = now
    fill(ledger, 2, "new")
    ledger.close()
    monkeypatch.setenv("TWILIO_FAX_COMPAT_LEDGER", f"sqlite:///{path}")
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "25%")
    return f"sqlite:///{path}"


def fill(ledger, times, name):
    counted = {
        ("legacy", ACCEPTED): 4,
        ("legacy", refused(21211)): 1,
        ("telnyx", ACCEPTED): 2,
        ("telnyx", UNSURE): 1,
        ("telnyx", FALLBACK): 1,
    }
    for (provider, outcome), number in counted.items():
        for _ in range(number * times):
            ledger.count(counter_name(CREATE, provider, outcome))
    for kind, detail in [
        ("ok", ""),
        ("ok", ""),
        ("ok", ""),
        ("refused", SIP),
        ("warned", "ttl: left out"),
    ]:
        for _ in range(times):
            ledger.count(counter_name(SHADOW, kind, detail))
    ledger.count("another application's")
    facts = {
        "a": Facts(provider="legacy", status="delivered"),
        "b": Facts(provider="legacy"),
        "c": Facts(provider="telnyx", status="failed", failure_reason="user_busy"),
        "d": Facts(provider="telnyx", status="delivered", page_count=2),
        "e": Facts(status="delivered"),
        "f": Facts(provider="telnyx", cancel_asked=True, status="failed"),
    }
    for fax_id, told in facts.items():
        ledger.remember(f"{name} {fax_id}", told)
    ledger.remember(f"send:{name}", Facts(provider="telnyx"))


def told(capsys, *arguments):
    """Return what the command says as JSON."""
    assert main(["migration", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_status_as_json(url, capsys):
    """Stage, source, and what both providers did in the period."""
    assert told(capsys, "status") == {
        "stage": "ramp",
        "percent": 25.0,
        "key": "to",
        "allow": {},
        "deny": {},
        "source": "the environment variable TWILIO_FAX_COMPAT_ROLLOUT",
        "trouble": None,
        "since_seconds": 86400.0,
        "providers": {
            "legacy": {
                "sends": 10,
                "outcomes": {"accepted": 8, "refused:21211": 2},
                "error_rate": 0.2,
                "faxes": 2,
                "statuses": {"delivered": 1, "unknown": 1},
                "failure_rate": 0.0,
            },
            "telnyx": {
                "sends": 8,
                "outcomes": {"accepted": 4, "unsure": 2, "fallback": 2},
                "error_rate": 0.5,
                "faxes": 4,
                "statuses": {"delivered": 2, "busy": 1, "canceled": 1},
                "failure_rate": 0.3333,
            },
        },
    }


def test_the_period_may_be_chosen(url, capsys):
    """A longer one has more."""
    week = told(capsys, "status", "--since", "7d")["providers"]
    assert (week["legacy"]["sends"], week["telnyx"]["faxes"]) == (15, 8)
    assert told(capsys, "report", "--since", "1w")["ok"] == 9
    for wrong in ("", "7", "0d", "d", "7y", "-1d"):
        with pytest.raises(SystemExit) as caught:
            main(["migration", "status", f"--since={wrong}"])
        assert caught.value.code == 2
        assert "as in 24h" in capsys.readouterr().err


def test_the_status_for_people(url, capsys):
    """The same in columns."""
    assert main(["migration", "status"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:4] == [
        "stage   ramp: 25 % of all destinations",
        "source  the environment variable TWILIO_FAX_COMPAT_ROLLOUT",
        "period  the last 24h, from the beginning of that hour",
        "",
    ]
    assert [line.split() for line in shown[4:]] == [
        ["legacy", "telnyx"],
        ["sends", "10", "8"],
        ["accepted", "8", "4"],
        ["fallback", "0", "2"],
        ["refused:21211", "2", "0"],
        ["unsure", "0", "2"],
        ["error", "rate", "20.0%", "50.0%"],
        ["faxes", "2", "4"],
        ["delivered", "1", "2"],
        ["busy", "0", "1"],
        ["canceled", "0", "1"],
        ["unknown", "1", "0"],
        ["failure", "rate", "0.0%", "33.3%"],
    ]
    assert len({len(line) for line in shown[4:]}) == 1


def test_the_flag_may_be_elsewhere(url, capsys, tmp_path, monkeypatch):
    """A file, a stage, or the object that the application uses."""
    path = tmp_path / "rollout"
    path.write_text('{"percent": 5, "key": "from", "allow": {"to": ["+1415*", "+44*"]}}')
    assert told(capsys, "status", "--rollout", f"file:{path}")["allow"] == {"to": 2}
    assert main(["migration", "status", "--rollout", f"file:{path}"]) == 0
    shown = capsys.readouterr().out
    assert "stage   ramp: 5 % of all senders, allow list for to with 2\n" in shown
    assert "+1415" not in shown
    assert told(capsys, "status", "--rollout", "shadow")["stage"] == "shadow"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [])
    (tmp_path / "application_of_test.py").write_text("def flag(subject): return 'on'")
    status = told(capsys, "status", "--rollout", "application_of_test:flag")
    assert (status["stage"], status["source"]) == ("on", "the callable flag")
    for wrong in ("application_of_test:nothing", "no_such_application:flag", "half"):
        assert main(["migration", "status", "--rollout", wrong]) == 2
        assert wrong.partition(":")[0] in capsys.readouterr().err


def test_a_broken_flag_is_told(url, capsys, monkeypatch):
    """The safe stage is not shown as if the flag said so."""
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "half")
    status = told(capsys, "status")
    assert status["stage"] == "off"
    assert "'half' is not a stage" in status["trouble"]
    assert main(["migration", "status"]) == 0
    assert "broken  'half' is not a stage" in capsys.readouterr().out


def test_the_report_as_json(url, capsys):
    """Findings by kind, each with how often it was found."""
    assert told(capsys, "report") == {
        "since_seconds": 86400.0,
        "ok": 6,
        "refused": [{"finding": SIP, "times": 2}],
        "warned": [{"finding": "ttl: left out", "times": 2}],
        "unmapped": [],
    }


def test_the_report_for_people(url, capsys):
    """The same in columns, without kinds that were not found."""
    assert main(["migration", "report", "--ledger", url]) == 0
    shown = capsys.readouterr().out
    assert "In the last 24h 8 faxes were checked, and Telnyx would have accepted 6." in shown
    rows = [line.split() for line in shown.splitlines() if line]
    assert ["refused", "times"] in rows
    assert [*SIP.split(), "2"] in rows
    assert "unmapped" not in shown


@pytest.mark.parametrize(
    ("ledger", "status", "words"),
    [
        (None, 2, "TWILIO_FAX_COMPAT_LEDGER"),
        ("memory:", 2, "not shared between processes"),
        ("mysql://user:s3cret@host/db", 2, "postgresql://"),
        ("sqlite:////nonexistent/fax.db", 2, "/nonexistent does not exist"),
        ("sqlite:////tmp/none.db", 2, "no ledger at /tmp/none.db"),
        ("sqlite:////", 2, "is a directory"),
        ("postgresql://127.0.0.1:1/db", 1, "cannot be reached"),
    ],
)
def test_a_ledger_is_needed(ledger, status, words, capsys, monkeypatch):
    """One that tells nothing, or is not there, is an error and not an empty table."""
    monkeypatch.delenv("TWILIO_FAX_COMPAT_LEDGER", raising=False)
    for subject in ("status", "report"):
        options = ["--ledger", ledger] if ledger else []
        assert main(["migration", subject, *options]) == status
        shown = capsys.readouterr()
        assert words in shown.err
        assert "s3cret" not in shown.err
        assert shown.out == ""


def test_without_sends_there_are_no_rates():
    """Nothing sent is not 0 % of errors."""
    empty = sides({}, ())["telnyx"]
    assert (empty.error_rate, empty.failure_rate) == (None, None)
    assert empty == Side()
