"""Responses, and the seam for HTTP clients."""

import copy
import json
import pickle
import threading

import pytest

from tests.base.libraries import both, module
from twilio_fax_compat.base._responses import cause_of, payload_of
from twilio_fax_compat.http.response import PayloadResponse, Response


@both
@pytest.mark.parametrize(("status", "ok"), [(200, True), (399, True), (400, False), (500, False)])
def test_a_response_holds_what_it_is_given(library, status, ok):
    """Status, text and headers are kept, and ``ok`` tells whether it is below 400."""
    response = module(library, "http.response").Response(status, "body", {"a": "b"})

    assert vars(response) == {
        "content": "body",
        "headers": {"a": "b"},
        "cached": False,
        "status_code": status,
        "ok": ok,
    }
    assert response.text == "body"
    assert repr(response) == f"HTTP {status} body"
    assert module(library, "http.response").Response(200, "").headers is None


@both
def test_the_text_is_the_content(library):
    """A program changes a response by its content."""
    response = module(library, "http.response").Response(200, "a")
    response.content = "b"

    assert response.text == "b"
    with pytest.raises(AttributeError):
        response.text = "c"


@both
def test_the_seam_is_abstract(library):
    """An HTTP client must have a ``request`` of its own."""
    client = module(library, "http").HttpClient()

    with pytest.raises(
        module(library, "base.exceptions").TwilioException,
        match=r"^HttpClient is an abstract class$",
    ):
        client.request("GET", "https://fax.twilio.com", timeout=1)


@pytest.mark.parametrize(("status", "ok"), [(200, True), (399, True), (400, False), (500, False)])
def test_a_payload_response_is_ok_as_any_response(status, ok):
    """It is ``ok`` below 400, with or without a payload."""
    assert PayloadResponse(status, {}).ok is PayloadResponse(status, None).ok is ok


def test_a_payload_is_written_out_when_asked_for():
    """The text of a payload is JSON that reads back as the payload, made once."""
    payload = {"sid": "FXa", "to": "+15005550009", "num_pages": None, "é": "ü"}
    response = PayloadResponse(200, payload, {"a": "b"})

    assert isinstance(response, Response)
    assert json.loads(response.text) == payload
    assert response.content is response.text
    assert (response.status_code, response.ok, response.cached) == (200, True, False)
    assert response.headers == {"a": "b"}
    response.content = "other"
    assert response.text == "other"


def test_no_payload_is_an_empty_text():
    """An answer without a body, as that of a deletion, has none."""
    response = PayloadResponse(204, None)

    assert response.text == ""
    assert response.headers is None
    with pytest.raises(ValueError, match="Expecting value"):
        payload_of(response)


@pytest.mark.parametrize("payload", [{}, [], {"a": 1}, 0, False, ""])
def test_an_empty_payload_is_a_payload(payload):
    """Only None is none."""
    response = PayloadResponse(200, payload)

    assert payload_of(response) is payload
    assert json.loads(response.text) == payload


def test_a_payload_response_shows_its_status_only():
    """Bodies hold numbers, which belong in no log."""
    response = PayloadResponse(404, {"to": "+15005550009"}, cause=ValueError("+15005550009"))
    assert response.text

    assert repr(response) == str(response) == "HTTP 404"


def test_a_text_is_decoded():
    """A response of another kind counts by its text."""
    assert payload_of(Response(200, '{"a": 1}')) == {"a": 1}
    with pytest.raises(ValueError, match="Expecting value"):
        payload_of(Response(200, "<html>"))


def test_only_an_exception_is_a_cause():
    """What a response has under that name counts when an error can be raised from it."""
    error = OSError("down")

    assert cause_of(PayloadResponse(503, None, cause=error)) is error
    assert cause_of(PayloadResponse(503, None)) is None
    assert cause_of(PayloadResponse(503, None, cause="down")) is None
    assert cause_of(Response(503, "")) is None


def test_a_response_survives_a_pickle_without_its_cause():
    """A failed list's exception goes to another process, which a connection cannot."""
    cause = OSError(threading.Lock())
    response = PayloadResponse(503, {"a": 1}, {"b": "c"}, cause)

    for twin in (copy.copy(response), pickle.loads(pickle.dumps(response))):
        assert vars(twin) == {**vars(response), "cause": None}
    assert response.cause is cause


def test_a_response_shows_its_status_and_text():
    """As Twilio's does."""
    assert repr(Response(200, "body")) == "HTTP 200 body"


def test_a_failed_payload_response_shows_a_masked_message():
    """A failed list puts its response among an exception's arguments."""
    response = PayloadResponse(400, {"message": "to +15005550009", "details": {"to": "+1500555"}})

    assert repr(response) == "HTTP 400: to ...0009"
    assert repr(PayloadResponse(400, {"message": 5})) == "HTTP 400"
    assert repr(PayloadResponse(200, {"message": "to +15005550009"})) == "HTTP 200"
    assert json.loads(response.text)["message"] == "to +15005550009"
