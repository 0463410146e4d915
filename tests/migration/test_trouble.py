"""Providers that are down, settings that are gone, ledgers that fail, processes that die."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from attrs import define

from tests.base.libraries import needs_751
from tests.fakes.twilio import client_of_fake
from tests.migration.test_routing import Switch, client_of, send, sids
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.migration import provider_of
from twilio_fax_compat.testing import TelnyxEmulator, faults

ROOT = Path(__file__).parents[2]
TWILIO_SID, UUID_SID = "FX" + "0a" * 16, "FX0a0a0a0a0a0a4a0a8a0a0a0a0a0a0a0a"


@define(eq=False)
class Flaky(MemoryLedger):
    """A ledger that can be away."""

    error: Exception | None = None

    def remember(self, fax_id, facts):
        self._fail()
        super().remember(fax_id, facts)

    def recall(self, fax_ids):
        self._fail()
        return super().recall(fax_ids)

    def count(self, name):
        self._fail()
        super().count(name)

    def _fail(self):
        if self.error is not None:
            raise self.error


def lose_an_answer(client, telnyx):
    """Let a send at Telnyx end without one knowing how."""
    telnyx.inject(faults.answer_lost(), method="POST")
    telnyx.inject(faults.error(503), method="GET", times=None)
    with pytest.raises(TwilioRestException) as caught:
        send(client)
    assert caught.value.details["may_have_been_sent"]
    telnyx.clear_faults()


def test_a_retry_without_telnyxs_settings_is_refused(legacy, telnyx, twilio):
    """Nobody can ask Telnyx for the fax any more, and the legacy provider does not get it."""
    ledger = MemoryLedger()
    lose_an_answer(client_of(legacy, telnyx, "on", ledger), telnyx)
    without = client_of(legacy, None, "off", ledger)
    with pytest.raises(TwilioRestException, match="Telnyx may have sent this fax") as caught:
        send(without)

    assert (caught.value.status, caught.value.code) == (409, 20409)
    assert caught.value.details["may_have_been_sent"]
    assert twilio.faxes == []
    assert provider_of(send(without, to="+15005550010")) == "legacy"


def test_a_retry_at_complete_is_refused(legacy, telnyx, twilio):
    switch = Switch("off")
    client = client_of(legacy, telnyx, switch)
    twilio.inject_failure(method="POST", status=500)
    with pytest.raises(TwilioRestException):
        send(client)
    switch.stage = "complete"
    with pytest.raises(TwilioRestException, match="the legacy provider may have sent"):
        send(client)
    assert telnyx.faxes == []
    switch.stage = "on"
    assert provider_of(send(client)) == "legacy"
    switch.stage = "complete"
    assert provider_of(send(client)) == "telnyx"


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), RuntimeError("+15005550009")])
def test_a_retry_while_the_ledger_is_away(legacy, telnyx, twilio, caplog, error):
    """What the ledger could not take is kept in memory, and given up when it is settled."""
    switch, ledger = Switch("on"), Flaky()
    client = client_of(legacy, telnyx, switch, ledger)
    ledger.error = error
    lose_an_answer(client, telnyx)
    switch.stage = "off"
    assert provider_of(send(client)) == "telnyx"
    ledger.error = None
    assert provider_of(send(client)) == "legacy"

    assert "could not write to the ledger" in caplog.text
    assert "5005550009" not in caplog.text


def test_a_ledger_that_comes_back(legacy, telnyx, twilio):
    """A pin that was kept in memory does not outlive its end in the ledger."""
    switch, ledger = Switch("on"), Flaky()
    client = client_of(legacy, telnyx, switch, ledger)
    ledger.error = LedgerUnavailable("away")
    lose_an_answer(client, telnyx)
    ledger.error = None
    switch.stage = "off"
    assert [provider_of(send(client)) for _ in range(2)] == ["telnyx", "legacy"]


def test_a_process_that_is_killed_while_it_sends(telnyx, twilio, legacy, tmp_path):
    """The next one, which shares the ledger, gives the retry to the same provider."""
    url = f"sqlite:///{tmp_path / 'fax.db'}"
    twilio.inject_failure(method="POST", delay=60)
    command = [sys.executable, "-m", "tests.migration.sender", twilio.url]
    command += [twilio.account_sid, twilio.auth_token, url]
    with subprocess.Popen(command, cwd=ROOT) as process:
        while not twilio.faxes:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()

    client = client_of(legacy, telnyx, "on", open_ledger(url))
    assert [provider_of(send(client)) for _ in range(2)] == ["legacy", "telnyx"]


@pytest.mark.parametrize("sid", [TWILIO_SID, UUID_SID])
@pytest.mark.parametrize("status", [401, 503])
def test_a_telnyx_that_fails_hides_no_legacy_fax(legacy, telnyx, twilio, sid, status):
    """A wrong key in the shadow stage, say, takes nothing from a program."""
    twilio.send("+15005550006", "+15005550009", sid=sid)
    telnyx.inject(faults.error(status), times=None)
    client = client_of(legacy, telnyx, "shadow")

    assert client.fax.faxes(sid).fetch().sid == sid
    assert client.fax.faxes(sid).update(status="canceled").status == "canceled"
    assert client.fax.faxes(sid).delete()
    assert twilio.faxes == []
    with pytest.raises(TwilioException, match="of Telnyx"):
        client.fax.faxes.list()


@pytest.mark.parametrize("failure", [{"status": 500}, {"drop": "before"}])
def test_a_legacy_provider_that_fails_hides_no_fax_of_telnyx(legacy, telnyx, twilio, failure):
    sid = send(client_of(legacy, telnyx, "on")).sid
    twilio.inject_failure(times=None, **failure)
    client = client_of(legacy, telnyx, "off")

    assert client.fax.faxes(sid).fetch().sid == sid
    with pytest.raises(Exception) as caught:
        client.fax.faxes("FX" + "0" * 32).fetch()
    assert getattr(caught.value, "status", None) == failure.get("status")
    with pytest.raises(TwilioException, match="of the legacy provider"):
        client.fax.faxes.list()


@needs_751
@pytest.mark.parametrize("sid", [TWILIO_SID, UUID_SID])
def test_media_of_a_legacy_fax(telnyx, twilio, sid):
    """It can be deleted alone there, whatever its SID looks like."""
    twilio.receive("+15005550006", "+15005550009", sid=sid)
    client = client_of(client_of_fake(twilio), telnyx, "off")
    (media,) = client.fax.faxes(sid).media.list()

    assert media.fetch().sid == media.sid
    assert media.delete() is True
    assert client.fax.faxes(sid).media.list() == []


def test_a_refusal_tells_no_number(legacy, telnyx, twilio):
    """Neither in the message nor in what it is chained to."""
    with pytest.raises(TwilioRestException) as caught:
        send(client_of(legacy, telnyx, "off"), to="5005550009")
    chain = [caught.value]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)

    assert caught.value.code == 21211
    assert "0009" in str(caught.value)
    assert not any("5005550009" in str(link) for link in chain)


def test_raw_requests_with_unknown_parameters(legacy, telnyx, twilio):
    """They are refused, and nothing is taken for sent."""
    ledger = MemoryLedger()
    client = client_of(legacy, telnyx, "off", ledger)
    url = "https://fax.twilio.com/v1/Faxes"
    answer = client.request("POST", url, data={"Too": "+15005550009"})

    assert answer.status_code == 400
    assert ledger.counts(60) == {
        "asked/legacy/create": 1,
        "create/legacy/refused:20001": 1,
    }
    assert sids(client.fax.faxes.list()) == {}


class _Lazy:
    """A fax whose attributes ask the API when they are read, and get an error."""

    def __init__(self, sid):
        self._sid = sid

    @property
    def sid(self):
        if self._sid is None:
            raise TwilioRestException(404, "/Faxes", "not found yet")
        return self._sid

    @property
    def status(self):
        raise TwilioRestException(404, "/Faxes", "not found yet")


@pytest.mark.parametrize("sid", [TWILIO_SID, None])
def test_a_fax_that_cannot_be_read_after_it_was_sent_is_not_a_refusal(telnyx, caplog, sid):
    """The legacy provider accepted it, so Telnyx does not get it, now or at the next try."""
    faxes = SimpleNamespace(create=lambda **_: _Lazy(sid))
    legacy, ledger = SimpleNamespace(fax=SimpleNamespace(faxes=faxes)), MemoryLedger()
    client = client_of(legacy, telnyx, "off", ledger)
    if sid:
        fax = send(client)
        assert (fax.sid, fax.status) == (sid, None)
        assert "status" in caplog.text
        return
    with pytest.raises(TwilioRestException, match="not found yet"):
        send(client)
    with pytest.raises(TwilioRestException, match="not found yet"):
        send(client_of(legacy, telnyx, "on", ledger))
    assert telnyx.faxes == []


@pytest.mark.parametrize("is_routed", [True, False])
def test_two_telnyx_accounts_of_one_twilio_account(legacy, telnyx, is_routed):
    """What the first may have sent is not sent by the second, which cannot find it."""
    ledger, who = MemoryLedger(), legacy if is_routed else None
    rollout = "on" if is_routed else None
    lose_an_answer(client_of(who, telnyx, rollout, ledger, base_url=telnyx.base_url), telnyx)
    with TelnyxEmulator() as second:
        with pytest.raises(TwilioRestException, match="another account") as caught:
            send(client_of(who, second, rollout, ledger))
        assert (caught.value.status, second.faxes) == (409, [])
    fax = send(client_of(who, telnyx, rollout, ledger))
    assert provider_of(fax) == ("telnyx" if is_routed else None)
    assert len(telnyx.faxes) == 1


def test_a_client_without_the_legacy_client_leaves_its_sends(telnyx):
    """The next deployment has no legacy client: Telnyx does not get what that one may have sent."""

    def create(**_):
        raise ConnectionResetError

    faxes, ledger = SimpleNamespace(create=create), MemoryLedger()
    legacy = SimpleNamespace(fax=SimpleNamespace(faxes=faxes))
    with pytest.raises(ConnectionResetError):
        send(client_of(legacy, telnyx, "off", ledger))
    with pytest.raises(TwilioRestException) as caught:
        send(client_of(None, telnyx, None, ledger))
    assert (caught.value.status, caught.value.details["may_have_been_sent"]) == (409, True)
    assert telnyx.faxes == []
