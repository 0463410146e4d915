"""A fax is sent once, whatever is lost on the way."""

from base64 import b64encode

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.flows import NOW, TOKEN, Run, answer, lost, refused
from twilio_fax_compat._core.attempts import LEGACY, Attempt
from twilio_fax_compat._core.effects import BeginSend, EndSend, KeepSend, LeaveSend
from twilio_fax_compat._core.fax_api.create import create
from twilio_fax_compat._core.fax_api.lookup import LOOKUP_PAGES
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


DATE = "Wed, 01 Jul 2026 12:00:02 GMT"
AT = 1782907202.0  # the same in seconds since 1970
PROVEN = {"errors": [{"code": "10007", "title": "Unexpected error"}]}


def listed(*faxes, pages=1, number=1, date=DATE):
    meta = {"page_number": number, "total_pages": pages, "page_size": 250, "total_results": 9}
    return answer(200, {"data": list(faxes), "meta": meta}, **({"date": date} if date else {}))


def send(*answers, form=FORM, attempt=None, takes=0.0, **policy):
    policy.setdefault("lookups", (1.0, 3.0, 6.0))
    settings = FlowSettings(account_sid="AC1", connection_id="123", retry=RetryPolicy(**policy))
    return Run(create(form, "/Faxes", settings), answers, attempt=attempt, takes=takes)


def earlier(at=None, token=TOKEN):
    """Return the send that an earlier create left without a known end."""
    return Attempt("send:0", token, turn=1, at=at, is_retry=True, may_be_out=True)


POST, LOOK = "POST /faxes", "GET /faxes"


@pytest.mark.parametrize("wrong", ["abc", "", None, 5])
def test_a_fax_that_was_found_with_an_odd_id_is_not_a_success(wrong):
    """The program could not use it; that it was sent is the answer."""
    run = send(lost(), *[listed(resource(id=wrong))] * 3)

    assert unknown(run)
    assert "not a UUID" in run.response.payload["message"]
    assert POST not in run.said[1:]


@pytest.mark.parametrize("changes", [{}, {"to": "+15005550001", "from": "+15005550002"}])
def test_a_fax_with_another_token_is_accepted(changes):
    """As a replayed recording has it, a scrubbed one with other numbers as well."""
    assert send(accepted(token="f" * 32, **changes)).said == [POST]


def test_a_504_of_telnyx_is_not_sent_again():
    """What stands behind may still carry it out."""
    run = send(answer(504, PROVEN), listed(), listed(), listed())

    assert unknown(run)
    assert run.said == [POST, LOOK, LOOK, LOOK]


def resumed(attempt, *answers, account="B"):
    settings = FlowSettings(
        account_sid="AC1", connection_id="1", account=account, retry=RetryPolicy(resend_after=0)
    )
    return Run(create(FORM, "/Faxes", settings), answers, attempt=attempt)


@pytest.mark.parametrize("answers", [[listed()] * 3, [answer(404)] * 3])
def test_a_send_of_another_telnyx_account_is_left_to_it(answers):
    """That this account does not have the fax does not mean that it was not sent."""
    run = resumed(evolve(earlier(at=AT), account="A"), *answers)

    assert POST not in run.said
    assert (run.response.status, run.response.payload["code"]) == (409, 20409)
    assert "another account" in run.response.payload["message"]
    assert isinstance(run.sends[-1], LeaveSend)


def test_a_send_of_another_connection_of_the_account_is_found():
    assert resumed(evolve(earlier(), account="A"), listed(resource())).response.status == 201


@pytest.mark.parametrize(("old", "new"), [("", "B"), ("B", ""), ("B", "B")])
def test_a_send_of_the_same_or_an_unknown_account_is_sent_again(old, new):
    attempt = evolve(earlier(at=AT), account=old)
    assert resumed(attempt, *[listed()] * 3, accepted(), account=new).said[-1] == POST


