"""``doctor --webhook FILE``: a webhook as a server received it shows whether the public key is the account's."""

import json
import socket
import threading
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from tests.helpers import ACCOUNT, FROM, MEDIA_URL, TO, make_client
from tests.webhooks.apps import TOKEN
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.doctor.recorded_webhook import RecordedWebhook, read_webhook
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(name="recorded", scope="module")
def _recorded():
    """Return the bytes of a webhook that a server read from its socket, and the public key for it."""
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def receive():
            connection, _ = listener.accept()
            with connection:
                data = b""
                while True:
                    data += connection.recv(65536)
                    head, found, body = data.partition(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length:")[2].split()[0])
                    if found and len(body) == length:
                        break
                received.append(data)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

        thread = threading.Thread(target=receive)
        thread.start()
        url = "http://127.0.0.1:{}/fax".format(listener.getsockname()[1])
        with TelnyxEmulator(webhook_url=url) as telnyx:
            make_client(telnyx).fax.faxes.create(TO, MEDIA_URL, from_=FROM)
            thread.join(20)
            yield received[0], telnyx.public_key


@pytest.fixture(name="look")
def _look(monkeypatch, tmp_path, capsys):
    """Return a function that examines a file: the status of the check, and all that was printed."""
    for name in ("TELNYX_API_KEY", "TELNYX_CONNECTION_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)

    def look(data, public_key):
        monkeypatch.setenv("TELNYX_PUBLIC_KEY", public_key)
        path = tmp_path / "webhook"
        if data is not None:
            path.write_bytes(data)
        main(["doctor", "--json", "--webhook", str(path)])
        text = capsys.readouterr().out
        (check,) = [one for one in json.loads(text)["checks"] if one["name"] == "recorded webhook"]
        assert TO not in text
        return check["status"], check["saw"]

    return look


def as_json(data):
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return json.dumps({"headers": headers, "body": body.decode()}).encode()


WAYS = {
    "as received": lambda data: data,
    "without the request line": lambda data: data.partition(b"\r\n")[2],
    "saved by an editor": lambda data: data.replace(b"\r\n", b"\n") + b"\n",
    "json": as_json,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_accounts_key_verifies_it(recorded, look, way):
    """However it was saved, and however old it is."""
    data, public_key = recorded
    status, saw = look(WAYS[way](data), public_key)

    assert status == "ok"
    assert saw.startswith("TELNYX_PUBLIC_KEY verifies the webhook of 20")


def test_one_of_several_keys_is_enough(recorded, look):
    """While a key is replaced."""
    data, public_key = recorded
    other = b64encode(bytes(SigningKey.generate().verify_key)).decode()

    assert look(data, f"{other},{public_key}")[0] == "ok"


@pytest.mark.parametrize(
    ("change", "saw"),
    [
        (lambda data: data.replace(b"queued", b"failed"), "wrong signature"),
        (lambda data: data.replace(b"telnyx-signature", b"x-signature"), "signature missing"),
        (
            lambda data: data.replace(b"telnyx-timestamp: 1", b"telnyx-timestamp: x1"),
            "timestamp missing",
        ),
        (lambda data: data.partition(b"\r\n\r\n")[0], "no empty line"),
        (lambda _data: b"POST / HTTP/1.1\nnonsense\n\n{}", "line 2 is not a header"),
        (lambda _data: b'{"data": {"id": "1"}}', "has no headers"),
        (lambda _data: b'{"headers": {}, "body": {}}', "not a text"),
        (lambda _data: b"{nonsense", "is not JSON"),
        (lambda _data: b"", "no empty line"),
        (lambda _data: None, "No such file"),
    ],
)
def test_what_is_wrong_with_a_file(recorded, look, change, saw):
    """The finding names the file and says what is missing."""
    data, public_key = recorded
    status, seen = look(change(data), public_key)

    assert status == "failed"
    assert saw in seen
    assert "webhook: " in seen


def test_a_key_of_another_account(recorded, look):
    """It has 32 bytes, and verifies nothing."""
    other = b64encode(bytes(SigningKey.generate().verify_key)).decode()
    status, saw = look(recorded[0], other)

    assert status == "failed"
    assert "is TELNYX_PUBLIC_KEY the public key of this Telnyx account?" in saw


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_file_is_read_or_refused(data):
    """Nothing is raised, whatever it holds."""
    assert isinstance(read_webhook(data), (RecordedWebhook, str))
    assert isinstance(read_webhook(b"{" + data), (RecordedWebhook, str))
