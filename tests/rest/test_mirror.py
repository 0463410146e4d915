"""The classes have Twilio 7.5.1's modules, names, signatures and representations."""

import copy
import importlib
import inspect
import json
import pickle
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat.base import deserialize, serialize, values
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http import HttpClient
from twilio_fax_compat.http.response import PayloadResponse, Response
from twilio_fax_compat.rest import Client
from twilio_fax_compat.rest.fax import Fax
from twilio_fax_compat.rest.fax.v1.fax import FaxContext, FaxInstance, FaxList, FaxPage
from twilio_fax_compat.rest.fax.v1.fax.fax_media import FaxMediaInstance, FaxMediaPage

try:
    import twilio
    from twilio.rest import Client as TwilioClient
except ImportError:
    twilio = None

needs_751 = pytest.mark.skipif(
    getattr(twilio, "__version__", None) != "7.5.1",
    reason="needs twilio 7.5.1, the last release with all of fax: pip install twilio==7.5.1",
)

SID = "FX" + "0a" * 16
ME = "ME" + "0a" * 16
CLASSES = {
    "rest.fax": ["Fax"],
    "rest.fax.v1": ["V1"],
    "rest.fax.v1.fax": ["FaxList", "FaxPage", "FaxContext", "FaxInstance"],
    "rest.fax.v1.fax.fax_media": [
        "FaxMediaList",
        "FaxMediaPage",
        "FaxMediaContext",
        "FaxMediaInstance",
    ],
    "base.version": ["Version"],
    "base.domain": ["Domain"],
    "base.page": ["Page"],
    "base.instance_resource": ["InstanceResource"],
    "base.instance_context": ["InstanceContext"],
    "base.list_resource": ["ListResource"],
    "http": ["HttpClient"],
    "http.response": ["Response"],
}
PAIRS = [(module, name) for module, names in CLASSES.items() for name in names]
MODULES = ["base.serialize", "base.deserialize", "base.values"]


class Answering:
    """An HTTP client that gives prepared answers and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def request(self, *args, **kwargs):
        self.asked.append((args, kwargs))
        status, body = self.answers.pop(0)
        return Response(status, body if isinstance(body, str) else json.dumps(body))


def domain(*answers):
    """Return our Fax domain over prepared answers."""
    return Fax(Answering(*answers))


def shape(member):
    """Return what a caller can tell of a member: its kind, and names and defaults of arguments."""
    if isinstance(member, property):
        return "property"
    if inspect.isclass(member):
        return {name: value for name, value in vars(member).items() if name.isupper()}
    if callable(member) or isinstance(member, (classmethod, staticmethod)):
        function = getattr(member, "__func__", member)
        return [
            (parameter.name, parameter.kind, defaults(parameter.default))
            for parameter in inspect.signature(function).parameters.values()
        ]
    return member


def defaults(value):
    return "UNSET" if value is values.unset else value


@needs_751
@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_every_class_has_twilios_members(module, name):
    """Each public member of Twilio's class is there with the same kind and signature."""
    theirs = getattr(importlib.import_module("twilio." + module), name)
    ours = getattr(importlib.import_module("twilio_fax_compat." + module), name)

    def members(cls):
        found = {}
        for base in reversed(cls.__mro__[:-1]):
            found.update(
                (key, shape(value))
                for key, value in vars(base).items()
                if not key.startswith("_") or key in ("__init__", "__call__", "__repr__", "_proxy")
            )
        return found

    expected, found = members(theirs), members(ours)
    assert expected == {key: found.get(key, "missing") for key in expected}
    assert set(found) - set(expected) <= {"version", "base_url"}


@needs_751
@pytest.mark.parametrize("module", MODULES)
def test_every_function_has_twilios_signature(module):
    """The functions of ``twilio.base`` are there with the same arguments."""
    theirs = importlib.import_module("twilio." + module)
    ours = importlib.import_module("twilio_fax_compat." + module)
    for name, function in vars(theirs).items():
        if inspect.isfunction(function) and function.__module__ == theirs.__name__:
            assert shape(function) == shape(getattr(ours, name))