def test_an_outdated_send_of_another_account_is_a_new_one_of_this_account():
    run = resumed(evolve(earlier(at=AT - 90_000), account="A"), *[listed()] * 3, accepted())

    assert run.said[-1] == POST
    assert [e.attempt.account for e in run.sends if isinstance(e, KeepSend)] == ["B"]


def test_a_send_of_another_provider_is_left_to_it():
    """Telnyx cannot say whether the other provider sent the fax, so it is neither asked nor used."""
    attempt = evolve(earlier(), provider=LEGACY)
    run = send(attempt=attempt)

    assert (run.said, run.response.status, run.response.payload["code"]) == ([], 409, 20409)
    details = run.response.payload["details"]
    assert (details["may_have_been_sent"], details["provider"]) == (True, "the legacy provider")
    assert run.sends[1:] == [LeaveSend(attempt)]


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
    answer(202, b"[" * 100_000),
    answer(200, {"data": []}),
    answer(202, {"data": {"id": ""}}),
    answer(202, {"data": {"id": "12345"}}),
    answer(101),
    answer(301),
    answer(304),
]
ERRORS_OF_TELNYX = [answer(500, PROVEN), answer(503, PROVEN)]


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
def test_an_absent_fax_may_still_arrive(failure):
    """Seconds after a lost answer, a list without the fax proves nothing: it is not sent again."""
    run = send(failure, listed(), listed(), listed())

    assert run.said == [POST, LOOK, LOOK, LOOK]
    assert unknown(run) is True
    assert isinstance(run.sends[-1], LeaveSend)
    assert "twilio-fax-compat fax release" in run.response.payload["message"]
    assert run.response.payload["details"]["key"] in run.response.payload["message"]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (answer(500), 500, 20500),
        (answer(502), 502, 20503),
        (answer(503), 503, 20503),
        (answer(504), 504, 20503),
        (answer(408), 504, 20503),
        (answer(302), 502, 20500),
        (answer(202, b"{"), 502, 20500),
        (lost(), 504, 20503),
        (lost("ReadError", timed_out=False), 503, 20503),
    ],
)
def test_a_lost_answer_keeps_its_status(failure, status, code):
    """The table of errors is true for ``create`` too."""
    run = send(failure, listed(), listed(), listed())

    assert (run.response.status, run.response.payload["code"]) == (status, code)


@pytest.mark.parametrize("failure", ERRORS_OF_TELNYX)
def test_an_absent_fax_is_sent_again_with_the_same_token(failure):
    """After Telnyx's own error and look-ups that find nothing, nothing can arrive any more."""
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
    """It asks for outbound faxes between the two numbers since a day before, by Telnyx's clock."""
    run = send(answer(503, date="Sun, 05 Jul 2026 12:00:00 GMT"), listed(resource()))

    assert dict(run.requests[1].query) == {
        "filter[direction][eq]": "outbound",
        "filter[from][eq]": "+15005550006",
        "filter[to][eq]": "+15005550009",
        "filter[created_at][gte]": "2026-07-04T12:00:00.000000Z",
        "page[number]": "1",
        "page[size]": "250",
    }


def test_the_first_look_up_has_no_bound_while_telnyxs_clock_is_unknown():
    """Our own clock may be wrong by days, so it bounds nothing."""
    run = send(lost(), listed(), listed(resource()), takes=2.0)

    assert "filter[created_at][gte]" not in dict(run.requests[1].query)
    # The answer at 12:00:02 came five seconds after the request had left.
    assert dict(run.requests[2].query)["filter[created_at][gte]"] == "2026-06-30T11:59:57.000000Z"


def test_a_sip_destination_is_looked_for_by_sender():
    """Telnyx filters by E.164 numbers, so for a SIP URI the token alone decides."""
    form = {**FORM, "To": "sip:fax@example.com"}
    run = send(lost(), listed(resource(to="sip:fax@example.com")), form=form)

    assert "filter[to][eq]" not in dict(run.requests[1].query)
    assert run.response.status == 201


