"""Apps written for Twilio get Twilio's callbacks from the emulator's signed webhooks."""

import json
import logging

import httpx
import pytest
from nacl.signing import SigningKey

from tests.helpers import FROM, TO, make_client, send
from tests.webhooks.apps import TOKEN
from tests.webhooks.driving import EVENT, finish, forged, inbound
from tests.webhooks.serving import ACCOUNT, served
from twilio_fax_compat._core.webhooks.signatures import twilio_signature
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.testing import faults
from twilio_fax_compat.testing.webhooks import signed_headers
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware

MEDIA_URL = "https://www.example.com/fax.pdf?a=%2B&b=ü"
pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


def test_status_callbacks_arrive_as_twilios(app, telnyx):
    """The handler reads Twilio's parameters, and its signature validator says yes."""
    fax = make_client(telnyx).fax.faxes.create(
        TO,
        "https://www.example.com/fax.pdf?a=%2B",
        from_=FROM,
        status_callback=app.url + "/fax/status?x=1",
    )
    finish(telnyx)

    common = {
        "FaxSid": fax.sid,
        "AccountSid": ACCOUNT,
        "From": FROM,
        "To": TO,
        "ApiVersion": "v1",
        "OriginalMediaUrl": "https://www.example.com/fax.pdf?a=%2B",
    }
    told = [
        {name: value for name, value in form.items() if name != "x"} for _, _, form, _ in app.seen
    ]
    assert told == [
        {**common, "FaxStatus": "queued", "Status": "queued"},
        {**common, "FaxStatus": "delivered", "Status": "delivered", "NumPages": "1"},
    ]
    assert all(valid for *_, valid in app.seen)
    assert [delivery.status for delivery in telnyx.deliveries] == [200] * 4


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("user_busy", "busy", "34002"),
        ("receiver_no_answer", "no-answer", "34003"),
        ("fax_signaling_error", "failed", "34004"),
        ("receiver_incompatible_destination", "failed", "34108"),
    ],
)
def test_failures_have_twilios_codes(app, telnyx, reason, status, code):
    """Busy, silent and failed lines are told apart, with Twilio's error code."""
    telnyx.outcome(TO, reason)
    send(make_client(telnyx), status_callback=app.url + "/fax/status")
    finish(telnyx)

    last = app.seen[-1][2]
    assert (last["FaxStatus"], last["ErrorCode"]) == (status, code)
    assert reason in last["ErrorMessage"]
    assert "NumPages" not in last


def test_all_transitions_on_request(framework, telnyx):
    """A setting sends on every status."""
    with served(framework, telnyx.public_key, forward="all") as (origin, log):
        send(make_client(telnyx), status_callback=origin + "/fax/status")
        finish(telnyx)

    assert log.statuses_told == ["queued", "processing", "sending", "delivered"]


def test_a_late_queued_never_follows_the_end(app, telnyx):
    """Events that come out of order make no status go back."""
    telnyx.inject(faults.reordered(), path="fax.queued")
    telnyx.outcome(TO, "account_disabled")
    send(make_client(telnyx), status_callback=app.url + "/fax/status")
    finish(telnyx)

    assert app.statuses_told == ["failed"]
    assert [delivery.status for delivery in telnyx.deliveries] == [200, 200]


def test_a_duplicate_is_delivered_once(app, telnyx):
    """The same event again is answered 200 and the handler is not called."""
    telnyx.inject(faults.duplicated(), times=None)
    send(make_client(telnyx), status_callback=app.url + "/fax/status")
    finish(telnyx)

    assert app.statuses_told == ["queued", "delivered"]
    assert [delivery.status for delivery in telnyx.deliveries] == [200] * 8


@pytest.mark.parametrize("failure", [500, 404, 302, "crash"])
def test_a_failed_handler_is_called_again(app, telnyx, failure):
    """What the handler did not take is delivered again, and nothing else is."""
    if failure == "crash":
        app.crash = True
    else:
        app.statuses = [failure]
    telnyx.hold()
    send(make_client(telnyx), status_callback=app.url + "/fax/status")
    telnyx.flush_webhooks()

    statuses = [delivery.status for delivery in telnyx.deliveries]
    assert statuses[-1] == 200
    assert statuses[0] in (500, 503)
    assert len(statuses) == 2
    assert app.statuses_told[-1] == "queued"


def test_any_2xx_of_the_handler_is_exactly_200(app, telnyx):
    """Telnyx takes other 2xx for errors, so 204 becomes 200."""
    app.statuses = [204]
    telnyx.hold()
    send(make_client(telnyx), status_callback=app.url + "/fax/status")
    telnyx.flush_webhooks()

    assert [delivery.status for delivery in telnyx.deliveries] == [200]


