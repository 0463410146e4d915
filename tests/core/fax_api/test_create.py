"""A fax is sent once, whatever is lost on the way."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.flows import NOW, TOKEN, Run, answer, lost, refused
from twilio_fax_compat._core.fax_api.create import LOOKUP_PAGES, create
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.translation.client_state import pack, token_of

FORM = {"To": "+15005550009", "From": "+15005550006", "MediaUrl": "https://x.example/a.pdf"}
FAX_ID = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"
SID = "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e"


def resource(token=TOKEN, **changes):
    fax = {
        "id": FAX_ID,
        "direction": "outbound",
        "from": "+15005550006",
        "to": "+15005550009",
        "media_url": "https://x.example/a.pdf",
        "status": "queued",
        "client_state": pack(token) if token else None,
        "created_at": "2026-07-01T12:00:01.5Z",
    }
    fax.update(changes)
    return fax


def accepted(**changes):
    return answer(202, {"data": resource(**changes)})


def listed(*faxes, pages=1, number=1):
    meta = {"page_number": number, "total_pages": pages, "page_size": 250, "total_results": 9}
    return answer(200, {"data": list(faxes), "meta": meta})


def send(*answers, form=FORM, **policy):
    settings = FlowSettings(account_sid="AC1", connection_id="123", retry=RetryPolicy(**policy))
    return Run(create(form, "/Faxes", settings), answers)


POST, LOOK = "POST /faxes", "GET /faxes"


def test_an_accepted_fax_is_returned():
    """One request, and the fax as Twilio showed a new one."""
    run = send(accepted(stored_media_url="https://t.example/c", page_count=2))

    assert run.said == [POST]
    assert (
        run.response.status,
        run.response.payload["sid"],
        run.response.payload["status"],
    ) == (201, SID, "queued")
    assert {None} == {
        run.response.payload[name]
        for name in ("media_sid", "media_url", "num_pages", "duration", "price", "price_unit")
    }


def test_every_fax_carries_its_token():
    """``client_state`` is base64 and holds the token by which the fax is found again."""
    run = send(accepted())

    assert token_of(run.requests[0].body["client_state"]) == TOKEN


def test_a_request_that_never_left_is_repeated():
    """A refused connection cannot have sent anything, so the fax is tried again."""
    run = send(refused(), refused(), accepted())

    assert run.said == [POST, POST, POST]
    assert run.response.status == 201


def test_a_request_that_never_left_is_an_error_in_the_end():
    """After the last attempt the error says that Telnyx could not be reached."""
    run = send(refused(), refused(), refused())

    assert (run.response.status, run.response.payload["code"]) == (503, 20503)
    assert run.response.payload["details"]["sent"] is False


AMBIGUOUS = [
    lost(),
    lost("ReadError", timed_out=False),
    answer(500),
    answer(502, b"<html>"),
    answer(503, {"errors": []}, retry_after="1"),
    answer(504),
    answer(408),
    answer(202, b"{"),
    answer(200, {"data": []}),
]


@pytest.mark.parametrize("failure", AMBIGUOUS)
def test_a_lost_answer_is_looked_for(failure):
    """When the answer is lost and Telnyx has the fax, that fax is returned and none is sent."""
    run = send(failure, listed(resource(token="another"), resource(status="sending")))

    assert run.said == [POST, LOOK]
    assert (
        run.response.status,
        run.response.payload["sid"],
        run.response.payload["status"],
    ) == (201, SID, "sending")


@pytest.mark.parametrize("failure", AMBIGUOUS)
def test_an_absent_fax_is_sent_again_with_the_same_token(failure):
    """Only after several looks found nothing is the fax sent again, and it can still be told."""
    run = send(failure, listed(), listed(), listed(), accepted())

    assert run.said == [POST, LOOK, LOOK, LOOK, POST]
    assert run.requests[0].body == run.requests[-1].body
    assert run.pauses == [1.0, 3.0, 6.0]


def test_a_list_that_lags_is_asked_again():
    """A fax that shows in the list only at the last look is found."""
    run = send(lost(), listed(), listed(), listed(resource()))

    assert run.response.status == 201
    assert run.said.count(POST) == 1


def test_the_look_up_is_narrow():
    """It asks for outbound faxes between the two numbers since a day before."""
    run = send(lost(), listed(resource()))

    assert dict(run.requests[1].query) == {
        "filter[direction][eq]": "outbound",
        "filter[from][eq]": "+15005550006",
        "filter[to][eq]": "+15005550009",
        "filter[created_at][gte]": "2026-06-30T12:00:00.000000Z",
        "page[number]": "1",
        "page[size]": "250",
    }


def test_a_sip_destination_is_looked_for_by_sender():
    """Telnyx filters by E.164 numbers, so for a SIP URI the token alone decides."""
    form = {**FORM, "To": "sip:fax@example.com"}
    run = send(lost(), listed(resource(to="sip:fax@example.com")), form=form)

    assert "filter[to][eq]" not in dict(run.requests[1].query)
    assert run.response.status == 201


def test_every_page_is_looked_through():
    """A busy sender's list has many pages, and the fax may be on the last."""
    run = send(
        lost(),
        listed(resource(token="a"), pages=3),
        listed(resource(token="b"), pages=3, number=2),
        listed(resource(), pages=3, number=3),
    )

    assert [dict(request.query)["page[number]"] for request in run.requests[1:]] == ["1", "2", "3"]
    assert run.response.status == 201


