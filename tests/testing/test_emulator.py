"""The emulator's time, lifecycles, webhooks, links and faults."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from twilio_fax_compat.testing import TelnyxEmulator, documents, faults

NUMBER, OTHER = "+15005550006", "+15005550009"


def post(telnyx, **fields):
    body = {
        "connection_id": telnyx.connection_id,
        "to": OTHER,
        "from": NUMBER,
        "media_url": "https://x.example/a.pdf",
        **fields,
    }
    return call(telnyx, "POST", "/faxes", json=body).json()["data"]["id"]


def call(telnyx, method, path, **options):
    headers = {"Authorization": f"Bearer {telnyx.api_key}"}
    return httpx.request(method, telnyx.base_url + path, headers=headers, timeout=2, **options)


class Inbox:
    """A webhook receiver that answers prepared statuses, then 200."""

    def __init__(self, *statuses):
        self.requests = []
        statuses = list(statuses)
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.requests.append((dict(self.headers), body))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def events(self):
        return [json.loads(body)["data"]["event_type"] for _, body in self.requests]


def test_an_outbound_fax_runs_its_lifecycle(telnyx):
    """Time takes a fax through Telnyx's statuses, with an event at each."""
    fax = post(telnyx, client_state="aGk=")
    seen = []
    for _ in range(60):
        status = telnyx.fax(fax)["status"]
        if status not in seen:
            seen.append(status)
        telnyx.advance(1)
    events = telnyx.events

    assert seen == ["queued", "media.processed", "originated", "sending", "delivered"]
    assert [event["event_type"] for event in events] == [
        "fax.queued",
        "fax.media.processed",
        "fax.sending.started",
        "fax.delivered",
    ]
    assert {event["payload"]["client_state"] for event in events} == {"aGk="}
    last = events[-1]["payload"]
    assert (last["page_count"], last["call_duration_secs"], last["status"]) == (1, 30, "delivered")
    assert len({event["id"] for event in events}) == 4


def test_an_inbound_fax_runs_its_lifecycle(telnyx):
    """A fax that arrives has the inbound statuses and events, and a document at the end."""
    fax = telnyx.receive(OTHER, NUMBER, pages=2, document=b"%PDF-mine")
    seen = [telnyx.fax(fax)["status"]]
    for _ in range(3):
        telnyx.step(fax)
        seen.append(telnyx.fax(fax)["status"])
    payload = telnyx.events[-1]["payload"]

    assert seen == ["initiated", "receiving", "media.processing", "received"]
    assert [event["event_type"] for event in telnyx.events] == [
        "fax.receiving.started",
        "fax.media.processing.started",
        "fax.received",
    ]
    assert httpx.get(payload["media_url"]).content == b"%PDF-mine" == telnyx.document(fax)
    assert (payload["page_count"], payload["partial_content"]) == (2, False)
    failed = telnyx.receive(OTHER, NUMBER, outcome="carrier_lost")
    telnyx.settle()
    assert telnyx.fax(failed)["failure_reason"] == "carrier_lost"
    assert telnyx.events[-1]["event_type"] == "fax.failed"


@pytest.mark.parametrize(
    ("reason", "last"),
    [
        ("file_download_failed", "queued"),
        ("user_busy", "originated"),
        ("receiver_call_dropped", "sending"),
    ],
)
def test_failures_come_where_they_belong(telnyx, reason, last):
    """A document fails before the call, a line when it is called, a page while it is sent."""
    telnyx.outcome(OTHER, reason)
    fax = post(telnyx)
    seen = []
    while telnyx.fax(fax)["status"] != "failed":
        seen.append(telnyx.fax(fax)["status"])
        telnyx.step(fax)

    assert seen[-1] == last
    assert (
        telnyx.fax(fax)["failure_reason"]
        == reason
        == telnyx.events[-1]["payload"]["failure_reason"]
    )


