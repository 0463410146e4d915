"""The client: its arguments, its settings, and what it leaves to the twilio package."""

import inspect
import subprocess
import sys

import httpx
import pytest

from tests.base.libraries import needs_751
from tests.helpers import ACCOUNT, MEDIA_URL, TO, make_client, send
from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http.http_client import TwilioHttpClient
from twilio_fax_compat.rest import Client
from twilio_fax_compat.rest.fax import Fax

try:
    import twilio
except ImportError:
    twilio = None


def test_credentials_come_from_the_environment():
    """The same variables as Twilio's, and the account is the user name unless told otherwise."""
    environment = {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_EDGE": "dublin",
        "TWILIO_REGION": "ie1",
    }
    client = Client(environment=environment)

    assert (
        client.username,
        client.password,
        client.account_sid,
        client.auth,
        client.edge,
        client.region,
    ) == ("AC1", "token", "AC1", ("AC1", "token"), "dublin", "ie1")
    assert Client("SK1", "secret", "AC2", environment=environment).account_sid == "AC2"


@pytest.mark.parametrize("arguments", [{}, {"username": "AC1"}, {"password": "token"}])
def test_missing_credentials_are_twilios_error(arguments):
    """The constructor fails as Twilio's does."""
    with pytest.raises(TwilioException, match="Credentials are required to create a TwilioClient"):
        Client(**arguments, environment={"PATH": ""})


def test_missing_telnyx_settings_are_named_at_the_first_fax():
    """A client that sends no fax needs none of them; the first fax call names what is missing."""
    client = Client("AC1", "token", environment={"TELNYX_API_KEY": "KEY1"})
    with pytest.raises(TwilioException, match="TELNYX_CONNECTION_ID") as caught:
        client.fax.faxes.create(TO, MEDIA_URL)

    assert "TELNYX_API_KEY" not in str(caught.value)
    assert not isinstance(caught.value, TwilioRestException)
    with pytest.raises(TwilioException, match="TELNYX_API_KEY and TELNYX_CONNECTION_ID"):
        Client("AC1", "token", environment={"PATH": ""}).fax.faxes.list()


def test_settings_win_over_the_environment():
    """What is passed is used, what it leaves out is read from the environment."""
    environ = {
        "TELNYX_API_KEY": "KEYenviron",
        "TELNYX_CONNECTION_ID": "1",
        "TELNYX_BASE_URL": "https://api.telnyx.eu/v2/",
    }
    settings = TelnyxSettings(api_key="KEYpassed", connection_id=2).completed(environ)

    assert (
        settings.api_key,
        settings.connection_id,
        settings.base_url,
    ) == ("KEYpassed", "2", "https://api.telnyx.eu/v2")
    plain = TelnyxSettings(api_key="KEY", connection_id="1").completed({})
    assert plain.base_url == "https://api.telnyx.com/v2"


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": "KEY with space"},
        {"api_key": "KEY\n"},
        {"api_key": "KEYé"},
        {"connection_id": "1 2"},
        {"base_url": "api.telnyx.com/v2"},
        {"base_url": "ftp://api.telnyx.com"},
        {"base_url": "https://user:secret@api.telnyx.com/v2"},
        {"base_url": "https://api.telnyx.com"},
        {"base_url": "https://api.telnyx.com/"},
        {"base_url": "https://api.telnyx.com/v2?x=1"},
        {"base_url": "https://api.telnyx.com:x/v2"},
        {"base_url": "https://api.telnyx.com/v 2"},
        {"base_url": 5},
        {"api_key": b"KEY1secret"},
        {"public_key": 5},
        {"timeout": "60"},
        {"timeout": None},
        {"timeout": True},
        {"timeout": 0},
        {"connect_timeout": -1},
        {"connect_timeout": float("inf")},
        {"connect_timeout": float("nan")},
        {"retry": {"attempts": 3}},
        {"unsupported": "ignore"},
        {"unsupported": {"tll": "warn"}},
        {"unsupported": {"ttl": "shout"}},
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings):
    """A wrong setting is an error where it is made, and a secret is not repeated."""
    with pytest.raises(TwilioException) as caught:
        TelnyxSettings(**settings)

    assert next(iter(settings)) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "KEY with" not in str(caught.value)


