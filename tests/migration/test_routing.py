"""One client, two providers: what is sent by whom, and found where."""

import logging
import re
from collections import Counter

import httpx
import pytest

from tests.base.libraries import needs_751
from tests.fakes.twilio import FakeTwilio, client_of_fake
from tests.helpers import ACCOUNT, FAST, FROM, MEDIA_URL, TO
from tests.migration.clients import legacy_client
from twilio_fax_compat import TelnyxCompatibilityWarning, TelnyxSettings
from twilio_fax_compat._core.migration.decisions import decide, read_plan
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.migration import Rollout, provider_of
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import faults

STAGES = ["off", "shadow", "50%", "on"]


class Switch:
    """A flag in the hands of a test."""

    inline = True

    def __init__(self, stage):
        self.stage = stage

    def __call__(self, _subject):
        return self.stage


class Elsewhere:
    """An HTTP client that finds one more host at the stand-in."""

    def __init__(self, http_client):
        self._http_client = http_client

    def request(self, method, url, *args, **named):
        url = url.replace("https://space.example.com", "https://fax.twilio.com")
        return self._http_client.request(method, url, *args, **named)


class OnlyTwilio:
    """An HTTP client for Twilio's requests, beside which Telnyx's go their own way."""

    def __init__(self, http_client):
        self._http_client = http_client

    def request(self, method, url, *args, **named):
        if "/v2/" not in url:
            return self._http_client.request(method, url, *args, **named)
        named.pop("allow_redirects"), named.pop("auth")
        answer = httpx.request(
            method, url, content=named["data"], headers=named["headers"], timeout=5
        )
        return Response(answer.status_code, answer.text, dict(answer.headers))


def client_of(legacy, telnyx, rollout, ledger=None, **settings):
    return Client(
        ACCOUNT,
        "token",
        environment=dict(telnyx.environ) if telnyx else {},
        telnyx=TelnyxSettings(retry=FAST, **settings),
        ledger=ledger or MemoryLedger(),
        legacy=legacy,
        rollout=rollout,
    )


def send(client, to=TO, **options):
    return client.fax.faxes.create(to, MEDIA_URL, from_=FROM, **options)


def sids(faxes):
    return Counter(fax.sid for fax in faxes)


@pytest.mark.parametrize(("stage", "provider"), [("off", "legacy"), ("on", "telnyx")])
def test_a_stage_decides_who_sends(legacy, telnyx, twilio, stage, provider):
    fax = send(client_of(legacy, telnyx, stage))

    assert (len(twilio.faxes), len(telnyx.faxes)) == ((1, 0) if stage == "off" else (0, 1))
    assert (fax.status, fax.to, fax.from_, fax.direction) == ("queued", TO, FROM, "outbound")
    assert fax.account_sid in (ACCOUNT, twilio.account_sid)
    assert provider_of(fax) == provider
    assert type(fax).__module__ == "twilio_fax_compat.rest.fax.v1.fax"
    assert not [name for name in vars(fax) if "provider" in name]


def test_a_ramp_sends_by_destination(legacy, telnyx, twilio):
    """Each destination goes to whom its hash says, now and again."""
    client = client_of(legacy, telnyx, "50%")
    numbers = [f"+1500555{number:04}" for number in range(40)]
    plan = read_plan("50%")
    expected = {to: decide(plan, {"To": to}, ACCOUNT).provider for to in numbers}
    for to in numbers * 2:
        assert provider_of(send(client, to)) == expected[to]

    assert set(expected.values()) == {"legacy", "telnyx"}
    assert {fax["to"] for fax in twilio.faxes} == {
        to for to, provider in expected.items() if provider == "legacy"
    }


def test_what_was_sent_is_found_at_every_stage(legacy, telnyx, twilio):
    """A SID leads to its fax whoever has it, with the ledger and without it."""
    switch = Switch("off")
    ledger = MemoryLedger()
    client = client_of(legacy, telnyx, switch, ledger)
    old = send(client)
    switch.stage = "on"
    new = send(client)
    for stage in STAGES:
        for known in (ledger, None):
            reader = client_of(legacy, telnyx, stage, known)
            for fax, provider in ((old, "legacy"), (new, "telnyx")):
                found = reader.fax.faxes(fax.sid).fetch()
                assert (found.sid, provider_of(found)) == (fax.sid, provider)
            assert sids(reader.fax.faxes.list()) == sids([old, new])
            with pytest.raises(TwilioRestException) as caught:
                reader.fax.faxes("FX" + "0" * 32).fetch()
            assert caught.value.status == 404


