"""Our HTTP client beside Twilio's: arguments, attributes, and what it keeps of a request."""

import copy
import inspect
import logging
import pickle

import pytest

from tests.base.libraries import OURS, both, module, needs_751
from tests.helpers import FAST, TO, make_client, send
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http.http_client import TwilioHttpClient
from twilio_fax_compat.http.request import Request
from twilio_fax_compat.testing import TelnyxEmulator


def http_client_of(library, **arguments):
    return module(library, "http.http_client").TwilioHttpClient(**arguments)


@needs_751
@pytest.mark.parametrize("method", ["__init__", "request"])
def test_the_arguments_are_twilios(method):
    """A program that makes the client with Twilio's arguments makes ours with the same."""
    ours, theirs = (
        inspect.signature(getattr(module(library, "http.http_client").TwilioHttpClient, method))
        for library in (OURS, "twilio")
    )

    assert list(ours.parameters) == list(theirs.parameters)
    assert [p.default for p in ours.parameters.values() if p.name != "logger"] == [
        p.default for p in theirs.parameters.values() if p.name != "logger"
    ]


@needs_751
def test_the_attributes_are_twilios():
    """Each public attribute of Twilio's client is one of ours, or has a clear text."""
    ours, theirs = (vars(http_client_of(library)) for library in (OURS, "twilio"))

    assert {name for name in theirs if name not in ours} == {"session"}
    assert ours["logger"] is theirs["logger"]
    assert {name: ours[name] for name in ours if name in theirs and name != "logger"} == {
        name: value for name, value in theirs.items() if name not in ("session", "logger")
    }


@both
@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_is_above_zero(library, timeout):
    """The error is Twilio's."""
    with pytest.raises(ValueError, match=str(timeout)):
        http_client_of(library, timeout=timeout)


def test_a_session_has_a_clear_text():
    """Setting up or replacing the session says which client has one."""
    http_client = TwilioHttpClient()

    assert not hasattr(http_client, "session")
    with pytest.raises(AttributeError, match=r"twilio\.http\.http_client"):
        http_client.session.verify = False
    with pytest.raises(AttributeError, match=r"httpx\.Client"):
        http_client.session = object()


def test_a_subclass_may_have_a_session(telnyx):
    """A subclass with a request method of its own keeps what it needs there."""

    class Own(TwilioHttpClient):
        def __init__(self):
            super().__init__(timeout=5)
            self.session = []

        def request(self, *arguments, **named):
            self.session.append(arguments)
            return super().request(*arguments, **named)

    http_client = Own()
    send(make_client(telnyx, http_client))

    assert len(http_client.session) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"request_hooks": {"response": [print]}},
        {"request_hooks": {"response": print}},
        {"max_retries": "3"},
        {"max_retries": object()},
        {"max_retries": -1},
        {"proxy": 5},
    ],
)
def test_what_only_requests_can_do_is_refused(arguments):
    """An argument that would have no effect is an error where it is given."""
    with pytest.raises(TwilioException, match=next(iter(arguments))):
        TwilioHttpClient(**arguments)


def test_empty_hooks_are_no_hooks():
    """The hooks that requests has by default do no harm."""
    assert TwilioHttpClient(request_hooks={"response": []}).request_hooks == {"response": []}


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_last_request_and_response(telnyx, caplog, by_hand):
    """They are kept as at Twilio, without the key, and the log has no number."""
    caplog.set_level(logging.INFO)
    client = make_client(telnyx)
    http_client = client.http_client
    assert http_client.last_request is http_client.last_response is None
    if by_hand:
        http_client.request(
            "post",
            telnyx.base_url + "/faxes?to=%2B15005550009",
            data={"to": TO},
            headers={"Authorization": "Bearer " + telnyx.api_key},
        )
    else:
        send(client)

    last = http_client.last_request
    assert (last.method, last.url.partition("?")[0]) == ("POST", telnyx.base_url + "/faxes")
    assert TO in str(last.data)
    assert telnyx.api_key not in str(vars(last))
    assert http_client.last_response.status_code == (422 if by_hand else 202)
    assert http_client.last_response.text.startswith("{")
    logged = [
        record.getMessage() for record in caplog.records if record.name == "twilio.http_client"
    ]
    assert logged == [
        f"POST Request: {telnyx.base_url}/faxes",
        f"POST Response: {http_client.last_response.status_code}",
    ]
    assert "5550009" not in caplog.text + repr(last) + str(last)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, name):
        super().__init__()
        self.lines = []
        self.logger = logging.getLogger(name)
        self.logger.setLevel(logging.INFO)
        self.logger.addHandler(self)

    def emit(self, record):
        self.lines.append(record.getMessage())


def test_a_logger_may_be_given(telnyx):
    """The lines go to the logger of the client."""
    log = Lines("tests.given")
    send(make_client(telnyx, TwilioHttpClient(logger=log.logger)))

    assert len(log.lines) == 2


def test_max_retries_are_tries_of_a_connection():
    """A connection that fails is tried again as often as the client says."""
    log = Lines("tests.tries")
    with TelnyxEmulator() as telnyx:
        pass
    http_client = TwilioHttpClient(max_retries=5, logger=log.logger)
    with pytest.raises(TwilioRestException):
        send(make_client(telnyx, http_client, retry=FAST))

    assert len(log.lines) == 6


def test_a_client_can_be_copied():
    """A pickle and a deep copy have the same settings."""
    http_client = TwilioHttpClient(False, None, 5, proxy="http://a:1", max_retries=2)
    for twin in (pickle.loads(pickle.dumps(http_client)), copy.deepcopy(http_client)):
        assert vars(twin) == vars(http_client)


REQUESTS = [
    {},
    {"method": "get"},
    {"method": "POST", "url": "https://a"},
    {"method": "POST", "url": "https://a", "data": {"a": 1}, "auth": ("a", "b")},
    {"method": "POST", "url": "https://b", "params": None, "headers": {}},
]


@both
def test_requests_are_compared_as_twilios(library):
    """`ANY` is equal to everything, and what is empty to what is not there."""
    cls = module(library, "http.request").Request
    equal = [
        [cls(**one) == cls(**other) for other in REQUESTS]  # no public name says more
        for one in REQUESTS
    ]

    assert equal == [
        [True, True, True, True, True],
        [True, True, False, False, False],
        [True, False, True, True, False],
        [True, False, True, True, False],
        [True, False, False, False, True],
    ]
    assert cls() != "*"
    assert cls(data=None, timeout=5) == cls(data={})
    assert cls.ANY == "*"


def test_a_request_shows_nothing_private():
    """Queries, forms and credentials stay out of logs."""
    request = Request("get", "https://a/b?To=1", ("u", "secret"), {"To": TO}, TO, {"A": "secret"})

    assert repr(request) == str(request) == "GET https://a/b"
