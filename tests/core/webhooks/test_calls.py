"""How an application is called: redirects are followed, and failures are explained."""

import pytest
from attrs import evolve

from twilio_fax_compat._core.effects import run
from twilio_fax_compat._core.webhooks.calls import MAX_REDIRECTS, Delivery, call_app
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, LogWarning
from twilio_fax_compat._core.webhooks.events import FaxEvent
from twilio_fax_compat._core.webhooks.signatures import twilio_signature
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings

FAX_ID = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"
SID = "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e"
EVENT = FaxEvent("e1", "fax.queued", FAX_ID, "outbound", "queued", {})
SETTINGS = CallbackSettings(account_sid="AC1", auth_token="token")
URL = "https://app.example/fax/status"
FIELDS = {"FaxSid": SID, "FaxStatus": "queued"}


class AnyUrl(dict):
    """The same answer for each URL that has no other."""

    def __init__(self, answer, others=()):
        super().__init__(others)
        self.answer = answer

    def __missing__(self, _url):
        return self.answer


def called(
    answers, method="POST", attempt=1, document=None, url=URL, fields=FIELDS, settings=SETTINGS
):
    """Call an application that gives *answers* by URL; return the reply, the calls and the log."""
    calls, log = [], []

    def perform(step):
        if isinstance(step, LogWarning):
            return log.append(step)
        assert isinstance(step, CallApp)
        calls.append(step)
        answer = answers[step.url]
        return answer if isinstance(answer, AppAnswer) else AppAnswer(answer)

    delivery = Delivery(EVENT, URL, settings, attempt)
    reply = run(call_app(delivery, method, url, fields, document), perform)
    return reply, calls, log


def moved(status, location):
    return AppAnswer(status, location=location)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_becomes_a_get_without_a_form(status):
    """As Twilio did, and as browsers do."""
    target = "https://app.example/thanks?a=1"
    reply, calls, log = called({URL: moved(status, "/thanks?a=1#top"), target: 200})

    last = calls[-1]
    assert (reply.answer.status, reply.url, log) == (200, target, [])
    assert (last.method, last.url, last.body, last.is_own) == ("GET", target, b"", True)
    assert last.headers["X-Twilio-Signature"] == twilio_signature("token", target)
    assert "Content-Type" not in last.headers


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("document", [None, b"%PDF"])
def test_a_redirect_that_keeps_the_method_keeps_the_form(status, document):
    """The signature is for the new URL."""
    target = "https://app.example/new"
    _, (first, last), log = called({URL: moved(status, "/new"), target: 204}, document=document)

    assert log == []
    assert (last.method, last.url) == ("POST", target)
    assert last.headers["X-Twilio-Signature"] == twilio_signature("token", target, FIELDS.items())
    kind = "multipart/form-data" if document else "application/x-www-form-urlencoded"
    assert last.headers["Content-Type"].startswith(kind)
    assert (b"%PDF" in last.body) is bool(document)
    assert (first.headers["X-Twilio-Signature"] != last.headers["X-Twilio-Signature"]) is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_goes_to_the_location_as_it_stands(status):
    """The parameters of the first URL are not added to it."""
    first = URL + f"?FaxSid={SID}&FaxStatus=queued"
    target = "https://app.example/twiml?b=2"
    _, calls, _ = called({first: moved(status, "/twiml?b=2"), target: 200}, method="GET")

    assert [(call.method, call.url) for call in calls] == [("GET", first), ("GET", target)]


@pytest.mark.parametrize("query", ["", "?tenant=a+b", "?tenant=1&x"])
@pytest.mark.parametrize("fields", [{**FIELDS, "From": "+12125550199"}, FIELDS])
def test_the_url_of_an_answer_to_a_get_has_no_field_of_the_fax(query, fields):
    """Relative actions are resolved against it and remembered, and fields have numbers."""
    url, slash = URL + query, URL + "/" + query
    reply, (call,), _ = called(AnyUrl(200), "GET", url=url, fields=fields)
    assert (reply.url, call.url != url) == (url, True)

    answers = {call.url: moved(302, call.url.replace("status", "status/"))}
    reply, calls, _ = called(AnyUrl(200, answers), "GET", url=url, fields=fields)
    assert (reply.url, len(calls)) == (slash, 2)


def test_a_field_that_was_in_the_url_before_stays():
    url = URL + f"?FaxSid={SID}"
    assert called(AnyUrl(200), "GET", url=url)[0].url.startswith(url)
    assert called(AnyUrl(200), url=url)[0].url == url


