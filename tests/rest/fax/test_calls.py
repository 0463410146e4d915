"""The calls: what they ask of a client and what they make of its answers."""

import datetime as dt
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import (
    FAX,
    FX,
    ME,
    MEDIA,
    OURS,
    THEIRS,
    answer,
    both,
    fax_domain,
    module,
    needs_751,
    outcome,
)

V1 = "https://fax.twilio.com/v1"
FAXES, ONE, ALL_MEDIA = V1 + "/Faxes", f"{V1}/Faxes/{FX}", f"{V1}/Faxes/{FX}/Media"
ELSEWHERE = "https://fax.twilio.com/v1/Faxes?Page=1&PageToken=t"
MOMENT = dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=dt.timezone(dt.timedelta(hours=2)))
OPTIONS = {"headers": None, "auth": None, "timeout": None, "allow_redirects": False}

# name: the call, and the method, URL, query and form that it asks for
CALLS = {
    "create": (
        lambda faxes: faxes.create("+1", "http://x"),
        ("POST", FAXES, None, {"To": "+1", "MediaUrl": "http://x"}),
    ),
    "create in order": (
        lambda faxes: faxes.create("+1", "m", "fine", "c", "+2", "u", "p", False, 5),
        (
            "POST",
            FAXES,
            None,
            {
                "To": "+1",
                "MediaUrl": "m",
                "Quality": "fine",
                "StatusCallback": "c",
                "From": "+2",
                "SipAuthUsername": "u",
                "SipAuthPassword": "p",
                "StoreMedia": False,
                "Ttl": 5,
            },
        ),
    ),
    "create with None": (
        lambda faxes: faxes.create(to="+1", media_url="m", from_=None, ttl=0),
        ("POST", FAXES, None, {"To": "+1", "MediaUrl": "m", "From": None, "Ttl": 0}),
    ),
    "fetch": (lambda faxes: faxes(FX).fetch(), ("GET", ONE, None, None)),
    "cancel": (
        lambda faxes: faxes(FX).update(status="canceled"),
        ("POST", ONE, None, {"Status": "canceled"}),
    ),
    "update nothing": (lambda faxes: faxes.get(FX).update(), ("POST", ONE, None, {})),
    "delete": (lambda faxes: faxes(FX).delete(), ("DELETE", ONE, None, None)),
    "list": (lambda faxes: faxes.list(), ("GET", FAXES, {}, None)),
    "list filtered": (
        lambda faxes: faxes.list("+2", "+1", "2021-03-04", MOMENT, 7, 3),
        (
            "GET",
            FAXES,
            {
                "From": "+2",
                "To": "+1",
                "DateCreatedOnOrBefore": "2021-03-04",
                "DateCreatedAfter": "2021-03-04T05:06:07Z",
                "PageSize": 3,
            },
            None,
        ),
    ),
    "list by odd dates": (
        lambda faxes: faxes.list(
            date_created_after=5, date_created_on_or_before=dt.date(2021, 3, 4)
        ),
        (
            "GET",
            FAXES,
            {
                "DateCreatedOnOrBefore": "2021-03-04T00:00:00Z",
                "DateCreatedAfter": None,
            },
            None,
        ),
    ),
    "stream": (
        lambda faxes: list(faxes.stream(to="+1", limit=2)),
        ("GET", FAXES, {"To": "+1", "PageSize": 2}, None),
    ),
    "page": (
        lambda faxes: list(faxes.page("+2", "+1", "a", "b", "t", 4, 9)),
        (
            "GET",
            FAXES,
            {
                "From": "+2",
                "To": "+1",
                "DateCreatedOnOrBefore": "a",
                "DateCreatedAfter": "b",
                "PageToken": "t",
                "Page": 4,
                "PageSize": 9,
            },
            None,
        ),
    ),
    "media list": (
        lambda faxes: faxes(FX).media.list(limit=2),
        ("GET", ALL_MEDIA, {"PageSize": 2}, None),
    ),
    "media stream": (
        lambda faxes: list(faxes(FX).media.stream(2, 1)),
        ("GET", ALL_MEDIA, {"PageSize": 1}, None),
    ),
    "media page": (
        lambda faxes: list(faxes(FX).media.page("t", 4, 9)),
        ("GET", ALL_MEDIA, {"PageToken": "t", "Page": 4, "PageSize": 9}, None),
    ),
    "media fetch": (
        lambda faxes: faxes(FX).media(ME).fetch(),
        ("GET", f"{ALL_MEDIA}/{ME}", None, None),
    ),
    "media delete": (
        lambda faxes: faxes(FX).media.get(ME).delete(),
        ("DELETE", f"{ALL_MEDIA}/{ME}", None, None),
    ),
}
PAGES = {
    "get_page": lambda faxes: list(faxes.get_page(ELSEWHERE)),
    "media get_page": lambda faxes: list(faxes(FX).media.get_page(ELSEWHERE)),
}
ANSWERS = {
    "fax": answer(200, FAX),
    "created": answer(201, {"sid": FX, "status": "queued"}),
    "accepted": answer(202, {}),
    "nothing": answer(204),
    "redirect": answer(302, {"sid": FX}),
    "399": answer(399, FAX),
    "199": answer(199, FAX),
    "faxes": answer(200, {"faxes": [FAX, {}], "meta": {"key": "faxes"}}),
    "media": answer(200, {"media": [MEDIA], "meta": {"key": "media", "next_page_url": None}}),
    "no key": answer(200, {"faxes": [{"sid": "FXa"}], "page": 0, "uri": "/x"}),
    "two keys": answer(200, {"a": [], "b": []}),
    "no meta": answer(200, {"meta": None}),
    "another key": answer(200, {"meta": {"key": "x"}, "faxes": []}),
    "null records": answer(200, {"faxes": None}),
    "null record": answer(200, {"faxes": [None]}),
    "array": answer(200, []),
    "word": answer(200, '"meta"'),
    "null": answer(200, "null"),
    "not JSON": answer(200, "<html>"),
    "bad price": answer(200, {"sid": FX, "price": "free"}),
    "refused": answer(400, {"code": 21211, "message": "no", "details": {"a": 1}}),
    "not found": answer(404, {"code": 20404, "message": "gone", "status": 404}),
    "bare error": answer(404, {}),
    "message only": answer(429, {"message": None}),
    "code only": answer(401, {"code": None, "details": []}),
    "error array": answer(400, ["message"]),
    "error word": answer(400, '"message"'),
    "error null": answer(503, "null"),
    "error page": answer(500, "<html>"),
    "error empty": answer(502),
}


