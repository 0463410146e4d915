"""Settings from the environment and from a file; a mistake is an error that names the line."""

import pytest

from tests.server.serving import ACCOUNT, KEY, OTHER, TOKEN
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import Account
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.server.config_file import read_config
from twilio_fax_compat.server.environment import config_of
from twilio_fax_compat.settings import TelnyxSettings

ENVIRON = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TELNYX_API_KEY": "KEY_of_telnyx",
    "TELNYX_CONNECTION_ID": "17",
}
ONE = f"""\
[[accounts]]
sid = "{ACCOUNT}"
auth_token = "the token"
telnyx_api_key = "KEY_of_telnyx"
telnyx_connection_id = "17"
"""
WHOLE = f"""\
# the server
public_url = "https://fax.example.com/"
ledger = "sqlite:////var/lib/fax.db"
trusted_proxies = ["10.0.0.0/8"]
private_callbacks = false
max_body = 1000
read_timeout = 2.5

{ONE}api_keys = {{ {KEY} = "the secret" }}
callback_hosts = ["App.example.com", "*.example.org"]
unsupported = {{ ttl = "ignore" }}
retry = {{ budget = 9.0 }}

[accounts.incoming_urls]
"+14155550100" = "https://app.example.com/fax/received"
"*" = "https://app.example.com/other"

[[accounts]]
sid = "{OTHER}"
auth_token = "another token"
telnyx_api_key = "KEY_of_another"
telnyx_connection_id = "18"
telnyx_public_key = "abc="
"""


def read(tmp_path, text, environ=()):
    path = tmp_path / "faxes.toml"
    path.write_text(text)
    return read_config(str(path), dict(environ))


def test_one_account_from_the_environment():
    config = config_of({**ENVIRON, "TWILIO_FAX_COMPAT_INCOMING_URL": "https://a.example/b?c=d"})
    (account,) = config.accounts
    assert (account.sid, account.auth_token) == (ACCOUNT, TOKEN)
    assert account.telnyx.connection_id == "17"
    assert account.incoming_url("+14155550100") == "https://a.example/b?c=d"
    assert account.telnyx.retry.budget < 30, "twilio-node waits 30 s"


@pytest.mark.parametrize("name", ENVIRON)
def test_a_missing_variable_is_named(name):
    with pytest.raises(TwilioException, match=name):
        config_of({**ENVIRON, name: ""})


def test_beside_a_former_provider_telnyx_may_be_missing():
    environ = {name: value for name, value in ENVIRON.items() if name.startswith("TWILIO")}
    config = config_of({**environ, "TWILIO_FAX_COMPAT_LEGACY_URL": "https://fax.twilio.com/v1/"})
    assert config.legacy_url == "https://fax.twilio.com"
    assert not config.accounts[0].has_telnyx


def test_a_whole_file(tmp_path):
    config = read(tmp_path, WHOLE)
    one, two = config.accounts
    assert config.public_url == "https://fax.example.com"
    assert (config.max_body, config.read_timeout) == (1000, 2.5)
    assert one.api_keys == {KEY: "the secret"}
    assert one.callback_hosts == ("app.example.com", "*.example.org")
    assert one.incoming_url("+14155550100") == "https://app.example.com/fax/received"
    assert one.incoming_url("+14155550101") == "https://app.example.com/other"
    assert one.telnyx.unsupported["ttl"] == "ignore"
    assert one.telnyx.retry.budget == 9.0
    assert (two.sid, two.telnyx.api_key) == (OTHER, "KEY_of_another")
    assert two.incoming_url("+14155550100") is None


def test_no_secret_is_in_a_repr(tmp_path):
    text = repr(read(tmp_path, WHOLE)) + repr(config_of(ENVIRON))
    for secret in ("the token", "the secret", "another token", "KEY_of", TOKEN, "4155550100"):
        assert secret not in text


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = [", None, "line 1"),
        ("", None, "at least one account"),
        ("nothing = 1\n" + ONE, 1, "nothing is not a setting"),
        ("\n\npublic_url = 'ftp://x'\n" + ONE, 3, "public_url"),
        ("public_url = 3\n" + ONE, 1, "public_url must be a text"),
        ("max_body = true\n" + ONE, 1, "max_body must be a number"),
        ("max_body = 0\n" + ONE, 1, "max_body must be a number above 0"),
        ("accounts = [1]\n", 1, r"\[\[accounts\]\]"),
        (ONE.replace(ACCOUNT, "AC1"), 2, "sid"),
        (ONE.replace('"the token"', '""'), 1, "auth_token is missing"),
        (ONE.replace('"the token"', '" x "'), 3, "auth_token"),
        (ONE.replace("KEY_of_telnyx", "KEY of"), 4, "api_key"),
        (ONE + 'incoming_urls = { "4155559999" = "https://a" }\n', 6, "E.164"),
        (ONE + '[accounts.incoming_urls]\n"+14155550100" = "a"\n', 6, "URL"),
        (ONE + 'callback_hosts = ["https://a"]\n', 6, "host names"),
        (ONE + 'api_keys = { AC1 = "x" }\n', 6, "API keys"),
        (ONE + 'unsupported = { fax = "ignore" }\n', 6, "unsupported"),
        (ONE + "retry = { budget = -1.0 }\n", 6, "retry"),
        (ONE + "retry = { wait = 1 }\n", 6, "retry"),
        (ONE + 'token = "x"\n', 6, "token is not a setting"),
        (ONE + "\n" + ONE, None, "configured twice"),
        (ONE.replace('telnyx_api_key = "KEY_of_telnyx"\n', ""), None, "telnyx_api_key"),
    ],
    ids=range(22),
)
def test_a_mistake_names_its_line(tmp_path, text, line, message):
    with pytest.raises(TwilioException, match=message) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(str(tmp_path / "faxes.toml"))
    if line is not None:
        assert f"faxes.toml, line {line}: " in said
    for secret in ("the token", "KEY_of_telnyx", "4155559999"):
        assert secret not in said


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TwilioException, match="cannot be read"):
        read_config(str(tmp_path / "nothing.toml"), {})


@pytest.mark.parametrize(
    "values",
    [
        {"sid": "x"},
        {"auth_token": ""},
        {"api_keys": {"x": "y"}},
        {"incoming_urls": {"1": "https://a"}},
        {"incoming_method": "PUT"},
        {"callback_hosts": ["a/b"]},
    ],
    ids=str,
)
def test_wrong_accounts(values):
    telnyx = TelnyxSettings(api_key="KEY1", connection_id="1")
    given = {"sid": ACCOUNT, "auth_token": TOKEN, "telnyx": telnyx, **values}
    with pytest.raises(TwilioException, match=next(iter(values))):
        Account(**given)


def test_a_server_needs_an_account():
    with pytest.raises(TwilioException, match="account"):
        ServerConfig(accounts=[])
