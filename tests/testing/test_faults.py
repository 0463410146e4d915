"""What can go wrong with a request goes wrong as often and where it is asked for."""

from collections import Counter
from time import monotonic

import httpx
import pytest

from tests.testing.helpers import NOBODY, body_of, code_of, connect, post
from twilio_fax_compat.testing import TelnyxEmulator, faults

ERRORS = {
    "reset": httpx.ReadError,
    "close": httpx.RemoteProtocolError,
    "timeout": httpx.ReadTimeout,
    "truncated": httpx.RemoteProtocolError,
}


@pytest.mark.parametrize("how", faults.LOSSES)
@pytest.mark.parametrize("accepted", [True, False])
def test_answers_get_lost(http, telnyx, how, accepted):
    """However an answer is lost, the request was carried out or it was not, as was asked."""
    telnyx.inject(faults.answer_lost(accepted=accepted, how=how))
    with pytest.raises(ERRORS[how]):
        http.post("/faxes", json=body_of(telnyx), timeout=0.2)

    assert len(telnyx.faxes) == accepted
    exchange = telnyx.journal[0]
    assert (exchange.status, exchange.fault) == (None, "answer_lost")
    assert exchange.json == body_of(telnyx)
    assert (b'"queued"' in exchange.answer) == accepted
    assert http.get("/faxes").status_code == 200


def test_a_truncated_answer_has_its_head(http, telnyx):
    """The status and the announced length arrive, and then half of the body."""
    telnyx.inject(faults.answer_lost(how="truncated"))
    with http.stream("POST", "/faxes", json=body_of(telnyx)) as answer:
        pieces = answer.iter_raw()
        received = next(pieces)
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)

    assert answer.status_code == 202
    assert len(received) == int(answer.headers["content-length"]) // 2
    assert telnyx.journal[0].answer.startswith(received)


def test_a_way_to_lose_must_be_known():
    """Another ``how`` raises ValueError with those that there are."""
    with pytest.raises(ValueError, match="reset, close, timeout, truncated"):
        faults.answer_lost(how="somehow")


def test_delays(http, telnyx):
    """A delayed request takes at least so long, and is answered."""
    telnyx.inject(faults.delay(0.1))
    began = monotonic()

    assert http.get("/faxes").status_code == 200
    assert monotonic() - began >= 0.1
    assert telnyx.journal[0].fault == "delay"


def test_a_delayed_request_is_carried_out_late(http, telnyx):
    """When the client has given up, a delayed request is carried out all the same."""
    telnyx.inject(faults.delay(0.15))
    with pytest.raises(httpx.ReadTimeout):
        http.post("/faxes", json=body_of(telnyx), timeout=0.05)
    assert telnyx.faxes == []
    give_up = monotonic() + 5
    while not telnyx.faxes and monotonic() < give_up:
        http.get("/faxes")

    assert len(telnyx.faxes) == 1


def test_every_answer_can_take_its_time():
    """A latency is added to every answer."""
    with TelnyxEmulator(latency=0.05) as telnyx, connect(telnyx) as http:
        began = monotonic()
        for _ in range(3):
            http.get("/faxes")

    assert monotonic() - began >= 0.15


def test_rate_limits(http, telnyx):
    """A 429 has Telnyx's code, its headers and those that say when to come again."""
    telnyx.inject(faults.rate_limited(retry_after=3, reset=4))
    answer = http.post("/faxes", json=body_of(telnyx))

    assert code_of(answer) == (429, "10011")
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == ("3", "4")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert int(answer.headers["x-ratelimit-limit"]) > 0
    assert telnyx.faxes == []
    telnyx.inject(faults.rate_limited())
    assert not {"retry-after", "x-ratelimit-reset"} & set(http.get("/faxes").headers)


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "10015"), (403, "10010"), (404, "10005"), (408, "10008"), (409, "10036"),
     (422, "10027"), (500, "10007"), (502, "10037"), (503, "10037")],
)  # fmt: skip
def test_errors(http, telnyx, status, code, accepted):
    """An error comes before or after acceptance, with Telnyx's code of its status."""
    telnyx.inject(faults.error(status, accepted=accepted))

    assert code_of(http.post("/faxes", json=body_of(telnyx))) == (status, code)
    assert len(telnyx.faxes) == accepted
    assert (telnyx.journal[0].status, telnyx.journal[0].fault) == (status, "error")


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"", b""),
        ("<html>", b"<html>"),
        (b"\xff\x00", b"\xff\x00"),
        ({"errors": []}, b'{"errors": []}'),
    ],
)
def test_errors_have_any_body(http, telnyx, body, sent):
    """Empty bodies, bodies that are no JSON, and mappings as JSON; and any header."""
    telnyx.inject(faults.error(503, body=body, headers={"x-a": "b"}))
    answer = http.get("/faxes")

    assert (answer.status_code, answer.content, answer.headers["x-a"]) == (503, sent, "b")
    assert ("json" in answer.headers.get("content-type", "")) == isinstance(body, dict)


