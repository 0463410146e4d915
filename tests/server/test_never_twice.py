"""No fax goes out twice, whatever clients and Telnyx do; and none is lost."""

import os
import signal
import socket
import threading
import time
from urllib.parse import urlencode, urlsplit

import pytest

from tests.helpers import wait_until
from tests.server.serving import (
    ACCOUNT,
    FROM,
    TO,
    TOKEN,
    basic,
    config_text,
    environ_of,
    serving,
)
from twilio_fax_compat.testing import faults


def documents(telnyx):
    """Return the media URLs of all faxes that Telnyx has."""
    return [fax["media_url"] for fax in telnyx.faxes]


def form_of(name):
    return {"To": TO, "From": FROM, "MediaUrl": f"https://www.example.com/{name}.pdf"}


def begin(server, name):
    """Post a create over a socket of its own, and return the socket without reading the answer."""
    parts = urlsplit(server.url)
    body = urlencode(form_of(name)).encode()
    head = (
        f"POST /v1/Faxes HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {basic(ACCOUNT, TOKEN)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    connection.sendall(head.encode() + body)
    return connection


def slow(telnyx, seconds):
    """Let Telnyx take *seconds* for the next create, and return an event that says that it arrived."""
    arrived = threading.Event()
    telnyx.inject(faults.delay(seconds), method="POST", when=lambda _: arrived.set() or True)
    return arrived


def like_java(server, name):
    """Create as twilio-java does: after any 5xx again, three times in all, 100 ms apart."""
    answers = []
    for _ in range(3):
        answers.append(server.create(name))
        if answers[-1][0] < 500:
            break
        time.sleep(0.1)
    return answers


def test_equal_creates_that_were_answered_are_two_faxes(server, telnyx):
    first, second = server.create("same"), server.create("same")
    assert first[0] == second[0] == 201
    assert first[2]["sid"] != second[2]["sid"]
    assert len(telnyx.faxes) == 2


def test_equal_creates_at_the_same_time_are_as_many_faxes(server, telnyx):
    telnyx.inject(faults.delay(0.1), times=None, method="POST")
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(server.create("parallel"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _, _ in answers] == [201] * 6
    assert len({payload["sid"] for _, _, payload in answers}) == len(telnyx.faxes) == 6


@pytest.mark.parametrize("how", ["reset", "close", "truncated"])
def test_an_answer_of_telnyx_that_was_lost_is_found_before_the_client_is_answered(
    server, telnyx, how
):
    telnyx.inject(faults.answer_lost(how=how), method="POST")
    ((status, _, payload),) = like_java(server, how)
    assert (status, len(telnyx.faxes)) == (201, 1)
    assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")


def test_a_create_that_may_be_out_is_answered_409_and_not_repeated(server, telnyx):
    telnyx.inject(faults.answer_lost(accepted=False), method="POST")
    ((status, _, payload),) = like_java(server, "open")
    assert (status, payload["code"], payload["status"]) == (409, 20409, 409)
    assert "may have been sent" in payload["message"]
    assert payload["details"]["may_have_been_sent"] is True
    assert isinstance(payload["details"], dict)
    assert telnyx.faxes == []


def test_a_fax_that_arrived_late_is_the_answer_to_the_repeat(server, telnyx):
    telnyx.inject(faults.error(503, accepted=True), method="POST")
    telnyx.inject(faults.error(500), times=40, method="GET")
    ((status, _, _),) = like_java(server, "late")
    assert status == 409
    telnyx.clear_faults()
    status, _, payload = server.create("late")
    assert (status, len(telnyx.faxes)) == (201, 1)
    assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")


def test_a_5xx_is_answered_only_if_nothing_was_sent(server, telnyx):
    # Telnyx itself says that it failed, and three look-ups find nothing.
    telnyx.inject(faults.error(500), times=None, method="POST")
    answers = like_java(server, "down")
    assert [status for status, _, _ in answers] == [500] * 3
    assert answers[0][2]["details"]["may_have_been_sent"] is False
    telnyx.clear_faults()
    assert (server.create("down")[0], len(telnyx.faxes)) == (201, 1)


def test_a_refusal_is_handed_on(server, telnyx):
    telnyx.inject(faults.error(422), method="POST")
    ((status, _, payload),) = like_java(server, "refused")
    assert (status, payload["status"]) == (400, 400)
    assert telnyx.faxes == []


def test_an_operation_goes_on_without_its_client_and_the_repeat_gets_its_fax(server, telnyx):
    telnyx.inject(faults.delay(0.4), method="POST")
    begin(server, "gone").close()
    status, _, payload = server.create("gone")
    assert (status, len(telnyx.faxes)) == (201, 1)
    assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")
    assert (server.create("gone")[0], len(telnyx.faxes)) == (201, 2), "a third one is a new fax"


def test_a_repeat_after_the_operation_ended_gets_its_fax_once(server, telnyx):
    telnyx.inject(faults.delay(0.1), method="POST")
    begin(server, "ended").close()
    wait_until(lambda: len(telnyx.faxes) == 1)
    time.sleep(0.1)
    assert (server.create("ended")[0], len(telnyx.faxes)) == (201, 1)
    assert (server.create("ended")[0], len(telnyx.faxes)) == (201, 2)


def test_a_client_that_hangs_up_again_and_again_gets_one_fax(server, telnyx):
    telnyx.inject(faults.delay(1.0), method="POST")
    for _ in range(4):
        connection = begin(server, "impatient")
        time.sleep(0.15)
        connection.close()
    status, _, payload = server.create("impatient")
    assert (status, len(telnyx.faxes)) == (201, 1)
    assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")


def test_another_form_is_another_fax(server, telnyx):
    telnyx.inject(faults.delay(0.2), method="POST")
    begin(server, "one").close()
    assert server.create("two")[0] == 201
    wait_until(lambda: len(telnyx.faxes) == 2)
    assert len(set(documents(telnyx))) == 2


def test_another_account_is_another_fax(server, telnyx):
    telnyx.inject(faults.delay(0.2), method="POST")
    begin(server, "shared").close()
    status, _, _ = server.request(
        "POST",
        "/v1/Faxes",
        form_of("shared"),
        user="AC00000000000000000000000000000002",
        password="the-token-of-two",
    )
    assert status == 201
    wait_until(lambda: len(telnyx.faxes) == 2)


def test_a_killed_process_leaves_its_sends_to_the_next_one(telnyx, tmp_path):
    config = tmp_path / "faxes.toml"
    config.write_text(config_text(telnyx, ledger=f"sqlite:///{tmp_path}/fax.db"))
    arrived = slow(telnyx, 0.3)
    with serving(tmp_path, environ_of(telnyx), "--config", str(config)) as server:
        connection = begin(server, "killed")
        assert arrived.wait(20)
        server.process.kill()
        server.process.wait()
        connection.close()
    wait_until(lambda: len(telnyx.faxes) == 1)
    with serving(tmp_path, environ_of(telnyx), "--config", str(config)) as server:
        status, _, payload = server.create("killed")
        assert (status, len(telnyx.faxes)) == (201, 1)
        assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")


def test_a_repeat_at_another_process_gets_the_fax_of_the_first(telnyx, tmp_path):
    config = tmp_path / "faxes.toml"
    config.write_text(config_text(telnyx, ledger=f"sqlite:///{tmp_path}/fax.db"))
    options = environ_of(telnyx), "--config", str(config)
    with serving(tmp_path, *options) as one, serving(tmp_path, *options) as two:
        telnyx.inject(faults.delay(0.5), method="POST")
        begin(one, "first").close()
        status, _, payload = two.create("first")
        assert (status, len(telnyx.faxes)) == (201, 1)
        assert payload["sid"][2:] == telnyx.faxes[0]["id"].replace("-", "")
        telnyx.inject(faults.delay(0.1), method="POST")
        begin(one, "second").close()
        wait_until(lambda: len(telnyx.faxes) == 2)
        time.sleep(0.2)
        assert (two.create("second")[0], len(telnyx.faxes)) == (201, 2)
        assert (two.create("second")[0], len(telnyx.faxes)) == (201, 3)


def test_sigterm_finishes_what_is_in_hand(telnyx, tmp_path):
    arrived = slow(telnyx, 0.5)
    with serving(tmp_path, environ_of(telnyx)) as server:
        answers = []
        client = threading.Thread(target=lambda: answers.append(server.create("last")))
        client.start()
        assert arrived.wait(20)
        os.kill(server.process.pid, signal.SIGTERM)
        client.join()
        assert server.process.wait(20) == 0
    assert (answers[0][0], len(telnyx.faxes)) == (201, 1)
