"""What is measured while faxes are sent and callbacks delivered."""

from collections import Counter

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.fakes.telnyx import FakeTelnyx, Post
from tests.fakes.twilio import FakeTwilio
from tests.helpers import FAST, TO, make_client, send
from tests.migration.clients import Wrapper
from tests.rest.test_never_twice import posts
from tests.webhooks.driving import finish, forged
from tests.webhooks.serving import FRAMEWORKS, served
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.ledger import InboxEntry, LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.metrics import METRICS, listen
from twilio_fax_compat.metrics.prometheus import export
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator

pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


@pytest.fixture(name="measured")
def _measured():
    """Collect every measurement; each must be in the table, with its labels."""
    collected = []
    stop = listen(collected.append)
    yield collected
    stop()
    for measurement in collected:
        assert set(measurement.labels) == set(METRICS[measurement.name].labels)


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(webhook_backoff=0.01) as telnyx:
        yield telnyx


def totals(measured, name):
    counted = Counter()
    for measurement in measured:
        if measurement.name == name:
            counted[tuple(measurement.labels.values())] += measurement.value
    return counted


def test_sends_by_outcome(measured, telnyx):
    """Accepted, refused with Twilio's code, and raised for a wrong setting."""
    client = make_client(telnyx, ledger=MemoryLedger())
    send(client)
    client.fax.faxes.list(limit=1)  # a list is not counted as a send
    with pytest.raises(TwilioRestException):
        client.fax.faxes.create("nonsense", "https://example.com/a.pdf", from_="+15005550006")
    assert totals(measured, "sends") == {
        ("telnyx", "accepted", ""): 1,
        ("telnyx", "refused", "21211"): 1,
    }
    assert sum(one.name == "send_seconds" for one in measured) == 2


def test_a_send_without_an_end(measured):
    """It may be out, and calls waited for it."""
    with FakeTelnyx(posts(Post(None, 504))) as telnyx, pytest.raises(TwilioRestException):
        send(make_client(telnyx, ledger=MemoryLedger(), retry=FAST))
    assert totals(measured, "sends") == {("telnyx", "unsure", ""): 1}
    assert totals(measured, "waited_seconds")[()] > 0


def test_sends_of_two_providers(measured, telnyx):
    """Each is measured once, under the provider that was asked."""
    with FakeTwilio() as twilio:
        for stage in ("off", "on", "on"):
            client = Client(
                twilio.account_sid,
                twilio.auth_token,
                environment=dict(telnyx.environ),
                ledger=MemoryLedger(),
                legacy=Wrapper(twilio),
                rollout=stage,
            )
            send(client)
    assert totals(measured, "sends") == {
        ("legacy", "accepted", ""): 1,
        ("telnyx", "accepted", ""): 2,
    }


def test_nobody_sees_a_broken_listener(telnyx, caplog):
    """A fax goes out all the same, and after `stop` nothing is called."""

    def fail(_measurement):
        raise RuntimeError("broken")

    stop = listen(fail)
    try:
        send(make_client(telnyx, ledger=MemoryLedger()))
    finally:
        stop()
    assert "a listener of the metrics failed" in caplog.text
    caplog.clear()
    send(make_client(telnyx, ledger=MemoryLedger()))
    assert caplog.text == ""


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_callbacks_and_refusals(framework, measured, telnyx):
    """By the handler's status, and by what was wrong with a webhook."""
    with served(framework, telnyx.public_key) as (origin, app):
        app.url = origin
        app.statuses = [500]
        send(make_client(telnyx), status_callback=origin + "/fax/status")
        finish(telnyx)
        forged(app, telnyx, alter=lambda body: body + b" ")
    counted = totals(measured, "callbacks")
    assert (counted["500",], counted["200",] > 0) == (1, True)
    reasons = totals(measured, "webhooks_refused")
    assert reasons == {("wrong signature",): 1}


def test_a_ledger_is_timed(measured, tmp_path):
    """Reading and writing, and the errors of a ledger that is away."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'fax.db'}")
    ledger.put(InboxEntry("event", b"{}", {}, ""))
    ledger.waiting()
    ledger.close()
    assert set(totals(measured, "ledger_seconds")) == {("sqlite", "write"), ("sqlite", "read")}
    (tmp_path / "broken.db").write_text("no database")
    broken = open_ledger(f"sqlite:///{tmp_path / 'broken.db'}")
    with pytest.raises(LedgerUnavailable):
        broken.waiting()
    broken.close()
    assert totals(measured, "ledger_errors") == {("sqlite", "read"): 1}


def test_prometheus(telnyx, tmp_path):
    """Counters, histograms and the gauges of the inbox; no number in any; removed on request."""
    registry = CollectorRegistry()
    url = f"sqlite:///{tmp_path / 'fax.db'}"
    remove = export(registry, ledger=url)
    ledger = open_ledger(url)
    ledger.put(InboxEntry("event", b"{}", {}, ""))
    send(make_client(telnyx, ledger=ledger))
    text = generate_latest(registry).decode()
    assert 'fax_sends_total{code="",outcome="accepted",provider="telnyx"} 1.0' in text
    assert "fax_send_seconds_count 1.0" in text
    assert "fax_ledger_up 1.0" in text
    assert "fax_inbox_waiting 1.0" in text
    assert "fax_inbox_oldest_seconds " in text
    assert TO not in text
    with pytest.raises(ValueError, match="Duplicated"):
        export(registry, ledger=url)
    remove()
    assert generate_latest(registry) == b""
    export(registry, ledger=url)()
    ledger.close()


def test_prometheus_without_the_ledger(tmp_path):
    """Reading the metrics says that it is down, and shows no depth of an inbox that nobody knows."""
    (tmp_path / "broken.db").write_text("no database")
    registry = CollectorRegistry()
    remove = export(registry, ledger=f"sqlite:///{tmp_path / 'broken.db'}")
    text = generate_latest(registry).decode()
    remove()
    assert "fax_ledger_up 0.0" in text
    assert "fax_inbox_waiting " not in text.replace("# HELP fax_inbox_waiting ", "").replace(
        "# TYPE fax_inbox_waiting ", ""
    )


def test_a_wrong_ledger_is_an_error_at_once():
    with pytest.raises(TwilioException):
        export(CollectorRegistry(), ledger="mysql://host/db")