@needs_751
def test_the_client_takes_twilios_arguments():
    """The constructor and ``request`` begin with all of Twilio's parameters in its order."""
    theirs = list(inspect.signature(TwilioClient.__init__).parameters)
    ours = list(inspect.signature(Client.__init__).parameters)

    assert theirs == ours[: len(theirs)]
    assert shape(TwilioClient.request) == shape(Client.request)


SIGNATURES = {
    FaxList.create: "to media_url quality status_callback from_ sip_auth_username "
    "sip_auth_password store_media ttl",
    FaxList.stream: "from_ to date_created_on_or_before date_created_after limit page_size",
    FaxList.list: "from_ to date_created_on_or_before date_created_after limit page_size",
    FaxList.page: "from_ to date_created_on_or_before date_created_after page_token page_number "
    "page_size",
    FaxList.get_page: "target_url",
    FaxContext.update: "status",
    Client.__init__: "username password account_sid region http_client environment edge "
    "user_agent_extensions credential_provider telnyx ledger media_host legacy rollout",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_the_argument_order_is_twilios(function):
    """Programs pass arguments by position, so their order is part of the interface."""
    assert SIGNATURES[function].split() == list(inspect.signature(function).parameters)[1:]


def test_representations_are_twilios():
    """Each object shows itself as Twilio's does."""
    fax = domain()
    faxes = fax.faxes
    one = FaxInstance(fax.v1, {"sid": SID})

    assert [
        repr(thing)
        for thing in (
            fax,
            fax.v1,
            faxes,
            faxes(SID),
            one,
            one.media,
            one.media(ME),
            FaxMediaInstance(fax.v1, {}, SID, ME),
            FaxPage(fax.v1, Response(200, '{"faxes": []}'), {}),
            FaxMediaPage(fax.v1, Response(200, '{"media": []}'), {}),
            Client("ACx", "y"),
            Response(200, "body"),
        )
    ] == [
        "<Twilio.Fax>",
        "<Twilio.Fax.V1>",
        "<Twilio.Fax.V1.FaxList>",
        f"<Twilio.Fax.V1.FaxContext sid={SID}>",
        f"<Twilio.Fax.V1.FaxInstance sid={SID}>",
        "<Twilio.Fax.V1.FaxMediaList>",
        f"<Twilio.Fax.V1.FaxMediaContext fax_sid={SID} sid={ME}>",
        f"<Twilio.Fax.V1.FaxMediaInstance fax_sid={SID} sid={ME}>",
        "<Twilio.Fax.V1.FaxPage>",
        "<Twilio.Fax.V1.FaxMediaPage>",
        "<Twilio ACx>",
        "HTTP 200 body",
    ]


def test_a_response_with_a_payload_shows_no_body():
    """A failed list puts its response among an exception's arguments: it shows a masked message."""
    response = PayloadResponse(400, {"message": "to +15005550009", "details": {"to": "+1500555"}})

    assert repr(response) == "HTTP 400: to ...0009"
    assert repr(PayloadResponse(400, {"message": 5})) == "HTTP 400"
    assert repr(PayloadResponse(200, {"message": "to +15005550009"})) == "HTTP 200"
    assert json.loads(response.text)["message"] == "to +15005550009"
    assert PayloadResponse(204, None).text == ""


def test_lists_and_contexts_are_kept():
    """The same objects come back each time, as a program may patch them."""
    fax = domain()

    assert fax.faxes is fax.v1.faxes is fax.faxes
    context = fax.faxes(SID)
    assert context.media is context.media


PAYLOADS = st.dictionaries(
    st.sampled_from(
        [
            "sid",
            "account_sid",
            "from",
            "to",
            "quality",
            "media_sid",
            "media_url",
            "num_pages",
            "duration",
            "status",
            "direction",
            "api_version",
            "price",
            "price_unit",
            "date_created",
            "date_updated",
            "links",
            "url",
            "error_code",
        ]
    ),
    st.one_of(
        st.none(),
        st.integers(),
        st.text(max_size=5),
        st.sampled_from(["3", "-0.0140", "2021-03-04T05:06:07Z", "2021-02-29T05:06:07Z", "7.5"]),
        st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True),
    ),
)