def test_a_received_fax_is_asked_about_and_reported(app, telnyx):
    """FaxUrl is asked for TwiML, and its action gets the received fax."""
    sid = inbound(app, telnyx)
    (path, method, asked, valid), (action, verb, told, valid_too) = app.seen

    assert (path, method, action, verb) == ("/fax", "POST", "/fax/received", "POST")
    assert valid is valid_too is True
    common = {
        "FaxSid": sid,
        "AccountSid": ACCOUNT,
        "From": "+15005550002",
        "To": FROM,
        "ApiVersion": "v1",
    }
    assert asked == common
    link = told.pop("MediaUrl")
    assert told == {**common, "FaxStatus": "received", "Status": "received", "NumPages": "3"}
    assert httpx.get(link).content.startswith(b"%PDF")


def test_a_failed_reception_is_reported(app, telnyx):
    """The action also hears of a fax that did not arrive whole."""
    inbound(app, telnyx, outcome="carrier_lost")

    assert app.paths == ["/fax", "/fax/received"]
    assert (app.seen[1][2]["FaxStatus"], app.seen[1][2]["ErrorCode"]) == ("failed", "34004")


def test_twiml_may_be_asked_for_by_get(framework, telnyx):
    """As a number could be configured, whose handler reads the query."""
    with served(framework, telnyx.public_key, incoming_method="GET") as (origin, log):
        log.url = origin
        sid = inbound(log, telnyx)

    path, method, form, valid = log.seen[0]
    assert (path, method, form["FaxSid"], valid) == ("/fax", "GET", sid, True)
    assert log.paths == ["/fax", "/fax/received"]


def test_a_proxy_may_show_other_paths(framework, telnyx):
    """The app is called under its own path, and signed for under the one that Telnyx called."""
    with served(framework, telnyx.public_key) as (origin, log):
        log.url = origin
        log.twiml = (
            '<Response><Receive action="https://shop.example/site/fax/received"/></Response>'
        )
        for name, event_id in (("fax.receiving.started", "e1"), ("fax.received", "e2")):
            payload = {**EVENT["data"]["payload"], "direction": "inbound"}
            data = {"event_type": name, "id": event_id, "payload": payload}
            told = {"data": data, "meta": {"delivered_to": "https://shop.example/site/fax"}}
            assert forged(log, telnyx, json.dumps(told).encode(), path="/fax").status_code == 200

    assert log.paths == ["/fax", "/fax/received"]


def test_an_action_may_be_a_get(app, telnyx):
    """The method of the TwiML is heeded, and the signature is over the URL then."""
    app.twiml = '<Response><Receive action="/fax/received?a=1" method="GET"/></Response>'
    inbound(app, telnyx)

    path, method, told, valid = app.seen[1]
    assert (path, method, valid) == ("/fax/received", "GET", True)
    assert (told["a"], told["FaxStatus"]) == ("1", "received")


def test_media_that_is_not_stored_comes_itself(app, telnyx):
    """``storeMedia="false"`` posts the document as the file ``Media``."""
    app.twiml = '<Response><Receive action="/fax/received" storeMedia="false"/></Response>'
    inbound(app, telnyx, document=b"%PDF-mine")

    _, _, told, valid = app.seen[1]
    assert (told["Media"], told["FaxStatus"], valid) == (b"%PDF-mine", "received", True)
    assert "MediaUrl" not in told