def test_faxes_can_be_steered(telnyx):
    """A test holds, delivers and fails faxes as it likes."""
    telnyx.hold()
    one, other, third = post(telnyx), post(telnyx), post(telnyx)
    telnyx.settle()
    telnyx.advance(1000)
    assert {fax["status"] for fax in telnyx.faxes} == {"queued"}
    telnyx.deliver(one)
    telnyx.fail(other, "user_busy")
    telnyx.fail(one, "too_late")
    assert [fax["status"] for fax in telnyx.faxes] == ["delivered", "failed", "queued"]
    telnyx.release()
    telnyx.settle()
    telnyx.step(third)
    assert telnyx.fax(third)["status"] == "delivered"
    for unknown in (telnyx.fax, telnyx.deliver, telnyx.step, telnyx.document):
        with pytest.raises(KeyError):
            unknown("nobody")


def test_a_cancellation_takes_hold_later():
    """The 202 is only an acceptance: the fax fails after the delay."""
    with TelnyxEmulator(cancel_delay=3) as telnyx:
        fax = post(telnyx)
        call(telnyx, "POST", f"/faxes/{fax}/actions/cancel")
        assert telnyx.fax(fax)["status"] == "queued"
        telnyx.advance(3)
        assert telnyx.fax(fax)["status"] == "failed"


def test_time_can_run_by_itself():
    """With a speed, real time carries faxes along."""
    with TelnyxEmulator(speed=1000) as telnyx:
        fax = post(telnyx)
        give_up = time.monotonic() + 5
        while telnyx.fax(fax)["status"] != "delivered" and time.monotonic() < give_up:
            time.sleep(0.01)
        assert telnyx.fax(fax)["status"] == "delivered"


def test_a_given_time_is_kept():
    """Virtual time begins where it is told, and every answer's Date is of it."""
    start = datetime(2020, 5, 5, 9, 59, 12, tzinfo=timezone.utc)
    with TelnyxEmulator(now=start) as telnyx:
        fax = post(telnyx)
        telnyx.advance(48)
        answer = call(telnyx, "GET", f"/faxes/{fax}")

    assert answer.json()["data"]["created_at"].startswith("2020-05-05T09:59:12.0000")
    assert answer.headers["date"] == "Tue, 05 May 2020 10:00:00 GMT"
    assert telnyx.now == start + timedelta(seconds=48)


def test_webhooks_are_signed(telnyx):
    """The signature is over the timestamp, a pipe and the raw body, as Telnyx's is."""
    with Inbox() as inbox:
        post(telnyx, webhook_url=inbox.url)
        telnyx.settle()
        telnyx.flush_webhooks()
    key = VerifyKey(b64decode(telnyx.public_key))

    assert inbox.events == [event["event_type"] for event in telnyx.events]
    for headers, body in inbox.requests:
        signature = b64decode(headers["telnyx-signature-ed25519"])
        stamp = headers["telnyx-timestamp"].encode()
        assert key.verify(stamp + b"|" + body, signature)
        with pytest.raises(BadSignatureError):
            key.verify(stamp + b"|" + body + b" ", signature)
        envelope = json.loads(body)
        assert envelope["meta"] == {"attempt": 1, "delivered_to": inbox.url}
        assert headers["user-agent"] == "telnyx-webhooks"
    assert [delivery.status for delivery in telnyx.deliveries] == [200] * 4


def test_only_200_is_success():
    """Any other answer, other 2xx included, is delivered again with the next attempt's number."""
    with Inbox(500, 204) as inbox, TelnyxEmulator(
        webhook_url=inbox.url, webhook_backoff=0.01
    ) as telnyx:
        telnyx.hold()
        post(telnyx)
        telnyx.flush_webhooks()

        assert [delivery.attempt for delivery in telnyx.deliveries] == [1, 2, 3]
        assert [delivery.status for delivery in telnyx.deliveries] == [500, 204, 200]
        assert len({json.loads(body)["data"]["id"] for _, body in inbox.requests}) == 1