def test_a_list_without_meta_is_read_to_its_empty_page():
    """Where Telnyx tells no page count, only an empty page ends the list."""
    run = send(
        lost(),
        answer(200, {"data": [resource(token="a")]}),
        answer(200, {"data": [resource()]}),
    )

    assert run.response.status == 201


def test_an_endless_list_is_not_read_for_ever():
    """A list that never ends makes the outcome unknown."""
    endless = iter([lost()])

    run = Run(
        create(FORM, "/Faxes", FlowSettings(account_sid=None, connection_id="1")),
        lambda _request: next(endless, answer(200, {"data": [resource(token="a")]})),
    )

    assert run.response.payload["details"]["may_have_been_sent"] is True
    assert len(run.requests) <= 1 + 3 * LOOKUP_PAGES


def unknown(run):
    return run.response.payload["details"].get("may_have_been_sent")


def test_a_look_up_that_fails_leaves_it_unknown():
    """If Telnyx cannot be asked, the error says that the fax may have been sent and how to tell."""
    run = send(lost(), *[answer(503)] * 9)

    assert run.said.count(POST) == 1
    assert (run.response.status, run.response.payload["code"], unknown(run)) == (504, 20503, True)
    details = run.response.payload["details"]
    assert details["client_state"] in run.response.payload["message"]
    assert token_of(details["client_state"]) == TOKEN
    assert details["look_up"].startswith("/v2/faxes?filter")


def test_one_look_is_not_enough_to_call_it_absent():
    """A single look that found nothing, among failed ones, does not allow a second sending."""
    run = send(lost(), *[answer(503)] * 6, listed())

    assert run.said.count(POST) == 1
    assert unknown(run) is True


def test_two_looks_suffice_after_a_failed_one():
    """A look that failed is made up for by two that found nothing."""
    run = send(lost(), *[answer(503)] * 3, listed(), listed(), accepted())

    assert run.said.count(POST) == 2
    assert run.response.status == 201


def test_a_fax_like_it_without_client_state_leaves_it_unknown():
    """If Telnyx shows the same fax without its client_state, sending again would be a guess."""
    run = send(lost(), *[listed(resource(token=None))] * 3)

    assert run.said.count(POST) == 1
    assert unknown(run) is True


@pytest.mark.parametrize(
    "changes",
    [
        {"media_url": "https://x.example/b.pdf"},
        {"to": "+15005550010"},
        {"created_at": "2026-07-01T11:00:00Z"},
        {"client_state": b64encode(b"theirs").decode()},
    ],
)
def test_another_programs_fax_is_not_taken_for_ours(changes):
    """A fax that differs, is older or carries another state does not stand in the way."""
    other = {**resource(token=None), **changes}
    run = send(lost(), *[listed(other)] * 3, accepted())

    assert run.response.status == 201
    assert run.said.count(POST) == 2


def test_resends_are_limited():
    """A fax that Telnyx keeps losing is an error that says it was not sent."""
    run = send(*[lost(), listed(), listed()] * 2, lookups=(0, 0), resends=1)

    assert run.said.count(POST) == 2
    assert unknown(run) is False
    assert run.response.status == 504


def test_without_look_ups_a_lost_answer_is_unknown():
    """Switching the look-up off never means sending blindly."""
    run = send(lost(), lookups=())

    assert run.said == [POST]
    assert unknown(run) is True


