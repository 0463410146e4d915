"""A fax is never sent twice: faults at every point, many threads, and forks."""

import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers import FAST, FROM, MEDIA_URL, TO, make_client, send
from twilio_fax_compat import RetryPolicy
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.http import _connections
from twilio_fax_compat.testing import TelnyxEmulator, faults

SENDS = 2000
THREADS = 16


def tokens(telnyx):
    """Count the faxes on the server by what their ``client_state`` is."""
    return Counter(fax["client_state"] for fax in telnyx.faxes)


@pytest.mark.parametrize("how", faults.LOSSES)
def test_an_answer_lost_after_acceptance(telnyx, how):
    """Reset, closed, silent or cut short: one fax, and it is ours."""
    client = make_client(telnyx, retry=FAST, timeout=0.3)
    telnyx.inject(faults.answer_lost(how=how), method="POST")
    fax = send(client)

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.faxes]
    assert sum(exchange.method == "POST" for exchange in telnyx.journal) == 1


LOST = [
    *(faults.answer_lost(accepted=False, how=how) for how in faults.LOSSES),
    *(faults.error(status, body=b"<html>") for status in (500, 502, 503, 504, 408)),
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault.how}-{fault.status}")
def test_an_answer_lost_before_acceptance(telnyx, fault):
    """A gateway may still carry it out: nothing is sent again, and the error says so."""
    client = make_client(telnyx, retry=FAST, timeout=0.3)
    telnyx.inject(fault, method="POST")
    for _ in range(3):
        with pytest.raises(TwilioRestException, match="may have been sent") as caught:
            send(client)
        assert caught.value.status >= 500

    assert telnyx.faxes == []
    assert sum(exchange.method == "POST" for exchange in telnyx.journal) == 1
    assert send(client, "+15005550010").status == "queued"


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault.how}-{fault.status}")
def test_an_answer_lost_before_acceptance_is_sent_again_in_time(telnyx, fault):
    """Once nothing can arrive any more, the next equal create sends it, with the same token."""
    client = make_client(telnyx, retry=FAST, timeout=0.3)
    telnyx.inject(fault, method="POST")
    with pytest.raises(TwilioRestException) as caught:
        send(client)
    telnyx.advance(3602)
    fax = send(client)

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.faxes]
    assert telnyx.faxes[0]["client_state"] == caught.value.details["client_state"]


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_telnyx_at_any_point(client, telnyx, status, accepted):
    """Telnyx's own 5xx may come before or after acceptance: either way there is one fax."""
    body = {"errors": [{"code": "10007", "title": "Unexpected error"}]}
    telnyx.inject(faults.error(status, body=body, accepted=accepted), method="POST")
    fax = send(client)

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.faxes]


def test_a_list_that_lags_behind():
    """A fax that is accepted and shows in the list only later is found, not sent again."""
    with TelnyxEmulator(list_lag=0.15) as telnyx:
        client = make_client(telnyx, retry=RetryPolicy(lookups=(0.02, 0.1, 0.2)))
        telnyx.inject(faults.answer_lost(), method="POST")
        send(client)

        assert len(telnyx.faxes) == 1


def test_an_unknown_outcome_says_how_to_find_the_fax(client, telnyx):
    """When Telnyx cannot be asked either, the error has what is needed to look by hand."""
    telnyx.inject(faults.answer_lost(), method="POST")
    telnyx.inject(faults.error(503), method="GET", times=None)
    with pytest.raises(TwilioRestException, match="may have been sent") as caught:
        send(client)

    assert caught.value.details["client_state"] == telnyx.faxes[0]["client_state"]
    assert caught.value.details["may_have_been_sent"] is True
    assert TO not in str(caught.value)
    assert caught.value.__cause__ is None or TO not in str(caught.value.__cause__)


def test_2000_faulted_sends():
    """
    Over 2,000 sends with answers lost at every point: whoever returned has exactly one fax.

    And whoever failed has one at most, and none where the error says so.
    """
    choices = [
        (50, None),
        (6, faults.answer_lost(True, "reset")),
        (6, faults.answer_lost(False, "reset")),
        (6, faults.answer_lost(True, "close")),
        (6, faults.answer_lost(False, "close")),
        (6, faults.answer_lost(True, "truncated")),
        (6, faults.error(500, accepted=True)),
        (6, faults.error(503, accepted=False)),
        (4, faults.error(502, body=b"", accepted=True)),
        (4, faults.rate_limited(retry_after=0.001)),
    ]
    policy = RetryPolicy(
        attempts=4, backoff=0.001, backoff_max=0.004, lookups=(0.001, 0.002, 0.004), resends=3
    )
    sids, errors = [], []
    with TelnyxEmulator() as telnyx:
        client = make_client(telnyx, retry=policy)
        telnyx.inject(faults.mix(7, choices), times=None)

        def one(number):
            try:
                media_url = f"https://www.example.com/{number}.pdf"
                to = f"+1500555{number % 100:04}"
                sids.append(client.fax.faxes.create(to, media_url, from_=FROM).sid)
            except TwilioRestException as error:
                errors.append(error.details)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, range(SENDS)))
        found = Counter(fax["id"].replace("-", "") for fax in telnyx.faxes)
        by_token = tokens(telnyx)
        faulted = sum(exchange.fault is not None for exchange in telnyx.journal)

    assert len(sids) + len(errors) == SENDS
    assert faulted > SENDS * 0.4
    assert set(by_token.values()) == {1}
    assert len(set(sids)) == len(sids) > SENDS * 0.7
    assert all(found[sid[2:]] == 1 for sid in sids)
    unknown = [details for details in errors if details.get("may_have_been_sent")]
    assert len(by_token) - len(sids) <= len(unknown)
    for details in errors:
        if details.get("may_have_been_sent") is False:
            assert details.get("client_state") not in by_token