def test_a_fax_is_cancelled_and_deleted_where_it_is(legacy, telnyx, twilio):
    switch = Switch("off")
    client = client_of(legacy, telnyx, switch)
    old = send(client)
    switch.stage = "on"
    telnyx.hold()
    new = send(client)

    assert [fax.update(status="canceled").status for fax in (old, new)] == ["canceled"] * 2
    assert [fax.delete() for fax in (old, new)] == [True, True]
    assert (twilio.faxes, telnyx.faxes) == ([], [])


def test_complete_knows_no_legacy_provider(telnyx):
    """Nothing of it is needed any more."""
    client = client_of(None, telnyx, "complete")
    fax = send(client)

    assert provider_of(fax.fetch()) == "telnyx"
    assert sids(client.fax.faxes.list()) == sids([fax])


def test_the_shadow_stage_tells_and_sends_nothing(legacy, telnyx, twilio, caplog):
    """What Telnyx would refuse or lose is counted, without a number."""
    ledger = MemoryLedger()
    client = client_of(legacy, telnyx, "shadow", ledger)
    caplog.set_level(logging.INFO, "twilio_fax_compat.migration")
    send(client)
    send(client, status_callback="https://app.example/fax")
    with pytest.raises((TwilioRestException, TwilioException)):
        send(client, to="five")

    assert telnyx.journal == []
    told = {name: count for name, count in ledger.counts(60).items() if "shadow" in name}
    assert told.pop("shadow/ok/") == 2
    assert [name.partition(": ")[0] for name in told if "warned" in name] == [
        "shadow/warned/status_callback"
    ]
    (refused,) = (name for name in told if "refused" in name)
    assert refused.startswith("shadow/refused/21211")
    assert ledger.counts(60)["create/legacy/accepted"] == 2
    assert not re.search(r"\+1?5005550\d{3}", caplog.text)


def test_the_shadow_names_settings_without_an_equal(legacy, twilio):
    ledger = MemoryLedger()
    client = Client(
        ACCOUNT,
        "token",
        region="ie1",
        environment={},
        ledger=ledger,
        legacy=legacy,
        rollout="shadow",
    )
    send(client)

    found = [name.partition(":")[0] for name in ledger.counts(60) if "unmapped" in name]
    assert found == ["shadow/unmapped/region", "shadow/unmapped/TELNYX_CONNECTION_ID is not set"]


@pytest.mark.parametrize("stage", ["off", "on"])
def test_a_program_that_cannot_be_edited(telnyx, twilio, stage, monkeypatch):
    """`install` and the flag in the environment are enough."""
    import twilio_fax_compat
    from tests.base.libraries import INSTALLED

    if INSTALLED != "7.5.1":
        pytest.skip("needs twilio 7.5.1, the last with all of fax: pip install twilio==7.5.1")
    http_client = client_of_fake(twilio).http_client
    for name, value in {**telnyx.environ, "TWILIO_FAX_COMPAT_ROLLOUT": stage}.items():
        monkeypatch.setenv(name, value)
    with twilio_fax_compat.install():
        from twilio.rest import Client as TheirClient

        class Both:
            def request(self, method, url, *args, **named):
                return http_client.request(method, url, *args, **named)

        client = TheirClient(twilio.account_sid, twilio.auth_token, http_client=Both())
        fax = send(client)
        assert fax.fetch().sid == fax.sid
        assert fax.sid in sids(client.fax.faxes.list())

    assert (len(twilio.faxes), len(telnyx.faxes)) == ((1, 0) if stage == "off" else (0, 1))


def test_nothing_of_telnyx_is_needed_before_the_ramp(legacy, twilio):
    """At ``off`` and in the shadow a program runs as ever, without any setting of Telnyx."""
    for stage in ("off", "shadow"):
        client = client_of(legacy, None, stage)
        fax = send(client)
        assert fax.fetch().sid == fax.sid
        assert fax.sid in sids(client.fax.faxes.list())
    for stage in ("1%", "on"):
        with pytest.raises(TwilioException, match="TELNYX_API_KEY"):
            send(client_of(legacy, None, stage))
        with pytest.raises(TwilioException, match="TELNYX_API_KEY"):
            client_of(legacy, None, stage).fax.faxes.list()
    assert len(twilio.faxes) == 2