def test_the_budget_ends_the_looking():
    """When the time for waiting is used up, the outcome is unknown rather than guessed."""
    run = send(lost(), listed(), budget=2)

    assert run.said == [POST, LOOK]
    assert unknown(run) is True


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 409, 415, 422])
def test_a_refusal_is_definite(status):
    """A 3xx or 4xx is an answer: nothing was sent, nothing is looked for or repeated."""
    run = send(answer(status, {"errors": [{"code": "10015", "title": "Bad request"}]}))

    assert run.said == [POST]
    assert run.response.status >= 400
    assert run.response.payload["details"]["errors"][0]["code"] == "10015"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "2.5"}, 2.5),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"x_ratelimit_reset": "11"}, 11),
        ({"retry_after": "3", "x_ratelimit_reset": "11"}, 3),
        ({"x_ratelimit_reset": str(NOW.timestamp() + 20)}, 20),
        ({"retry_after": "Wed, 01 Jul 2026 12:00:30 GMT"}, 30),
        ({"x_ratelimit_reset": "1", "date": "Wed, 01 Jul 2026 12:00:30 GMT"}, 1),
        (
            {
                "retry_after": "Wed, 01 Jul 2026 12:00:30 GMT",
                "date": "Wed, 01 Jul 2026 12:00:20 GMT",
            },
            10,
        ),
    ],
)
def test_a_rate_limit_is_waited_for(headers, seconds):
    """429 is not an answer to the fax: it waits as told, then sends."""
    run = send(answer(429, None, **headers), accepted())

    assert run.said == [POST, POST]
    assert [pytest.approx(seconds)] == run.pauses


@pytest.mark.parametrize("told", ["0", "", "soon", "-1", "nan", "inf"])
def test_a_rate_limit_that_tells_nothing_backs_off(told):
    """Without a usable number the pauses grow by themselves, and end."""
    limited = answer(429, None, retry_after=told)
    run = send(*[limited] * 60, budget=30)

    assert run.response.status == 429
    assert run.response.payload["code"] == 20429
    assert sum(run.pauses) <= 30
    assert run.pauses[0] > 0


def test_a_rate_limit_that_is_too_long_is_an_error_at_once():
    """Nobody wants ``create`` to sleep for an hour."""
    run = send(answer(429, None, retry_after="3600"))

    assert run.said == [POST]
    assert run.response.status == 429
    assert run.pauses == []


def test_the_error_shows_no_number():
    """Whatever Telnyx or the network says, numbers are cut and URLs are left out."""
    error = {
        "code": "10016",
        "title": "Phone number must be in +E.164 format",
        "detail": "+15005550009 and https://x.example/secret.pdf?key=1 are wrong",
        "source": {"pointer": "/to"},
    }
    run = send(answer(422, {"errors": [error]}))

    assert run.response.payload["code"] == 21211
    assert "5005550009" not in run.response.payload["message"]
    assert "secret" not in run.response.payload["message"]
    assert [error] == run.response.payload["details"]["errors"]


class Telnyx:
    """The least of a server: accepts faxes, loses answers, and lists what it has with a lag."""

    def __init__(self, events):
        self.events = list(events)
        self.faxes = []
        self.looks = 0

    def __call__(self, request):
        event = self.events.pop(0) if self.events else ("ok", 0)
        kind, lag = event
        if request.method == "GET":
            if kind in ("down", "lost"):
                return answer(503)
            return listed(*[fax for fax, since in self.faxes if self.tick() >= since])
        if kind == "down":
            return refused()
        if kind == "limited":
            return answer(429)
        fax = resource(token=token_of(request.body["client_state"]))
        if kind in ("ok", "lost", "error"):
            self.faxes.append((fax, self.looks + lag))
        if kind == "ok":
            return answer(202, {"data": fax})
        return answer(500) if kind in ("error", "gone") else lost()

    def tick(self):
        self.looks += 1
        return self.looks


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ok", "lost", "error", "gone", "dropped", "down", "limited"]),
            st.integers(0, 1),
        ),
        max_size=12,
    )
)
def test_whatever_fails_there_is_at_most_one_fax(events):
    """
    Over any series of failures: what was returned exists once, nothing exists twice.

    And an error that says so tells the truth: "not sent" means that there is none.
    """
    telnyx = Telnyx(events)
    run = Run(create(FORM, "/Faxes", FlowSettings(account_sid="AC1", connection_id="1")), telnyx)

    assert len(telnyx.faxes) <= 1
    if run.response.status == 201:
        assert len(telnyx.faxes) == 1
    elif not unknown(run):
        assert telnyx.faxes == []