@needs_751
@given(PAYLOADS)
def test_properties_are_twilios_for_any_payload(payload):
    """Whatever a payload holds, or lacks, both libraries make the same properties of it."""
    from twilio.rest.fax.v1.fax import FaxInstance as TheirInstance

    def outcome(cls):
        try:
            return cls(None, payload, sid="FX1")._properties
        except InvalidOperation as error:
            return type(error)

    assert outcome(TheirInstance) == outcome(FaxInstance)


def test_an_instance_is_built_from_a_partial_payload():
    """Tests build instances by hand: what is missing is None, what is unknown is not there."""
    fax = FaxInstance(None, {"sid": SID, "status": "busy", "num_pages": "3", "error_code": 1})

    assert (fax.sid, fax.status, fax.num_pages, fax.to) == (SID, "busy", 3, None)
    assert not hasattr(fax, "error_code")
    assert not hasattr(fax, "error_message")
    assert len(fax._properties) == 18
    assert FaxInstance.Status.NO_ANSWER == "no-answer"
    with pytest.raises(AttributeError):
        fax.status = "failed"


def test_a_price_is_a_decimal():
    """Prices of recorded answers are exact."""
    assert FaxInstance(None, {"price": "-0.0140"}).price == Decimal("-0.0140")


def test_an_instance_can_be_copied_and_pickled():
    """Instances are plain objects, which caches and job queues rely on."""
    fax = FaxInstance(None, {"sid": SID, "status": "busy"})

    for twin in (copy.deepcopy(fax), pickle.loads(pickle.dumps(fax))):
        assert (twin.sid, twin.status) == (SID, "busy")


@needs_751
@given(st.text(max_size=22) | st.none() | st.integers())
def test_dates_are_read_as_twilio_reads_them(text):
    """A date is a moment or stays the text it was."""
    from twilio.base import deserialize as theirs

    assert theirs.iso8601_datetime(text) == deserialize.iso8601_datetime(text)
    assert theirs.iso8601_date(text) == deserialize.iso8601_date(text)
    assert theirs.integer(text) == deserialize.integer(text)


@needs_751
@given(st.datetimes() | st.dates() | st.text() | st.integers() | st.just(values.unset))
def test_dates_are_written_as_twilio_writes_them(value):
    """A filter's date goes out without a conversion of its zone."""
    from twilio.base import serialize as theirs

    assert theirs.iso8601_datetime(value) == serialize.iso8601_datetime(value)
    assert theirs.iso8601_date(value) == serialize.iso8601_date(value)


CALLS = {
    "create": lambda fax: fax.faxes.create("+1", "http://x", store_media=False),
    "fetch": lambda fax: fax.faxes(SID).fetch(),
    "update": lambda fax: fax.faxes(SID).update(status="canceled"),
    "update nothing": lambda fax: fax.faxes.get(SID).update(),
    "delete": lambda fax: fax.faxes(SID).delete(),
    "list": lambda fax: fax.faxes.list(from_="+1", limit=3),
    "list all": lambda fax: fax.faxes.list(limit=0),
    "list sized": lambda fax: fax.faxes.list(page_size=5000),
    "list limited": lambda fax: fax.faxes.list(limit=5000),
    "page": lambda fax: list(fax.faxes.page(page_number=2, page_token="t")),
    "get_page": lambda fax: list(fax.faxes.get_page("https://fax.twilio.com/v1/Faxes?Page=1")),
    "media": lambda fax: fax.faxes(SID).media.list(limit=2),
    "media fetch": lambda fax: fax.faxes(SID).media(ME).fetch(),
    "media delete": lambda fax: fax.faxes(SID).media.get(ME).delete(),
    "media page": lambda fax: list(fax.faxes(SID).media.get_page("https://fax.twilio.com/x")),
}
ANSWERS = [
    (200, {"sid": SID}),
    (200, {"faxes": [], "meta": {"key": "faxes", "next_page_url": None}}),
    (200, {"media": [{"sid": ME}], "meta": {"key": "media"}}),
    (201, {"sid": SID, "status": "queued"}),
    (202, {}),
    (204, ""),
    (302, {"sid": SID}),
    (400, {"code": 21211, "message": "no", "details": {"a": 1}}),
    (404, {"code": 20404, "message": "gone", "status": 404}),
    (500, "<html>"),
    (503, ""),
    (400, "[]"),
    (200, "nonsense"),
    (200, {"a": [], "b": []}),
]