def test_without_a_flag_a_legacy_client_sends(legacy, telnyx, twilio):
    """Nothing changes until the flag says so, and then at the next call."""
    environ = dict(telnyx.environ)
    client = Client(ACCOUNT, "token", environment=environ, legacy=legacy)
    assert provider_of(send(client)) == "legacy"
    environ["TWILIO_FAX_COMPAT_ROLLOUT"] = "on"
    assert provider_of(send(client)) == "telnyx"
    environ["TWILIO_FAX_COMPAT_ROLLOUT"] = "off"
    assert provider_of(send(client)) == "legacy"


def test_without_legacy_and_flag_nothing_changes(telnyx):
    client = Client(ACCOUNT, "token", environment=dict(telnyx.environ))

    assert provider_of(send(client)) is None


def test_a_flag_without_a_legacy_client(telnyx):
    """Where the installed twilio has no fax it is an error that says what to do."""
    from tests.base.libraries import INSTALLED

    if INSTALLED == "7.5.1":
        pytest.skip("the installed twilio is the legacy client")
    client = Client(
        ACCOUNT,
        "token",
        environment={**telnyx.environ, "TWILIO_FAX_COMPAT_ROLLOUT": "off"},
    )
    with pytest.raises(TwilioException, match=r"Client\(legacy=...\), install twilio==7.5.1"):
        send(client)
    assert telnyx.faxes == []


@needs_751
@pytest.mark.parametrize("has_telnyx", [True, False])
def test_the_installed_twilio_is_the_legacy_client(telnyx, twilio, has_telnyx):
    """With the flag alone, its requests are byte for byte those of Twilio's own client."""
    rewriting = client_of_fake(twilio).http_client
    environ = {"TWILIO_FAX_COMPAT_ROLLOUT": "off", **(telnyx.environ if has_telnyx else {})}
    ours = Client(
        twilio.account_sid,
        twilio.auth_token,
        http_client=OnlyTwilio(rewriting) if has_telnyx else rewriting,
        environment=environ,
    )
    theirs = client_of_fake(twilio)
    for _ in range(12):
        twilio.send(FROM, TO)
    raw = []
    for client in (theirs, ours):
        before = len(twilio.requests)
        faxes = client.fax.faxes
        fax = faxes.create(
            TO,
            MEDIA_URL,
            quality="fine",
            from_=FROM,
            store_media=False,
            ttl=5,
            status_callback="https://x.example/",
        )
        faxes(fax.sid).fetch()
        faxes(fax.sid).update(status="canceled")
        faxes(fax.sid).media.list()
        faxes.list(from_=FROM, limit=3)
        faxes.list(to=TO, date_created_after="2020-01-01")
        faxes(fax.sid).delete()
        assert len(list(faxes.stream(page_size=5))) == 12
        raw.append(
            [
                (
                    request.method,
                    request.target.replace(fax.sid, "SID"),
                    request.headers,
                    request.body,
                )
                for request in twilio.requests[before:]
            ]
        )

    assert len(raw[0]) == 10
    assert raw[0] == raw[1]


@pytest.mark.parametrize("has_telnyx", [True, False])
def test_lists_of_many_pages(kind, telnyx, has_telnyx):
    """Page after page, also where the legacy provider's URLs are of a host of its own."""
    with FakeTwilio(origin="https://space.example.com") as twilio:
        legacy = legacy_client(kind, twilio)
        if kind == "twilio":
            legacy.http_client = Elsewhere(legacy.http_client)
        client = client_of(legacy, telnyx if has_telnyx else None, "off")
        sent = [send(client) for _ in range(12)]
        if has_telnyx:
            telnyx.receive(FROM, TO)
        found = [fax.sid for fax in client.fax.faxes.stream(page_size=5)]
        limited = client.fax.faxes.list(to=TO, limit=7, page_size=3)

    assert len(found) == len(set(found)) == 12 + has_telnyx
    assert {fax.sid for fax in sent} <= set(found)
    assert [fax.sid for fax in limited] == found[:7]


