"""``twilio-fax-compat emulator`` serves a local Telnyx to programs in any language."""

import argparse
import re
import signal
import socket
import subprocess
import sys
from time import monotonic

import httpx
import pytest

from tests.testing.helpers import OTHER, body_of
from twilio_fax_compat.testing import TelnyxEmulator, command


def started(*options):
    return subprocess.Popen(
        [sys.executable, "-m", "twilio_fax_compat", "emulator", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def parsed(*options):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(number):
    """It prints what to export, behaves as its options say, and ends cleanly on either signal."""
    with started(
        "--speed", "5000", "--api-key", "KEY it's", "--outcome", f"{OTHER}=user_busy"
    ) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        script = "".join(lines) + 'printf "%s\\n" "$TELNYX_BASE_URL" "$TELNYX_API_KEY"'
        base_url, key = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        names = {line.split("=")[0] for line in lines}
        connection = next(line for line in lines if "CONNECTION" in line).split("=")[1].strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as http:
            body = {**body_of(TelnyxEmulator()), "connection_id": connection}
            fax = http.post("/faxes", json=body).json()["data"]
            give_up = monotonic() + 10
            while fax["status"] != "failed" and monotonic() < give_up:
                fax = http.get(f"/faxes/{fax['id']}").json()["data"]
        process.send_signal(number)
        assert process.wait(10) == 0
        assert re.fullmatch(r"the page: http:\/\/[^ ]+\n", process.stderr.read())

    assert key == "KEY it's"
    assert fax["failure_reason"] == "user_busy"
    assert names == {f"export {name}" for name in TelnyxEmulator().environ}


def test_a_taken_port_is_told():
    """When it cannot listen it says so, and where, and ends with 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("--port", str(port)) as process:
            assert process.wait(10) == 1
            assert f"127.0.0.1:{port}" in process.stderr.read()


def test_its_options():
    """By default time runs like real time, on loopback."""
    plain = parsed()
    assert (plain.host, plain.port, plain.speed, plain.webhook_url) == ("127.0.0.1", 0, 1.0, None)
    chosen = parsed("--port", "8089", "--webhook-url", "http://x.example/", "--host", "0.0.0.0")
    assert (chosen.port, chosen.webhook_url) == (8089, "http://x.example/")
    assert parsed("--outcome", "+1=user_busy").outcome == [("+1", "user_busy")]


@pytest.mark.parametrize("text", ["+15005550001", "=user_busy", "+15005550001="])
def test_a_bad_outcome_is_refused(text, capsys):
    """An outcome without its number or reason is an error of usage."""
    with pytest.raises(SystemExit):
        parsed("--outcome", text)

    assert "NUMBER=REASON" in capsys.readouterr().err


def test_an_unknown_reason_is_refused(capsys):
    """A reason that Telnyx does not document is an error of usage, with a similar reason."""
    with pytest.raises(SystemExit):
        parsed("--outcome", "+15005550001=users_busy")

    assert "Did you mean user_busy?" in capsys.readouterr().err