def test_faults_are_counted(http, telnyx):
    """A fault happens *times* times, and the one that was injected first goes first."""
    telnyx.inject(faults.error(500), times=2)
    telnyx.inject(faults.error(503))

    assert [http.get("/faxes").status_code for _ in range(4)] == [500, 500, 503, 200]
    with pytest.raises(ValueError, match="times"):
        telnyx.inject(faults.error(500), times=0)


def test_faults_can_last_and_be_cleared(http, telnyx):
    """With *times* None a fault happens until all are cleared."""
    telnyx.inject(faults.error(500), times=None)
    assert {http.get("/faxes").status_code for _ in range(5)} == {500}
    telnyx.clear_faults()

    assert http.get("/faxes").status_code == 200


@pytest.mark.parametrize(
    ("selection", "hit"),
    [
        ({"method": "POST"}, ["POST /faxes"]),
        ({"method": "get"}, ["GET /faxes", f"GET /faxes/{NOBODY}"]),
        ({"path": "/v2/faxes"}, ["POST /faxes", "GET /faxes"]),
        ({"path": "/v2/faxes/*"}, [f"GET /faxes/{NOBODY}"]),
        ({"path": "*/faxes", "method": "GET"}, ["GET /faxes"]),
        ({"when": lambda seen: seen.json == {"a": 1}}, ["POST /faxes"]),
        ({"when": lambda seen: seen.path.endswith(NOBODY)}, [f"GET /faxes/{NOBODY}"]),
    ],
)
def test_faults_are_selected(http, telnyx, selection, hit):
    """By method, by path with stars, and by whatever can be asked of the request."""
    telnyx.inject(faults.error(599), times=None, **selection)
    requests = {
        "POST /faxes": lambda: http.post("/faxes", json={"a": 1}),
        "GET /faxes": lambda: http.get("/faxes"),
        f"GET /faxes/{NOBODY}": lambda: http.get(f"/faxes/{NOBODY}"),
    }

    assert [name for name, ask in requests.items() if ask().status_code == 599] == hit


def test_a_mix_is_reproducible():
    """The same seed gives the same requests the same faults, about as often as they weigh."""
    choices = [(6, None), (2, faults.error(500)), (2, faults.rate_limited())]
    runs = []
    for seed in (7, 7, 8):
        with TelnyxEmulator() as telnyx, connect(telnyx) as http:
            telnyx.inject(faults.mix(seed, choices), times=None)
            runs.append([http.get("/faxes").status_code for _ in range(100)])
    counted = Counter(runs[0])

    assert runs[0] == runs[1] != runs[2]
    assert set(counted) == {200, 429, 500}
    assert counted[200] > counted[429] + counted[500] - 30


def test_a_list_can_lag():
    """A new fax is missing from lists for a while, and can be viewed at once."""
    with TelnyxEmulator(list_lag=0.2) as lagging, connect(lagging) as http:
        fax = post(http, lagging)
        assert http.get("/faxes").json()["meta"]["total_results"] == 0
        assert http.get(f"/faxes/{fax}").status_code == 200
        give_up = monotonic() + 5
        while not http.get("/faxes").json()["data"] and monotonic() < give_up:
            pass
        assert len(http.get("/faxes").json()["data"]) == 1