def test_what_was_surely_not_sent_may_fall_back(legacy, telnyx, twilio):
    """A refusal of Telnyx's, or of our own, goes to the legacy provider if that is wished."""
    ledger = MemoryLedger()
    rollout = Rollout("on", fallback=True)
    telnyx.inject(faults.error(402), method="POST")
    client = client_of(legacy, telnyx, rollout, ledger)
    fax = send(client)

    assert provider_of(fax) == "legacy"
    assert (len(twilio.faxes), telnyx.faxes) == (1, [])
    assert ledger.counts(60) == {
        "asked/legacy/create": 1,
        "create/telnyx/fallback": 1,
        "create/legacy/accepted": 1,
    }
    telnyx.inject(faults.error(402), method="POST")
    with pytest.raises(TwilioRestException):
        send(client_of(legacy, telnyx, "on"))


def test_what_may_have_been_sent_never_falls_back(legacy, telnyx, twilio):
    """An answer that was lost, and a Telnyx that cannot be asked, leave it open."""
    telnyx.inject(faults.answer_lost(), method="POST")
    telnyx.inject(faults.error(503), method="GET", times=None)
    ledger = MemoryLedger()
    with pytest.raises(TwilioRestException) as caught:
        send(client_of(legacy, telnyx, Rollout("on", fallback=True), ledger))

    assert caught.value.details["may_have_been_sent"]
    assert twilio.faxes == []
    assert ledger.counts(60) == {"create/telnyx/unsure": 1}


def test_a_retry_stays_with_its_provider(legacy, telnyx, twilio):
    """Whatever the flag says meanwhile, until the fax was accepted."""
    switch = Switch("on")
    client = client_of(legacy, telnyx, switch)
    telnyx.inject(faults.answer_lost(), method="POST")
    telnyx.inject(faults.error(503), method="GET", times=None)
    with pytest.raises(TwilioRestException):
        send(client)
    telnyx.clear_faults()
    switch.stage = "off"
    assert provider_of(send(client, to="+15005550010")) == "legacy"
    assert provider_of(send(client)) == "telnyx"
    assert provider_of(send(client)) == "legacy"


@pytest.mark.parametrize("failure", [{"status": 500}, {"drop": "after"}])
def test_a_retry_stays_with_the_legacy_provider(legacy, telnyx, twilio, failure):
    switch = Switch("off")
    client = client_of(legacy, telnyx, switch)
    twilio.inject_failure(method="POST", **failure)
    with pytest.raises(Exception) as caught:
        send(client)
    assert not isinstance(caught.value, AssertionError)
    switch.stage = "on"
    assert provider_of(send(client)) == "legacy"
    assert provider_of(send(client)) == "telnyx"


def test_refusals_pin_nothing(legacy, telnyx, twilio):
    switch = Switch("off")
    ledger = MemoryLedger()
    client = client_of(legacy, telnyx, switch, ledger)
    twilio.inject_failure(method="POST", status=400)
    with pytest.raises(TwilioRestException) as caught:
        send(client)
    assert (caught.value.status, caught.value.code) == (400, 20400)
    assert str(caught.value).count("Unable to create record") == 1
    switch.stage = "on"
    assert provider_of(send(client)) == "telnyx"
    assert ledger.counts(60)["create/legacy/refused:20400"] == 1


def test_a_provider_that_is_down_is_named(legacy, telnyx, twilio):
    """A list that lacks half is an error, unless it is wished for and warned about."""
    switch = Switch("off")
    client = client_of(legacy, telnyx, switch)
    old = send(client)
    switch.stage = "on"
    new = send(client)
    twilio.inject_failure(method="GET", status=500, times=None)
    with pytest.raises(TwilioException, match="HTTP 500 of the legacy provider") as caught:
        client.fax.faxes.list()
    assert "the legacy provider did not return its list" in caught.value.args[1].text
    assert client.fax.faxes(new.sid).fetch().sid == new.sid

    partial = client_of(legacy, telnyx, Rollout("on", partial_results=True))
    with pytest.warns(TelnyxCompatibilityWarning, match="the legacy provider"):
        assert sids(partial.fax.faxes.list()) == sids([new])
    assert old.sid not in sids([new])


def test_a_ledger_that_fails_loses_no_fax(legacy, telnyx, twilio, tmp_path, caplog):
    """What was sent is told, though it could not be noted."""
    from twilio_fax_compat.ledger.sqlite import SQLiteLedger

    ledger = SQLiteLedger(str(tmp_path / "nowhere" / "fax.db"))
    for stage in ("off", "on"):
        fax = send(client_of(legacy, telnyx, stage, ledger))
        assert fax.sid.startswith("FX")
    assert (len(twilio.faxes), len(telnyx.faxes)) == (1, 1)
    assert "could not write to the ledger" in caplog.text