def test_a_redirect_may_leave_the_application_and_come_back():
    """Another host gets a real HTTP request."""
    other = "http://other.example:8080/status"
    back = "https://app.example/fax/done"
    _, calls, _ = called({URL: moved(307, other), other: moved(302, back), back: 200})

    assert [call.is_own for call in calls] == [True, False, True]


@pytest.mark.parametrize(
    ("root", "is_own"),
    [("", True), ("/fax", True), ("/fax/status", False), ("/fa", False), ("/other", False)],
)
def test_another_application_of_the_server_is_called_over_http(root, is_own):
    """The wrapped one has only the paths below its root."""
    target = "https://app.example/fax/done"
    settings = evolve(SETTINGS, root=root)
    _, (_, last), _ = called({URL: moved(307, target), target: 200}, settings=settings)
    assert last.is_own is is_own


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "ftp://app.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://:80/",
        "http://[x",
    ],
)
def test_a_redirect_to_nowhere_is_refused(location):
    """Twilio's debugger gave 11216."""
    reply, calls, (log,) = called({URL: moved(302, location)})

    assert (reply.answer.is_good, len(calls)) == (False, 1)
    assert (log.fax_sid, log.code) == (SID, 11216)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/a b?n=John Smith", "/a%20b?n=John%20Smith"),
        ("/\xc3\xa4?x=%C3%A4", "/%C3%A4?x=%C3%A4"),
        ("/\xe4", "/%C3%A4"),
        ("/\u0416", "/%D0%96"),
    ],
    ids=["spaces", "bytes of UTF-8", "Latin-1", "text"],
)
def test_a_location_is_percent_encoded(location, target):
    """Servers pass headers on as Latin-1. The encoded URL is called and signed."""
    target = "https://app.example" + target
    _, (_, last), log = called({URL: moved(307, location), target: 200})
    assert (last.url, log) == (target, [])
    assert last.headers["X-Twilio-Signature"] == twilio_signature("token", target, FIELDS.items())


def test_a_loop_ends():
    """Twilio's debugger gave 11215."""
    other = "https://app.example/b"
    reply, calls, (log,) = called({URL: moved(307, "/b"), other: moved(307, "/fax/status")})

    assert (reply.answer.is_good, len(calls), log.code) == (False, 2, 11215)


def test_there_are_only_so_many_redirects():
    chain = {f"https://app.example/{number}": moved(302, f"/{number + 1}") for number in range(50)}
    reply, calls, (log,) = called({URL: moved(302, "/0"), **chain})

    assert (reply.answer.is_good, len(calls), log.code) == (False, MAX_REDIRECTS + 1, 11215)


@pytest.mark.parametrize("status", [300, 304, 305])
def test_other_3xx_are_failures(status):
    _, calls, (log,) = called({URL: moved(status, "/x")})

    assert (len(calls), log.code) == (1, 11200)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "accept Twilio's form"),
        (401, "TWILIO_AUTH_TOKEN"),
        (403, "TWILIO_AUTH_TOKEN"),
        (404, "is the path"),
        (405, "accept this method"),
        (500, "HTTP 500"),
        (503, "HTTP 503"),
    ],
)
def test_a_failure_is_explained_the_first_time(status, words):
    """The log has the status, the path, the SID of the fax, Twilio's code, and what to look at."""
    _, _, (log,) = called({URL: status})
    _, _, later = called({URL: status}, attempt=2)

    assert (log.fax_sid, log.code) == (SID, 11200)
    assert f"POST /fax/status answered HTTP {status}" in log.text
    assert words in log.text
    assert later == []


def test_no_answer_is_not_a_status():
    """Neither from the application nor from another host."""
    _, _, (log,) = called({URL: AppAnswer(0)})
    assert (log.text, log.code) == ("POST /fax/status gave no answer", 11200)

    other = "https://other.example/a?b=c"
    _, _, (log,) = called({other: AppAnswer(0, error="ConnectError")}, url=other)
    assert log.text == "POST https://other.example/a gave no answer (ConnectError)"
    assert log.code == 11205


def test_a_number_in_a_path_is_masked():
    """The query, which may hold anything, is left out."""
    url = "https://user:secret@other.example/fax/+15005550009/x?From=%2B15005550006"
    _, _, (log,) = called({url: 404}, url=url)

    assert "5550009" not in log.text
    assert "0006" not in log.text
    assert "secret" not in log.text
    assert "other.example/fax/" in log.text
