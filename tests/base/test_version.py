"""Domains and versions: URLs, requests, limits and errors below the resources."""

from unittest.mock import sentinel

import pytest

from tests.base.libraries import OURS, Recorder, answer, both, fax_domain, module
from twilio_fax_compat.http.response import PayloadResponse

OPTIONS = {
    "params": sentinel.params,
    "data": sentinel.data,
    "headers": sentinel.headers,
    "auth": sentinel.auth,
    "timeout": sentinel.timeout,
    "allow_redirects": sentinel.allow_redirects,
}
NOTHING = {**dict.fromkeys(OPTIONS), "allow_redirects": False}


@both
@pytest.mark.parametrize("uri", ["/Faxes", "Faxes", "/Faxes/", "//Faxes//"])
def test_urls_are_joined_by_one_slash(library, uri):
    """A URI is put below its version and its domain, however it begins and ends."""
    fax = fax_domain(library)

    assert fax.absolute_url(uri) == "https://fax.twilio.com/Faxes"
    assert fax.v1.relative_uri(uri) == "v1/Faxes"
    assert fax.v1.absolute_url(uri) == "https://fax.twilio.com/v1/Faxes"


@both
def test_the_base_url_can_be_changed(library):
    """A program that sends its faxes elsewhere sets the ``base_url`` of the domain."""
    fax = fax_domain(library, answer(204))
    fax.base_url = "http://localhost:8080/"
    fax.faxes("FXa").delete()

    assert fax.twilio.asked[0][0] == ("DELETE", "http://localhost:8080/v1/Faxes/FXa")


@both
def test_the_bare_classes_have_no_url(library):
    """A domain and a version have none until a product gives one."""
    domain = module(library, "base.domain").Domain(None)
    version = module(library, "base.version").Version(domain)

    assert vars(domain) == {"twilio": None, "base_url": None}
    assert vars(version) == {"domain": domain, "version": None}
    for use in (domain.absolute_url, version.relative_uri):
        with pytest.raises(AttributeError, match="strip"):
            use("/x")


@both
@pytest.mark.parametrize("name", ["request", "fetch", "update", "delete", "create", "page"])
def test_a_version_passes_every_argument_on(library, name):
    """Each argument, by position or by name, reaches the client, and the defaults do."""
    for args, kwargs, sent in (
        ((), OPTIONS, OPTIONS),
        (tuple(OPTIONS.values()), {}, OPTIONS),
        ((), {}, NOTHING),
    ):
        fax = fax_domain(library, answer(204, "{}"))
        getattr(fax.v1, name)("PATCH", "/a", *args, **kwargs)

        assert fax.twilio.asked == [(("PATCH", "https://fax.twilio.com/v1/a"), sent)]


@both
@pytest.mark.parametrize("name", ["request", "page"])
def test_a_response_comes_back_as_it_is(library, name):
    """A request and a page give the client's own response, a failed one too."""
    response = answer(500, "x")

    assert getattr(fax_domain(library, response).v1, name)("GET", "/a") is response


@both
@pytest.mark.parametrize(
    ("body", "message", "code", "details"),
    [
        ({"code": 7, "message": "no", "details": [1]}, "Failed: no", 7, [1]),
        ({"message": "no"}, "Failed: no", 404, None),
        ({"code": None}, "Failed", None, None),
        ({"details": {}}, "Failed", 404, {}),
        ({}, "Failed", 404, None),
        ([], "Failed", 404, None),
        (["message"], "Failed", 404, None),
        ('"message"', "Failed", 404, None),
        ("5", "Failed", 404, None),
        ("null", "Failed", 404, None),
        ("<html>", "Failed", 404, None),
        ("", "Failed", 404, None),
    ],
)
def test_an_exception_tells_what_a_body_says(library, body, message, code, details):
    """A body that is no JSON object leaves the message without an end, and the status as code."""
    version = module(library, "base.version").Version
    error = version.exception("PUT", "/x", answer(404, body), "Failed")

    assert type(error) is module(library, "base.exceptions").TwilioRestException
    assert vars(error) == {
        "status": 404,
        "uri": "/x",
        "msg": message,
        "code": code,
        "method": "PUT",
        "details": details,
    }