def test_64_threads_on_one_client():
    """Many more threads than any pool has connections: no call fails, each fax is there once."""
    with TelnyxEmulator() as telnyx:
        client = make_client(telnyx)
        results = []
        start = threading.Barrier(64)

        def work():
            start.wait()
            for _ in range(12):
                fax = send(client)
                results.append((fax.sid, client.fax.faxes(fax.sid).fetch().sid))

        threads = [threading.Thread(target=work) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        posts = sum(exchange.method == "POST" for exchange in telnyx.journal)

    assert len(results) == 64 * 12 == len({sid for sid, _ in results}) == posts
    assert all(sent == fetched for sent, fetched in results)


def test_32_threads_list_while_others_send(telnyx):
    """One client serves threads that send, fetch and list at once."""
    client = make_client(telnyx)

    def work(number):
        if number % 2:
            return [send(client).sid]
        return [fax.sid for fax in client.fax.faxes.list(limit=30)]

    with ThreadPoolExecutor(32) as pool:
        listed = list(pool.map(work, range(320)))

    assert len(telnyx.faxes) == 160
    assert all(len(set(sids)) == len(sids) for sids in listed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_does_not_share_connections(telnyx):
    """Parent and children go on using one client after a fork, each over connections of its own."""
    code = """
import os
from tests.helpers import FROM, MEDIA_URL, TO
from twilio_fax_compat.rest import Client

client = Client("AC1", "token")
sent = [client.fax.faxes.create(TO, MEDIA_URL, from_=FROM).sid]
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        for _ in range(25):
            fax = client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
            assert client.fax.faxes(fax.sid).fetch().sid == fax.sid
        os._exit(0)
    children.append(child)
for _ in range(25):
    fax = client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
    assert client.fax.faxes(fax.sid).fetch().sid == fax.sid
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""
    subprocess.run(
        [sys.executable, "-c", code],
        env={
            **telnyx.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path])),
        },
        check=True,
        timeout=60,
    )

    assert len(telnyx.faxes) == 126
    assert set(tokens(telnyx).values()) == {1}


def test_nobody_listening_is_an_error_that_sent_nothing():
    """A refused connection is tried again and then says that Telnyx could not be reached."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    telnyx = TelnyxEmulator(port=port)
    client = make_client(telnyx, retry=FAST)
    with pytest.raises(TwilioRestException, match="could not be reached") as caught:
        send(client)

    assert (caught.value.status, caught.value.code) == (503, 20503)
    assert caught.value.details["sent"] is False


def test_idle_connections_are_reused_and_closed(telnyx):
    """One thread needs one connection; idle ones go when they are stale or too many."""
    client = make_client(telnyx)
    _connections.close_idle()
    for _ in range(5):
        send(client)
    idle = [
        connections
        for (_, origin, _), connections in _connections._idle.items()
        if origin == telnyx.origin
    ]
    assert [len(connections) for connections in idle] == [1]

    connection, _since = idle[0].pop()
    idle[0].append((connection, -1e9))
    idle[0].append((_connections.Connection(_connections.origin_parts(telnyx.origin)), 0.0))
    send(client)
    assert len(idle[0]) == 1
    _connections.close_idle()
    assert len(idle[0]) == 0


def test_a_rate_limit_is_waited_for(client, telnyx):
    """429 with Telnyx's headers is waited for, and the fax goes out once."""
    telnyx.inject(faults.rate_limited(retry_after=0.01))
    telnyx.inject(faults.rate_limited(reset=0.01))
    fax = send(client)

    assert fax.status == "queued"
    assert len(telnyx.faxes) == 1
    assert [exchange.status for exchange in telnyx.journal] == [429, 429, 202]


def test_every_request_of_a_program_is_sent_once(client, telnyx):
    """Without faults each call is exactly one request."""
    fax = send(client)
    fax.fetch()
    client.fax.faxes.list()
    fax.delete()

    assert [exchange.method for exchange in telnyx.journal] == ["POST", "GET", "GET", "DELETE"]
    assert {FROM, MEDIA_URL} <= set(telnyx.journal[0].json.values())
