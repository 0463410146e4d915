"""``twilio-fax-compat serve``."""

import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request

import pytest

from tests.helpers import wait_until
from tests.server.serving import ACCOUNT, ROOT, TOKEN, config_text, environ_of, serving

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "twilio_fax_compat", "serve"]


def refused(environ, *options):
    """Return what a server says that does not start."""
    done = subprocess.run(
        [*COMMAND, *options], env=environ, capture_output=True, timeout=30, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_of_the_readme_send_a_fax(tmp_path):
    """On a machine without settings, as they stand but for the port."""
    (block,) = re.findall(
        r"```sh\n(pip install 'twilio-fax-compat\[server\]'.*?)```", README, re.DOTALL
    )
    _, serve, curl = block.replace("\\\n", " ").strip().splitlines()
    words = shlex.split(serve.rstrip(" &"))
    assert words[:2] == ["twilio-fax-compat", "serve"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with serving(tmp_path, environ, *words[2:], "--port", "0") as server:
        command = shlex.split(curl.replace("http://127.0.0.1:8080", server.url))
        fax = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert fax["status"] == "queued", fax
        user = command[command.index("-u") + 1].split(":")
        path = f"/v1/Faxes/{fax['sid']}"
        assert server.request("GET", path, None, *user)[2]["sid"] == fax["sid"]


def test_outcomes_of_the_emulator(tmp_path):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    options = "--emulator", "--outcome", "+15005550001=user_busy"
    with serving(tmp_path, environ, *options) as server:
        user = "AC" + "0" * 32, "token"
        form = {"To": "+15005550001", "From": "+15005550006", "MediaUrl": "https://a.example/b"}
        _, _, fax = server.request("POST", "/v1/Faxes", form, *user)
        path = f"/v1/Faxes/{fax['sid']}"
        wait_until(lambda: server.request("GET", path, None, *user)[2]["status"] == "busy")


def test_wrong_settings_are_one_line(emulator, tmp_path):
    environ = environ_of(emulator)
    (tmp_path / "faxes.toml").write_text("[[accounts]]\nsid = 3\n")
    assert "faxes.toml, line 2: sid" in refused(environ, "--config", str(tmp_path / "faxes.toml"))
    assert "TWILIO_AUTH_TOKEN" in refused({**environ, "TWILIO_AUTH_TOKEN": ""})
    assert "ledger" in refused(environ, "--ledger", "mysql://x")
    assert "public_url" in refused(environ, "--public-url", "fax.example.com")
    assert "legacy_url" in refused(environ, "--legacy-url", "x")
    assert "rollout" in refused(environ, "--rollout", "half", "--legacy-url", "http://127.0.0.1:1")
    assert "--emulator" in refused(environ, "--outcome", "+15005550001=busy")
    assert "--outcome" in refused(environ, "--emulator", "--outcome", "+15005550001=tired")
    assert "--outcome" in refused(environ, "--emulator", "--outcome", "tired")
    assert "ssl" in refused(environ, "--ssl-certfile", "x")
    assert "ssl" in refused(environ, "--ssl-certfile", "x", "--ssl-keyfile", "y")
    assert "trusted_proxies" in refused(environ, "--trust-proxy", "proxy")
    assert "cannot listen" in refused(environ, "--host", "203.0.113.1")


def test_the_port_may_be_taken(emulator, tmp_path):
    with serving(tmp_path, environ_of(emulator)) as server:
        port = server.url.rpartition(":")[2]
        assert "cannot listen" in refused(environ_of(emulator), "--port", port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_server(emulator, tmp_path, number):
    with serving(tmp_path, environ_of(emulator)) as server:
        server.process.send_signal(number)
        assert server.process.wait(20) == 0


def test_log_lines_as_json(telnyx, tmp_path):
    with serving(tmp_path, environ_of(telnyx), "--log-format", "json") as server:
        server.create(Ttl="5")
        server.create(to="+15005550001x")
    lines = [json.loads(line) for line in server.log_text().splitlines()]
    requests = [line for line in lines if line["logger"].endswith("requests")]
    assert [(line["status"], line.get("code")) for line in requests] == [(201, None), (400, 21211)]
    assert requests[0]["sid"].startswith("FX")
    assert requests[0]["route"] == "/Faxes"
    assert any("ttl" in line["message"] for line in lines), "what was left out is said"
    assert "5005550" not in server.log_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls(telnyx, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = "--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)
    with serving(tmp_path, environ_of(telnyx), *options) as server:
        assert server.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(server.url + "/healthz", context=context) as answer:
            assert json.load(answer) == {"status": "ok"}


def test_several_accounts_in_a_file(telnyx, tmp_path):
    (tmp_path / "faxes.toml").write_text(config_text(telnyx))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with serving(tmp_path, environ, "--config", str(tmp_path / "faxes.toml")) as server:
        assert server.request("GET", "/v1/Faxes", user=ACCOUNT, password=TOKEN)[0] == 200


def test_the_help_has_an_example():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, check=True, text=True)
    assert "twilio-fax-compat serve --emulator" in done.stdout