@both
def test_limits_are_read_for_a_stream(library):
    """A limit is the page size too when none is given, and 0 is no limit."""
    read_limits = fax_domain(library).v1.read_limits
    unset = module(library, "base.values").unset

    assert read_limits() == {"limit": unset, "page_size": unset}
    assert read_limits(5) == {"limit": 5, "page_size": 5}
    assert read_limits(5, 2) == {"limit": 5, "page_size": 2}
    assert read_limits(0, 2) == {"limit": unset, "page_size": 2}
    assert read_limits(page_size=0, limit=3) == {"limit": 3, "page_size": unset}


class Book:
    """A page of two records, with others after it."""

    def __init__(self, number):
        self.number = number

    def __iter__(self):
        return iter([2 * self.number, 2 * self.number + 1])

    def next_page(self):
        return Book(self.number + 1) if self.number < 3 else None


@both
@pytest.mark.parametrize(
    ("limit", "page_limit", "records"),
    [
        (None, None, 8),
        (0, 0, 8),
        (3, None, 3),
        (None, 1, 2),
        (None, 3, 6),
        (5, 2, 4),
        (3, 2, 3),
        (100, 100, 8),
    ],
)
def test_a_stream_stops_at_either_limit(library, limit, page_limit, records):
    """Records and pages are bounded, whichever bound is met first."""
    version = fax_domain(library).v1
    unset = module(library, "base.values").unset

    assert list(version.stream(Book(0), limit, page_limit)) == list(range(records))
    if limit is page_limit is None:
        assert list(version.stream(Book(0), unset, unset)) == list(range(records))
        assert list(version.stream(None)) == []


def test_an_error_is_chained_to_its_cause():
    """What went wrong below is the cause of the exception, for a record and for a list."""
    cause = TimeoutError("no answer")
    response = PayloadResponse(504, {"code": 20504, "message": "late"}, cause=cause)
    errors = module(OURS, "base.exceptions")
    faxes = fax_domain(OURS, response, response).faxes

    with pytest.raises(errors.TwilioRestException, match="Unable to fetch record: late") as caught:
        faxes("FXa").fetch()
    assert caught.value.__cause__ is cause
    with pytest.raises(errors.TwilioException, match="Unable to fetch page") as caught:
        faxes.list()
    assert caught.value.__cause__ is cause


def test_an_error_without_a_cause_hides_what_was_handled():
    """An error that is raised while a program handles another is not told as its consequence."""
    errors = module(OURS, "base.exceptions")
    faxes = fax_domain(OURS, answer(404)).faxes

    try:
        {}["missing"]
    except KeyError:
        with pytest.raises(errors.TwilioRestException) as caught:
            faxes("FXa").fetch()

    assert isinstance(caught.value.__context__, KeyError)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ is True


def test_a_payload_is_not_decoded_again():
    """A response of ours gives its payload itself, and its text is never made."""
    payload = {"sid": "FXa", "links": {"media": "x"}}
    response = PayloadResponse(200, payload)
    fax = fax_domain(OURS, response).faxes("FXa").fetch()

    assert fax.links is payload["links"]
    assert "content" not in vars(response)


def test_a_payload_of_another_class_is_not_heeded():
    """Another library's response counts by its text alone."""
    response = answer(200, {"sid": "FXa"})
    response.payload = {"sid": "FXb"}

    assert fax_domain(OURS, response).faxes("FXa").fetch().sid == "FXa"


@both
def test_a_recorded_client_is_the_domains(library):
    """The domain keeps the client it was given."""
    client = Recorder()

    assert module(library, "rest.fax").Fax(client).twilio is client