def test_telnyx_must_be_settings():
    """A dictionary in the place of TelnyxSettings is named at the first fax call."""
    client = Client("AC1", "token", telnyx={"api_key": "KEYsecret"})
    with pytest.raises(TwilioException, match="TelnyxSettings") as caught:
        send(client)

    assert "secret" not in str(caught.value)


def test_a_base_url_may_be_a_url_object():
    """What has a text is taken as its text."""
    url = httpx.URL("https://api.telnyx.eu/v2/")

    assert TelnyxSettings(base_url=url).base_url == "https://api.telnyx.eu/v2"


def test_a_url_of_the_fax_api_may_be_any_text(client):
    """`request` takes bytes and URL objects."""
    for url in (b"https://fax.twilio.com/v1/Faxes", httpx.URL("https://fax.twilio.com/v1/Faxes")):
        assert client.request("GET", url).status_code == 200


@pytest.mark.parametrize(
    "limits",
    [{"attempts": 0}, {"backoff": -1}, {"lookups": (-1,)}, {"resends": -1}, {"budget": -0.1}],
)
def test_limits_that_cannot_be_right_are_refused(limits):
    """A negative pause or no attempt at all is an error where it is made."""
    with pytest.raises(ValueError, match=next(iter(limits))):
        RetryPolicy(**limits)


def test_settings_do_not_show_the_key():
    """A repr may end in a log."""
    assert "KEYsecret" not in repr(TelnyxSettings(api_key="KEYsecret"))


def test_fax_is_a_property_of_the_class(client, monkeypatch):
    """Suites patch ``Client.fax``, and the domain is made once."""
    assert isinstance(Client.fax, property)
    assert client.fax is client.fax
    assert isinstance(client.fax, Fax)
    monkeypatch.setattr(Client, "fax", property(lambda _self: "patched"))
    assert client.fax == "patched"


def test_a_domain_can_be_made_by_hand(client):
    """``Fax(client)`` works as ``client.fax`` does."""
    assert send(client).sid == Fax(client).faxes.list()[0].sid


@pytest.mark.parametrize(
    ("edge", "region", "host"),
    [
        (None, None, "fax.twilio.com"),
        ("dublin", None, "fax.dublin.us1.twilio.com"),
        (None, "ie1", "fax.ie1.twilio.com"),
        ("dublin", "ie1", "fax.dublin.ie1.twilio.com"),
    ],
)
def test_hosts_of_edges_and_regions(telnyx, edge, region, host):
    """A client with an edge or region names its host as Twilio's, and faxes go to Telnyx."""
    client = make_client(telnyx)
    client.edge, client.region = edge, region

    assert client.get_hostname("https://fax.twilio.com/v1/Faxes") == f"https://{host}/v1/Faxes"
    assert client.request("GET", f"https://{host}/v1/Faxes").status_code == 200


def test_two_accounts_side_by_side(telnyx):
    """Clients share connections and nothing else."""
    one = make_client(telnyx)
    other = make_client(telnyx, connection_id="7")

    assert send(one).account_sid == ACCOUNT
    with pytest.raises(TwilioRestException, match="85004"):
        send(other)


@pytest.mark.skipif(twilio is not None, reason="twilio is installed here")
def test_other_products_say_what_to_install():
    """Without the twilio package the error says what to do."""
    client = Client("AC1", "token")
    with pytest.raises(AttributeError, match=r"client\.messages: .*pip install twilio"):
        _ = client.messages

    assert not hasattr(client, "messages")
    with pytest.raises(TwilioException, match="pip install twilio"):
        client.request("GET", "https://api.twilio.com/2010-04-01")