@needs_751
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: str(answer[0]))
@pytest.mark.parametrize("call", CALLS)
def test_calls_ask_and_fail_as_twilios_do(call, answer):
    """Each call makes the same request, and each answer the same result or exception."""
    from twilio.rest.fax import Fax as TheirFax

    def outcome(cls):
        http = Answering(answer)
        try:
            result = CALLS[call](cls(http))
        except Exception as error:
            details = (getattr(error, name, None) for name in ("status", "code", "uri", "details"))
            result = (type(error), str(error.args[:1]), str(error), *details)
        else:
            result = repr(result)
        return http.asked, result

    theirs, ours = outcome(TheirFax), outcome(Fax)
    assert theirs[0] == ours[0]
    if "Response" not in str(theirs[1]):
        assert str(theirs[1]) == str(ours[1])


def test_failing_calls_raise_twilios_exceptions():
    """One record fails as a TwilioRestException, a list as a plain TwilioException."""
    body = {"code": 20404, "message": "gone", "details": {"errors": [1]}}
    with pytest.raises(TwilioRestException) as caught:
        domain((404, body)).faxes(SID).fetch()
    error = caught.value
    assert (404, 20404, "GET", f"/Faxes/{SID}", {"errors": [1]}) == (
        error.status,
        error.code,
        error.method,
        error.uri,
        error.details,
    )
    assert str(error) == "HTTP 404 error: Unable to fetch record: gone"

    with pytest.raises(TwilioException) as caught:
        domain((404, body)).faxes.list()
    assert not isinstance(caught.value, TwilioRestException)
    assert caught.value.args[0] == "Unable to fetch page"
    assert caught.value.args[1].status_code == 404


def test_the_first_page_of_a_stream_is_read_at_once():
    """A stream can fail when it is asked for, and later pages are read only when needed."""
    meta = {"key": "faxes", "next_page_url": "https://fax.twilio.com/v1/Faxes?Page=1"}
    fax = domain((200, {"faxes": [{"sid": "1"}, {"sid": "2"}], "meta": meta}), (200, {"faxes": []}))
    stream = fax.faxes.stream()

    assert len(fax.twilio.asked) == 1
    assert [next(stream).sid, next(stream).sid] == ["1", "2"]
    assert len(fax.twilio.asked) == 1
    assert list(stream) == []
    assert fax.twilio.asked[1] == (("GET", meta["next_page_url"]), {})


def test_exceptions_can_be_pickled():
    """An error of a worker process arrives whole."""
    error = TwilioRestException(400, "/Faxes", "no", 21211, "POST", details={"errors": [1]})
    twin = pickle.loads(pickle.dumps(error))

    assert (str(error), error.details, error.code) == (str(twin), twin.details, twin.code)


def test_an_http_client_without_a_request_is_abstract():
    """The seam for HTTP clients says so itself."""
    with pytest.raises(TwilioException, match="HttpClient is an abstract class"):
        HttpClient().request("GET", "https://x.example")


def test_serializers_of_maps():
    """Twilio's helpers for maps and lists are there as well."""
    assert serialize.prefixed_collapsible_map({"a": {"b": 1}, "c": 2}, "P") == {
        "P.a.b": 1,
        "P.c": 2,
    }
    assert serialize.prefixed_collapsible_map(values.unset, "P") == {}
    assert serialize.object({"a": 1}) == '{"a": 1}'
    assert serialize.object("a") == "a"
    assert serialize.map([1, 2], str) == ["1", "2"]
    assert serialize.map("ab", str) == "ab"
    assert values.of({"a": values.unset, "b": None}) == {"b": None}