@pytest.mark.parametrize(
    ("twiml", "code"),
    [
        ("<Response><Reject/></Response>", None),
        ("<Response><Receive/></Response>", None),
        ("<Response></Response>", "34106"),
        ("<Response><Receive", "12100"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Response><Receive action="/&a;"/></Response>', "12100"),
    ],
)
def test_without_an_action_there_is_none(app, telnyx, caplog, twiml, code):
    """A rejected fax, one without action, and bad TwiML end there, the error in the log."""
    app.twiml = twiml
    inbound(app, telnyx)

    assert app.paths == ["/fax"]
    assert [delivery.status for delivery in telnyx.deliveries] == [200] * 3
    told = " ".join(
        r.getMessage() for r in caplog.records if r.name == "twilio_fax_compat.webhooks"
    )
    assert code is None or code in told


def test_a_fax_whose_beginning_was_lost(app, telnyx):
    """If the first event never came, FaxUrl is asked when the fax is there."""
    telnyx.inject(faults.lost(), path="fax.receiving.started")
    inbound(app, telnyx)

    assert app.paths == ["/fax", "/fax/received"]


def test_an_app_that_cannot_answer_is_asked_again(app, telnyx):
    """A FaxUrl handler that fails is asked again with Telnyx's next try."""
    app.statuses = [500]
    inbound(app, telnyx)

    assert app.paths == ["/fax", "/fax", "/fax/received"]


def test_an_action_on_another_host(framework, telnyx):
    """An absolute action elsewhere gets a real request."""
    with served(framework, telnyx.public_key) as (origin, log), served(
        "flask" if framework != "flask" else "starlette", telnyx.public_key
    ) as (other, elsewhere):
        log.url = origin
        log.twiml = f'<Response><Receive action="{other}/fax/received"/></Response>'
        inbound(log, telnyx)

    assert log.paths == ["/fax"]
    assert [(path, valid) for path, _, _, valid in elsewhere.seen] == [("/fax/received", True)]


def test_a_signed_event_without_an_envelope(app, telnyx):
    """A flat event without ``meta`` is understood, the URL being the one that was called."""
    assert forged(app, telnyx, json.dumps(EVENT["data"]).encode()).status_code == 200
    assert [valid for *_, valid in app.seen] == [True]


@pytest.mark.parametrize(
    "forgery",
    [
        {"key": SigningKey.generate()},
        {"alter": lambda body: body.replace(b"0006", b"0007")},
        {"telnyx-timestamp": "1"},
        {"telnyx-timestamp": "99999999999"},
        {"telnyx-timestamp": "now"},
        {"telnyx-timestamp": ""},
        {"telnyx-timestamp": None},
        {"telnyx-signature-ed25519": None},
        {"telnyx-signature-ed25519": "AAAA"},
        {"telnyx-signature-ed25519": "not base64"},
        {"telnyx-signature-ed25519": None, "telnyx-timestamp": None},
        {"body": b'{"data": {"event_type": "fax.queued"}, "x": "' + b"x" * 1024 * 1024 + b'"}'},
    ],
    ids=lambda forgery: next(iter(forgery)),
)
def test_forgeries_never_reach_the_handler(app, telnyx, forgery):
    """A wrong key, an altered or very large body, a bad signature: 400 or 401, no word."""
    answer = forged(app, telnyx, **forgery)

    assert answer.status_code in (400, 401)
    assert answer.content == b""
    assert app.seen == []


def test_a_replay_never_reaches_the_handler(app, telnyx):
    """The very same request again is answered and goes no further."""
    body, stamp = json.dumps(EVENT).encode(), telnyx.now
    headers = signed_headers(telnyx._webhook_sender.key, body, stamp)
    answers = [httpx.post(app.url + "/fax/status", content=body, headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(app.seen) == 1


def test_keys_can_be_rotated(framework, telnyx):
    """With several keys any of them will do."""
    other = SigningKey.generate()
    from base64 import b64encode

    keys = [b64encode(bytes(other.verify_key)).decode(), telnyx.public_key]
    with served(framework, keys) as (origin, log):
        log.url = origin
        assert forged(log, telnyx).status_code == 200
        body = json.dumps(EVENT).replace("e1", "e2").encode()
        assert forged(log, telnyx, body, other).status_code == 200
    assert len(log.seen) == 2


def test_strangers_pass_untouched(app, telnyx):
    """Ordinary requests and Telnyx's own events that are not about faxes reach the app as they are."""
    assert httpx.get(app.url + "/other").status_code == 200
    assert httpx.post(app.url + "/other", content=b"hello").content == b"hello"
    body = b'{"data": {"event_type": "message.received", "id": "m1", "payload": {}}}'
    assert forged(app, telnyx, body, path="/other").content == body
    assert forged(app, telnyx, body, SigningKey.generate(), path="/other").content == body


def test_callbacks_of_twilio_pass_untouched(app, telnyx):
    """While both providers serve, the same handler gets what Twilio itself signed and sent."""
    url, form = app.url + "/fax/status", {"FaxSid": "FX" + "0a" * 16, "FaxStatus": "delivered"}
    signature = twilio_signature(TOKEN, url, form.items())
    answer = httpx.post(url, data=form, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 200
    assert app.seen == [("/fax/status", "POST", form, True)]


@pytest.mark.parametrize(
    "data",
    [
        {"event_type": "fax.email.delivered", "id": "e1", "payload": {}},
        {"event_type": "fax.queued", "id": "e1", "payload": {"fax_id": "nobody"}},
        {"event_type": "fax.queued", "payload": EVENT["data"]["payload"]},
        {"event_type": "fax.queued", "id": "e1", "payload": []},
    ],
)
def test_unknown_events_are_answered(app, telnyx, data):
    """An event of another kind, or without what it is about, is 200 and left alone."""
    assert forged(app, telnyx, json.dumps({"data": data}).encode()).status_code == 200
    assert app.seen == []


def test_nothing_private_is_logged(app, telnyx, caplog):
    """The log has no number and no address of a document."""
    caplog.set_level(logging.DEBUG, "twilio_fax_compat")
    inbound(app, telnyx)
    forged(app, telnyx, key=SigningKey.generate())
    ours = [record for record in caplog.records if record.name.startswith("twilio_fax_compat")]
    text = " ".join(record.getMessage() for record in ours)

    assert ours
    for secret in ("5005550002", FROM[1:], "fax.pdf", "Signature="):
        assert secret not in text


def test_what_webhooks_told_is_read_back(framework, telnyx):
    """Pages, duration and reason, which Telnyx tells once, are there when the fax is fetched."""
    ledger = MemoryLedger()
    with served(framework, telnyx.public_key, ledger=ledger) as (origin, _log):
        client = make_client(telnyx, ledger=ledger)
        fax = send(client, status_callback=origin + "/fax/status")
        finish(telnyx)
    fetched, listed = fax.fetch(), client.fax.faxes.list()[0]

    assert (fetched.num_pages, fetched.duration, fetched.status) == (1, 30, "delivered")
    assert listed._properties == fetched._properties


def test_servers_that_share_a_ledger_share_the_work(telnyx, tmp_path):
    """An event that reaches two servers is delivered by one, and what one learns the other knows."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledgers = [SQLiteLedger(url.partition("///")[2]) for _ in range(2)]
    with served("flask", telnyx.public_key, ledger=ledgers[0]) as (one, log), served(
        "starlette", telnyx.public_key, ledger=ledgers[1]
    ) as (other, second):
        log.url, second.url = one, other
        body = json.dumps(EVENT).encode()
        assert [forged(app, telnyx, body).status_code for app in (log, second)] == [200, 200]
        assert (len(log.seen), len(second.seen)) == (1, 0)

        payload = {**EVENT["data"]["payload"], "direction": "inbound"}
        for app, event_id, name in (
            (log, "e2", "fax.receiving.started"),
            (second, "e3", "fax.received"),
        ):
            data = {"event_type": name, "id": event_id, "payload": {**payload, "page_count": 3}}
            assert (
                forged(app, telnyx, json.dumps({"data": data}).encode(), path="/fax").status_code
                == 200
            )
    reader = open_ledger(url)
    facts = reader.recall([payload["fax_id"]])[payload["fax_id"]]

    # The action is on the host that was asked for it.
    assert log.paths == ["/fax/status", "/fax", "/fax/received"]
    assert second.paths == []
    assert (facts.status, facts.page_count) == ("received", 3)
    for ledger in (*ledgers, reader):
        ledger.close()


def test_a_ledger_that_cannot_be_reached_loses_nothing(framework, telnyx, tmp_path):
    """Telnyx is told no, the handler is not called, and its next try is taken."""
    folder = tmp_path / "not mounted yet"
    ledger = SQLiteLedger(str(folder / "ledger.db"))
    with served(framework, telnyx.public_key, ledger=ledger) as (origin, log):
        log.url = origin
        answer = forged(log, telnyx)
        assert (answer.status_code, log.seen) == (503, [])
        folder.mkdir()
        assert forged(log, telnyx).status_code == 200
    assert len(log.seen) == 1
    ledger.close()


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
def test_settings_are_checked_when_it_is_built(middleware, telnyx):
    """What is missing or cannot be right is an error at once, and verification cannot be left out."""
    environ = {
        "TWILIO_AUTH_TOKEN": "t",
        "TWILIO_ACCOUNT_SID": "AC1",
        "TELNYX_PUBLIC_KEY": telnyx.public_key,
    }
    assert middleware(None, environ=environ).app is None
    for name in environ:
        with pytest.raises(TwilioException, match=name):
            middleware(None, environ={**environ, name: ""})
    for key in ("short", "AAAA", "é", [], ""):
        with pytest.raises(TwilioException, match="TELNYX_PUBLIC_KEY"):
            middleware(None, environ={**environ, "TELNYX_PUBLIC_KEY": ""}, public_key=key)
    with pytest.raises(TwilioException, match="forward"):
        middleware(None, environ=environ, forward="some")


def test_connections_that_are_no_requests_pass(telnyx):
    """Lifespans and websockets are the app's."""
    import asyncio

    seen = []

    async def app(scope, _receive, _send):
        seen.append(scope["type"])

    middleware = ASGIMiddleware(
        app, auth_token="t", account_sid="AC1", public_key=telnyx.public_key
    )
    for kind in ("lifespan", "websocket"):
        asyncio.run(middleware({"type": kind}, None, None))
    assert seen == ["lifespan", "websocket"]