class Recording:
    """A Twilio-style HTTP client that answers everything with an empty page of messages."""

    def __init__(self):
        self.calls = []

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **_options):
        self.calls.append((method, url, params, data, auth))
        from twilio.http.response import Response

        if method == "GET":
            return Response(200, '{"messages": [], "meta": {"key": "messages"}}', {})
        return Response(201, '{"sid": "SM1"}', {})


@pytest.mark.skipif(twilio is None, reason="needs twilio: pip install twilio")
def test_other_products_are_twilios_own():
    """SMS goes through the installed package with the same arguments and HTTP client."""
    http_client = Recording()
    client = Client("AC1", "token", http_client=http_client, region="ie1", edge="dublin")

    client.messages.create(to="+15005550009", from_="+15005550006", body="hello")
    method, url, _params, data, auth = http_client.calls[0]
    assert (method, url) == (
        "POST",
        "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
    )
    assert (data["Body"], auth) == ("hello", ("AC1", "token"))
    assert type(client.messages).__module__.startswith("twilio.")
    assert client.messages.list() == []
    assert client.api.account.messages is not None


@pytest.mark.skipif(twilio is None, reason="needs twilio: pip install twilio")
def test_a_new_http_client_serves_all_products():
    """Setting ``client.http_client`` takes effect everywhere, as with Twilio's client."""
    client = Client("AC1", "token", environment={"PATH": ""})
    _ = client.messages
    http_client = client.http_client = Recording()
    client.messages.list()
    with pytest.raises(AttributeError, match="no_such_product"):
        _ = client.no_such_product

    assert len(http_client.calls) == 1
    assert client.http_client is http_client


@pytest.mark.skipif(twilio is None, reason="needs twilio: pip install twilio")
def test_exceptions_are_the_installed_packages():
    """``except twilio.base.exceptions.TwilioRestException`` catches ours."""
    from twilio.base import exceptions

    assert exceptions.TwilioRestException is TwilioRestException
    assert exceptions.TwilioException is TwilioException


def test_the_default_http_client_has_twilios_shape():
    """Without one of its own a client has an HTTP client that can be asked and set."""
    client = Client("AC1", "token")

    assert isinstance(client.http_client, TwilioHttpClient)
    with pytest.raises(ValueError, match="0"):
        TwilioHttpClient(timeout=0)


def test_importing_is_light():
    """Importing the client loads no HTTP library, web framework or crypto, and no flow."""
    code = (
        "import sys; import twilio_fax_compat.rest; "
        "heavy = {'httpx', 'attrs', 'attr', 'starlette', 'uvicorn', 'nacl', 'requests', 'asyncio', "
        "'sqlite3', 'twilio.rest', 'twilio_fax_compat._core.messages'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_sending_loads_nothing_for_receiving(telnyx):
    """The first fax loads httpx and attrs, and neither a framework nor crypto."""
    code = (
        "import sys, os; from twilio_fax_compat.rest import Client; "
        "Client('AC1', 'token').fax.faxes.list(); "
        "heavy = {'starlette', 'uvicorn', 'nacl', 'cryptography', 'sqlite3', 'psycopg', "
        "'twilio.rest', 'twilio_fax_compat.testing'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**telnyx.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.strip() == "[]"


@needs_751
def test_the_client_takes_twilios_arguments():
    """The constructor begins with all of Twilio's parameters, and ``request`` has the same."""
    from twilio.rest import Client as TwilioClient

    theirs = list(inspect.signature(TwilioClient.__init__).parameters)
    ours = list(inspect.signature(Client.__init__).parameters)

    assert theirs == ours[: len(theirs)]
    assert [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(TwilioClient.request).parameters.values()
    ] == [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(Client.request).parameters.values()
    ]


def test_the_order_of_the_arguments():
    """Programs pass arguments by position, so their order is part of the interface."""
    names = (
        "username password account_sid region http_client environment edge user_agent_extensions "
        "credential_provider telnyx ledger media_host legacy rollout"
    )
    assert names.split() == list(inspect.signature(Client.__init__).parameters)[1:]


def test_the_client_shows_its_account():
    """As Twilio's does."""
    assert repr(Client("ACx", "y")) == "<Twilio ACx>"