def test_an_unreachable_receiver_is_given_up():
    """After the last attempt an event is dropped and the next one delivered."""
    with TelnyxEmulator(
        webhook_url="http://127.0.0.1:1/", webhook_attempts=2, webhook_backoff=0.01
    ) as telnyx:
        post(telnyx)
        telnyx.settle()
        telnyx.flush_webhooks()

        assert [delivery.status for delivery in telnyx.deliveries] == [None] * 8


def test_webhooks_can_go_wrong():
    """Events are doubled, lost or swapped on demand."""
    with Inbox() as inbox, TelnyxEmulator(webhook_url=inbox.url) as telnyx:
        telnyx.inject(faults.duplicated(), path="fax.queued")
        telnyx.inject(faults.lost(), path="fax.media.processed")
        telnyx.inject(faults.reordered(), path="fax.sending.started")
        post(telnyx)
        telnyx.settle()
        telnyx.flush_webhooks()
        assert inbox.events == ["fax.queued", "fax.queued", "fax.delivered", "fax.sending.started"]

        telnyx.inject(faults.reordered(), when=lambda event: event["payload"]["status"] == "queued")
        telnyx.hold()
        post(telnyx)
        telnyx.flush_webhooks()
        assert inbox.events[4:] == ["fax.queued"]


def test_webhooks_that_hang_do_not_hold_up_the_end():
    """Stopping gives up what is not delivered, and flushing says when it takes too long."""
    with TelnyxEmulator(webhook_url="http://127.0.0.1:1/", webhook_backoff=30) as telnyx:
        post(telnyx)
        with pytest.raises(TimeoutError):
            telnyx.flush_webhooks(timeout=0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_links_open_expire_and_are_renewed(telnyx):
    """A link serves a PDF for its ten minutes, and refresh makes a new one."""
    fax = post(telnyx, store_media=True)
    telnyx.settle()
    link = telnyx.fax(fax)["stored_media_url"]
    answer = httpx.get(link)
    assert (answer.headers["content-type"], answer.content) == ("application/pdf", documents.pdf(1))
    assert httpx.get(re.sub("Signature=.", "Signature=x", link)).status_code == 403
    assert httpx.get(link.replace("Expires=600", "Expires=6000")).status_code == 403
    telnyx.advance(600)
    assert httpx.get(link).status_code == 403
    call(telnyx, "POST", f"/faxes/{fax}/actions/refresh")
    renewed = telnyx.fax(fax)["stored_media_url"]
    assert renewed != link
    assert httpx.get(renewed).status_code == 200


@pytest.mark.parametrize("pages", [1, 3])
def test_documents_are_pdfs(pages):
    """The PDF's cross-reference table points at its objects."""
    document = documents.pdf(pages)
    start = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    table = document[start:].split(b"trailer")[0].splitlines()

    assert document.count(b"/Type /Page ") == pages
    for number, line in enumerate(table[3:], 1):
        offset = int(line.split()[0])
        assert document[offset:].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize("how", faults.LOSSES)
@pytest.mark.parametrize("accepted", [True, False])
def test_answers_get_lost(telnyx, how, accepted):
    """However an answer is lost, the request was carried out or it was not."""
    telnyx.inject(faults.answer_lost(accepted=accepted, how=how))
    headers = {"Authorization": f"Bearer {telnyx.api_key}"}
    body = {
        "connection_id": telnyx.connection_id,
        "to": OTHER,
        "from": NUMBER,
        "media_url": "https://x.example",
    }
    expected = {
        "reset": httpx.ReadError,
        "close": httpx.RemoteProtocolError,
        "timeout": httpx.ReadTimeout,
        "truncated": httpx.RemoteProtocolError,
    }
    with pytest.raises(expected[how]):
        httpx.post(telnyx.base_url + "/faxes", json=body, headers=headers, timeout=0.3)

    assert len(telnyx.faxes) == accepted
    assert (telnyx.journal[0].status, telnyx.journal[0].fault) == (None, "answer_lost")
    assert call(telnyx, "GET", "/faxes").status_code == 200


def test_other_faults(telnyx):
    """Delays, rate limits and errors come as often and where they are asked for."""
    telnyx.inject(faults.delay(0.1))
    began = time.monotonic()
    assert call(telnyx, "GET", "/faxes").status_code == 200
    assert time.monotonic() - began >= 0.1
    telnyx.inject(faults.rate_limited(retry_after=3, reset=4), times=2, method="GET")
    post(telnyx)
    answer = call(telnyx, "GET", "/faxes")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "10011")
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == ("3", "4")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert [call(telnyx, "GET", "/faxes").status_code for _ in range(2)] == [429, 200]
    telnyx.inject(faults.error(503, body="busy", headers={"x-a": "b"}), path="/v2/faxes/*")
    assert call(telnyx, "GET", "/faxes").status_code == 200
    answer = call(telnyx, "GET", "/faxes/x")
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (503, "busy", "b")
    telnyx.inject(
        faults.error(500, body={"errors": []}), when=lambda exchange: exchange.method == "GET"
    )
    assert call(telnyx, "GET", "/faxes").json() == {"errors": []}
    telnyx.inject(faults.error(500), times=None)
    telnyx.clear_faults()
    assert call(telnyx, "GET", "/faxes").status_code == 200
    telnyx.clear_journal()
    assert telnyx.journal == []
    with pytest.raises(ValueError, match="how"):
        faults.answer_lost(how="somehow")