def asked(call, library, *responses):
    fax = fax_domain(library, *responses)
    result = outcome(lambda: call(fax.faxes))
    return result, fax.twilio.asked


@both
@pytest.mark.parametrize("name", CALLS)
def test_a_call_asks_for_this(library, name):
    """Each call makes one request, in Twilio's terms, and passes it on as Twilio does."""
    call, (method, url, params, data) = CALLS[name]
    _, found = asked(call, library, answer(500))

    assert found == [((method, url), {"params": params, "data": data, **OPTIONS})]


@both
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_a_url_is_asked_for_as_it_is(library, name):
    """A URL that the server gave goes to the client itself, with nothing added."""
    _, found = asked(PAGES[name], library, answer(500))

    assert found == [(("GET", ELSEWHERE), {})]


@needs_751
@pytest.mark.parametrize("response", ANSWERS)
@pytest.mark.parametrize("name", [*CALLS, *PAGES])
def test_an_answer_means_the_same_to_both_libraries(name, response):
    """Each answer to each call gives the same results, or the same exception with its fields."""
    call = PAGES[name] if name in PAGES else CALLS[name][0]

    assert asked(call, THEIRS, ANSWERS[response]) == asked(call, OURS, ANSWERS[response])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["meta", "key", "faxes", "sid", "message", "code", "details", "page"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@needs_751
@given(st.sampled_from([*CALLS, *PAGES]), st.sampled_from([200, 201, 204, 301, 404, 500]), JSON)
def test_any_json_means_the_same_to_both_libraries(name, status, body):
    """Whatever JSON a server sends, it gives or raises the same."""
    call = PAGES[name] if name in PAGES else CALLS[name][0]
    response = answer(status, body)

    assert asked(call, THEIRS, response) == asked(call, OURS, response)


@both
def test_a_failed_record_raises_a_rest_exception(library):
    """Status, code, URI without a host, method and details are the exception's."""
    errors = module(library, "base.exceptions")
    body = {"code": 20404, "message": "gone", "more_info": "x", "details": {"errors": [1]}}
    faxes = fax_domain(library, answer(404, body)).faxes

    with pytest.raises(errors.TwilioRestException) as caught:
        faxes(FX).update(status="canceled")

    assert vars(caught.value) == {
        "status": 404,
        "uri": f"/Faxes/{FX}",
        "msg": "Unable to update record: gone",
        "code": 20404,
        "method": "POST",
        "details": {"errors": [1]},
    }
    assert str(caught.value) == "HTTP 404 error: Unable to update record: gone"


@both
@pytest.mark.parametrize(
    ("call", "accepted"),
    [
        (lambda faxes: faxes(FX).fetch(), range(200, 400)),
        (lambda faxes: faxes.create("+1", "m"), range(200, 300)),
        (lambda faxes: faxes(FX).update(), range(200, 300)),
        (lambda faxes: faxes(FX).delete(), range(200, 300)),
        (lambda faxes: faxes(FX).media(ME).fetch(), range(200, 400)),
        (lambda faxes: faxes(FX).media(ME).delete(), range(200, 300)),
    ],
    ids=["fetch", "create", "update", "delete", "media fetch", "media delete"],
)
def test_these_statuses_are_a_success(library, call, accepted):
    """A fetch takes a redirect for an answer, anything else does not."""
    raised = module(library, "base.exceptions").TwilioRestException
    found = []
    for status in range(100, 600):
        try:
            call(fax_domain(library, answer(status, FAX)).faxes)
        except raised as error:
            assert error.status == error.code == status
        else:
            found.append(status)

    assert found == list(accepted)


@both
@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (lambda faxes: faxes(FX).fetch(), "fetch"),
        (lambda faxes: faxes.create("+1", "m"), "create"),
        (lambda faxes: faxes(FX).update(), "update"),
        (lambda faxes: faxes(FX).delete(), "delete"),
    ],
    ids=["fetch", "create", "update", "delete"],
)
def test_an_error_says_what_was_tried(library, call, verb):
    """The message begins with what could not be done, and ends with what the server says."""
    raised = module(library, "base.exceptions").TwilioRestException
    for body, said in (({"message": "no"}, ": no"), ("", "")):
        with pytest.raises(raised) as caught:
            call(fax_domain(library, answer(400, body)).faxes)

        assert caught.value.msg == f"Unable to {verb} record{said}"