def test_every_page_is_looked_through():
    """A busy sender's list has many pages, and the fax may be on the last."""
    run = send(
        answer(503, date=DATE),
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
    run = send(answer(500, PROVEN), *[answer(503)] * 3, listed(), listed(), accepted())

    assert run.said.count(POST) == 2
    assert run.response.status == 201


def test_a_fax_like_it_without_client_state_leaves_it_unknown():
    """If Telnyx shows the same fax without its client_state, sending again would be a guess."""
    one = answer(200, {"data": resource(token=None)})
    run = send(answer(500, PROVEN), *[listed(resource(token=None)), one] * 3)

    assert run.said.count(POST) == 1
    assert unknown(run) is True


@pytest.mark.parametrize(("token", "posts"), [(TOKEN, 1), ("another", 2)])
def test_a_list_without_client_state_is_completed(token, posts):
    """A fax that the list shows without its client_state is read by itself."""
    one = answer(200, {"data": resource(token=token)})
    looks = [listed(resource(token=None)), one] * (1 if token == TOKEN else 3)
    run = send(answer(500, PROVEN), *looks, accepted())

    assert run.response.status == 201
    assert run.said.count(POST) == posts


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
    run = send(answer(500, PROVEN), *[listed(other)] * 3, accepted())

    assert run.response.status == 201
    assert run.said.count(POST) == 2


def test_resends_are_limited():
    """A fax that Telnyx keeps losing is an error that says it was not sent."""
    run = send(*[answer(503, PROVEN), listed(), listed()] * 2, lookups=(0, 0), resends=1)

    assert run.said.count(POST) == 2
    assert unknown(run) is False
    assert run.response.status == 503
    assert isinstance(run.sends[-1], EndSend)


@pytest.mark.parametrize("lookups", [(), (0.1,)])
def test_there_are_always_two_look_ups(lookups):
    """Whatever the policy says, one look-up is not enough to call a fax absent."""
    run = send(answer(503, PROVEN), listed(), listed(), accepted(), lookups=lookups)

    assert run.said == [POST, LOOK, LOOK, POST]


def test_a_lost_answer_may_be_resent_at_once_if_one_wants():
    """``resend_after=0`` trusts the look-ups."""
    run = send(lost(), listed(), listed(), accepted(), lookups=(0, 0), resend_after=0)

    assert run.response.status == 201
    assert run.said.count(POST) == 2


def test_the_budget_ends_the_looking():
    """When the time for waiting is used up, the outcome is unknown rather than guessed."""
    run = send(lost(), listed(), budget=2)

    assert run.said == [POST, LOOK]
    assert unknown(run) is True


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 415, 422])
def test_a_refusal_is_definite(status):
    """A 4xx is an answer: nothing was sent, nothing is looked for or repeated."""
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
    """429 is not an answer to the fax: it waits as long as asked, then sends."""
    run = send(answer(429, None, **headers), accepted(), rate_limit_wait=60, budget=120)

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


def test_rate_limits_end_with_the_budget():
    """Steady 429s hold a call no longer than its budget, requests included."""
    run = send(*[answer(429)] * 60, takes=1.0, budget=10)

    assert run.response.status == 429
    assert run.elapsed <= 11


def test_a_post_leaves_time_for_the_look_ups():
    """A request may take what the look-ups do not need, and no request goes beyond the budget."""
    run = send(answer(500, PROVEN), listed(), listed(resource()), takes=2.0, budget=30)

    post, look, last = run.requests
    assert post.timeout == pytest.approx(30 - 1.25 * 10 - 1)
    assert look.timeout == pytest.approx(27)
    assert last.timeout == pytest.approx(22)


def test_a_send_is_remembered_before_it_leaves_and_forgotten_after():
    run = send(accepted())

    begun, ended = run.sends
    assert isinstance(begun, BeginSend)
    assert isinstance(ended, EndSend)
    assert begun.key.startswith("send:")
    assert begun.token == TOKEN


def test_nothing_is_remembered_if_that_is_switched_off():
    run = send(lost(), listed(), listed(), remember=False, lookups=(0, 0))

    assert run.sends == []
    assert unknown(run) is True
    assert "release" not in run.response.payload["details"]