def test_a_mix_is_reproducible():
    """The same seed makes the same faults."""
    choices = [(1, None), (1, faults.error(500)), (1, faults.error(503))]
    one, other = faults.mix(7, choices), faults.mix(7, choices)

    assert [one.pick() for _ in range(50)] == [other.pick() for _ in range(50)]


def test_a_list_can_lag():
    """A new fax is missing from lists for a while, and can be viewed at once."""
    with TelnyxEmulator(list_lag=0.2) as telnyx:
        fax = post(telnyx)
        assert call(telnyx, "GET", "/faxes").json()["data"] == []
        assert call(telnyx, "GET", f"/faxes/{fax}").status_code == 200
        time.sleep(0.25)
        assert len(call(telnyx, "GET", "/faxes").json()["data"]) == 1


def test_two_emulators_side_by_side():
    """Each has its own faxes, keys and port, and both can be started again."""
    one, other = TelnyxEmulator(latency=0.001), TelnyxEmulator(api_key="KEY2")
    for _ in range(2):
        with one, other:
            post(one)
            assert one.base_url != other.base_url
            assert one.public_key != other.public_key
    assert (len(one.faxes), len(other.faxes)) == (2, 0)
    assert other.environ["TELNYX_API_KEY"] == "KEY2"
    assert one.base_url.endswith("/v2")


def test_many_threads(telnyx):
    """Faxes sent at once are all there, once."""
    with ThreadPoolExecutor(32) as pool:
        sent = list(pool.map(lambda _: post(telnyx), range(200)))

    assert sorted(sent) == sorted(fax["id"] for fax in telnyx.faxes)
    assert len({fax["created_at"] for fax in telnyx.faxes}) == 200


def test_a_bounded_journal():
    """A long-running emulator keeps only the last requests."""
    with TelnyxEmulator(journal_limit=3) as telnyx:
        for _ in range(5):
            call(telnyx, "GET", "/faxes")
        assert len(telnyx.journal) == 3
        assert telnyx.api_key not in repr(telnyx.journal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped(number):
    """``twilio-fax-compat emulator`` prints what to export and ends cleanly."""
    command = [
        sys.executable,
        "-m",
        "twilio_fax_compat",
        "emulator",
        "--outcome",
        f"{OTHER}=user_busy",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        environ = dict(line.replace("export ", "").strip().split("=", 1) for line in lines)
        headers = {"Authorization": "Bearer " + environ["TELNYX_API_KEY"]}
        answer = httpx.get(environ["TELNYX_BASE_URL"] + "/faxes", headers=headers)
        process.send_signal(number)
        assert process.wait(10) == 0

    assert answer.status_code == 200
    assert set(environ) == set(TelnyxEmulator().environ)