@both
@pytest.mark.parametrize(
    "call",
    [
        lambda faxes: faxes.list(),
        lambda faxes: faxes.stream(),
        lambda faxes: faxes.page(),
        lambda faxes: faxes.get_page(ELSEWHERE),
        lambda faxes: faxes(FX).media.list(),
        lambda faxes: faxes(FX).media.stream(),
        lambda faxes: faxes(FX).media.page(),
        lambda faxes: faxes(FX).media.get_page(ELSEWHERE),
    ],
    ids=[
        f"{kind}{call}" for kind in ("", "media ") for call in "list stream page get_page".split()
    ],
)
def test_a_failed_list_raises_a_plain_exception(library, call):
    """Any status but 200 does, at once, with the response as second argument and no code."""
    errors = module(library, "base.exceptions")
    for status in (199, 201, 204, 302, 404, 500):
        response = answer(status, {"faxes": []})
        with pytest.raises(errors.TwilioException) as caught:
            call(fax_domain(library, response).faxes)

        assert type(caught.value) is errors.TwilioException
        assert caught.value.args == ("Unable to fetch page", response)
        assert not hasattr(caught.value, "code")


@both
@pytest.mark.parametrize(("status", "expected"), [(204, True), (200, False), (202, False)])
def test_only_204_is_a_deletion(library, status, expected):
    """A deletion answers True for 204 and False for another success."""
    fax = fax_domain(library, *[answer(status)] * 4)
    instance = module(library, "rest.fax.v1.fax").FaxInstance(fax.v1, FAX)
    media_class = module(library, "rest.fax.v1.fax.fax_media").FaxMediaInstance
    media = media_class(fax.v1, MEDIA, FX)
    results = [fax.faxes(FX).delete(), instance.delete(), media.delete(), media._proxy.delete()]

    assert results == [expected] * 4
    assert all(result is expected for result in results)


