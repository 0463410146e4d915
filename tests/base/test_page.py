"""Pages, for whatever a program builds on them."""

import pytest

from tests.base.libraries import OURS, answer, both, fax_domain, module
from twilio_fax_compat.http.response import PayloadResponse


def page_class(library):
    class Numbers(module(library, "base.page").Page):
        def get_instance(self, payload):
            return payload * 10

    return Numbers


@both
@pytest.mark.parametrize(
    ("body", "records"),
    [
        ({"meta": {"key": "a"}, "a": [1], "b": [2]}, [10]),
        ({"meta": {"key": "a"}, "a": []}, []),
        ({"a": [1, 2], "page": 0, "end": 1, "total": 2, "num_pages": 1, "uri": "/x"}, [10, 20]),
    ],
)
def test_records_are_found(library, body, records):
    """The key is what ``meta`` names, else the only one that is not about paging."""
    assert list(page_class(library)(None, answer(200, body))) == records


@both
@pytest.mark.parametrize("body", [{}, {"page": 0}, {"a": [], "b": []}, {"meta": {}, "a": []}])
def test_records_cannot_be_told(library, body):
    """Without exactly one candidate the page is refused."""
    with pytest.raises(
        module(library, "base.exceptions").TwilioException,
        match=r"^Page Records can not be deserialized$",
    ):
        page_class(library)(None, answer(200, body))


@both
def test_the_records_themselves_are_loaded(library):
    """A subclass that overrides ``load_page`` gets from it the very list of the payload."""
    page = page_class(library)(None, answer(200, {"a": [1]}))

    assert page.load_page(page._payload) is page._payload["a"]


@both
def test_a_subclass_has_its_say(library):
    """What a subclass overrides is what iterating uses."""

    class Reading(page_class(library)):
        def next(self):
            return -super().next()

        def load_page(self, payload):
            return (number for number in payload["a"] if number > 1)

        @classmethod
        def process_response(cls, response):
            return {"a": response}

    assert list(Reading(None, [1, 2, 3])) == [-20, -30]


@both
def test_a_page_must_say_what_its_records_are(library):
    """The base class makes no instances."""
    page = module(library, "base.page").Page(None, answer(200, {"a": [1]}))

    assert repr(page) == "<Page>"
    assert page._solution == {}
    with pytest.raises(module(library, "base.exceptions").TwilioException) as caught:
        next(page)
    assert str(caught.value) == "Page.get_instance() must be implemented in the derived class"


@both
@pytest.mark.parametrize(
    ("meta", "uris", "expected"),
    [
        ({"next_page_url": "u", "previous_page_url": "p"}, {}, ("u", "p")),
        ({"next_page_url": None}, {"next_page_uri": "/n"}, (None, None)),
        ({}, {}, (None, None)),
        ({}, {"next_page_uri": "/n"}, ("https://fax.twilio.com/n", None)),
        (None, {"previous_page_uri": "/p"}, (None, "https://fax.twilio.com/p")),
        (None, {"next_page_uri": None, "previous_page_uri": ""}, (None, None)),
    ],
)
def test_neighbours_are_urls(library, meta, uris, expected):
    """A neighbour is a URL of ``meta``, else a URI put below the domain, else None."""
    body = {"a": [], **uris}
    if meta is not None:
        body["meta"] = {"key": "a", **meta}
    page = page_class(library)(fax_domain(library).v1, answer(200, body))

    assert (page.next_page_url, page.previous_page_url) == expected


@both
def test_there_are_these_keys_of_paging(library):
    """A key that Twilio uses for paging never holds the records."""
    for key in module(library, "base.page").Page.META_KEYS:
        page = page_class(library)(None, answer(200, {key: 1, "records": [1]}))

        assert list(page) == [10]


def test_a_failed_page_shows_no_body():
    """The response is an argument of the exception, so its representation is in every log."""
    body = {"message": "to +15005550009 is busy", "code": 21211}
    response = PayloadResponse(400, body)

    with pytest.raises(module(OURS, "base.exceptions").TwilioException) as caught:
        page_class(OURS)(None, response)

    assert caught.value.args == ("Unable to fetch page", response)
    assert str(caught.value) == "('Unable to fetch page', HTTP 400: to ...0009 is busy)"
    assert "5550009" not in repr(caught.value)