@pytest.mark.parametrize("token", [TOKEN, "anothertoken"])
def test_an_equal_create_returns_the_fax_of_the_earlier_one(token):
    """It is looked for by the token of the earlier create, and nothing is sent."""
    run = send(listed(), listed(resource(token=token)), attempt=earlier(token=token))

    assert run.said == [LOOK, LOOK]
    assert run.response.payload["sid"] == SID
    assert isinstance(run.sends[-1], EndSend)


def test_an_equal_create_does_not_send_while_the_first_may_arrive():
    """The time is Telnyx's: 59 minutes after the request had left."""
    run = send(listed(), listed(), listed(), attempt=earlier(AT - 59 * 60))

    assert run.said == [LOOK] * 3
    assert (run.response.status, unknown(run)) == (503, True)
    assert isinstance(run.sends[-1], LeaveSend)


def test_an_equal_create_sends_with_the_first_token_after_its_time():
    """After an hour the first request cannot arrive any more."""
    run = send(*[listed()] * 3, accepted(), attempt=earlier(AT - 3601))

    assert run.said == [LOOK] * 3 + [POST]
    assert token_of(run.requests[-1].body["client_state"]) == TOKEN
    assert isinstance(run.sends[1], KeepSend)
    assert isinstance(run.sends[-1], EndSend)


def test_a_killed_send_begins_its_time_at_the_first_look_up():
    """Nobody knows when it left, and our clocks prove nothing."""
    attempt = earlier()
    run = send(*[listed()] * 3, attempt=attempt)

    assert unknown(run) is True
    assert attempt.at == pytest.approx(AT, abs=10)


def test_a_fax_of_an_earlier_day_is_not_returned():
    """An equal create of the next week is a new fax, with a token of its own."""
    old = resource(token="old", created_at="2026-06-25T12:00:00Z")
    run = send(listed(old), accepted(), attempt=earlier(token="old"))

    assert run.said == [LOOK, POST]
    assert token_of(run.requests[-1].body["client_state"]) == TOKEN
    assert [type(effect) for effect in run.sends] == [BeginSend, EndSend, KeepSend, EndSend]


def test_an_equal_create_whose_look_ups_fail_sends_nothing():
    run = send(*[answer(503)] * 9, attempt=earlier(1.0))

    assert set(run.said) == {LOOK}
    assert unknown(run) is True


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
        return answer(500, PROVEN) if kind in ("error", "gone") else lost()

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


def test_telnyx_gets_the_status_callback():
    """Without another setting Telnyx sends its events to the program's own URL."""
    form = {**FORM, "StatusCallback": "https://app.example/status"}

    assert send(accepted(), form=form).requests[0].body["webhook_url"] == form["StatusCallback"]
    assert "webhook_url" not in send(accepted()).requests[0].body


def test_a_server_gets_the_events_itself():
    """A server that calls the program back has Telnyx's events sent to a URL of its own."""
    settings = FlowSettings(
        account_sid="AC1", connection_id="123", webhook_url="https://fax.example/telnyx"
    )
    form = {**FORM, "StatusCallback": "https://app.example/status"}
    with_callback = Run(create(form, "/Faxes", settings), [accepted()])
    without = Run(create(FORM, "/Faxes", settings), [accepted()])

    assert with_callback.requests[0].body["webhook_url"] == "https://fax.example/telnyx"
    assert "webhook_url" not in without.requests[0].body


def test_the_public_url_stands_in_the_answer():
    """``url`` and ``links`` begin with the public URL of the fax API."""
    settings = FlowSettings(
        account_sid="AC1", connection_id="123", api_url="https://fax.example/v1"
    )
    payload = Run(create(FORM, "/Faxes", settings), [accepted()]).response.payload

    assert payload["url"] == f"https://fax.example/v1/Faxes/{SID}"
    assert payload["links"] == {"media": f"https://fax.example/v1/Faxes/{SID}/Media"}