@both
def test_an_instance_asks_as_its_context_does(library):
    """Each call of an instance goes to its SID and returns a new instance."""
    responses = [answer(200, {"sid": FX, "status": s}) for s in ("sending", "canceled", "failed")]
    fax = fax_domain(library, *responses)
    queued = module(library, "rest.fax.v1.fax").FaxInstance(fax.v1, {"sid": FX, "status": "queued"})

    sending, canceled = queued.fetch(), queued.update("canceled")
    failed = sending.fetch()

    assert [queued.status, sending.status, canceled.status, failed.status] == [
        "queued",
        "sending",
        "canceled",
        "failed",
    ]
    assert [(*args, options["data"]) for args, options in fax.twilio.asked] == [
        ("GET", ONE, None),
        ("POST", ONE, {"Status": "canceled"}),
        ("GET", ONE, None),
    ]


@both
def test_a_context_gives_its_sid_to_what_it_reads(library):
    """What a context returns is called by the context's SID, whatever the payload says."""
    context = fax_domain(library, *[answer(200, {"sid": "FXother"})] * 3).faxes(FX)
    read = [context.fetch(), context.update(), context.media(ME).fetch()]

    assert [instance.sid for instance in read] == ["FXother"] * 3
    assert [instance._solution["sid"] for instance in read] == [FX, FX, ME]


@both
def test_a_media_is_asked_for_below_its_fax(library):
    """The fax of a media is the one it was listed from, whatever its payload says."""
    page = answer(200, {"media": [{"sid": ME, "fax_sid": "FXother"}]})
    fax = fax_domain(library, page, answer(200, MEDIA))
    (media,) = fax.faxes(FX).media.list()
    again = media.fetch()

    assert media.fax_sid == "FXother"
    assert again._solution == {"fax_sid": FX, "sid": ME}
    assert fax.twilio.asked[1][0] == ("GET", f"{ALL_MEDIA}/{ME}")


@both
def test_a_context_asks_nothing(library):
    """Making contexts and lists needs no request."""
    fax = fax_domain(library)
    context = fax.faxes(FX)

    assert vars(context) == {
        "_version": fax.v1,
        "_solution": {"sid": FX},
        "_uri": f"/Faxes/{FX}",
        "_media": None,
    }
    assert context.media(ME)._uri == f"/Faxes/{FX}/Media/{ME}"
    assert (fax.faxes._uri, fax.faxes._solution) == ("/Faxes", {})
    assert (context.media._uri, context.media._solution) == (
        f"/Faxes/{FX}/Media",
        {"fax_sid": FX},
    )
    assert fax.twilio.asked == []


@both
def test_a_mock_does_for_a_response(library):
    """A program's tests answer with mocks, which have any attribute that is asked for."""
    errors = module(library, "base.exceptions")
    good = Mock(status_code=200, text='{"sid": "FXa"}')
    bad = Mock(status_code=404, text='{"code": 20404, "message": "gone"}')
    page = Mock(status_code=200, text='{"faxes": [{"sid": "FXb"}]}')
    faxes = fax_domain(library, good, bad, page, bad).faxes

    assert faxes(FX).fetch().sid == "FXa"
    with pytest.raises(errors.TwilioRestException, match="Unable to fetch record: gone"):
        faxes(FX).fetch()
    assert [fax.sid for fax in faxes.list()] == ["FXb"]
    with pytest.raises(errors.TwilioException, match="Unable to fetch page"):
        faxes.list()


@both
def test_a_client_needs_no_more_than_a_request(library):
    """Any object with a ``request`` method carries the Fax domain, a function in a class too."""

    class Client:
        @staticmethod
        def request(method, url, **options):
            return answer(200, {"sid": f"{method} {url} {options['params']}"})

    fax = module(library, "rest.fax").Fax(Client)

    assert fax.faxes(FX).fetch().sid == f"GET {ONE} None"
    assert fax.request("PUT", "/a/", params=1).text == ('{"sid": "PUT https://fax.twilio.com/a 1"}')


@both
@pytest.mark.parametrize("level", ["version", "domain"])
def test_a_request_can_be_replaced_at_each_level(library, level):
    """A program's double of ``request`` gets method and URI by position and the rest by name."""
    fax = fax_domain(library)
    seen = []

    def request(method, uri, **options):
        seen.append((method, uri, sorted(options)))
        return answer(204)

    setattr(fax.v1 if level == "version" else fax, "request", request)

    assert fax.faxes(FX).delete() is True
    uri = f"/Faxes/{FX}" if level == "version" else f"v1/Faxes/{FX}"
    names = ["allow_redirects", "auth", "data", "headers", "params", "timeout"]
    assert seen == [("DELETE", uri, names)]
