"""
Record a suite's cassettes again: ``python -m tests.fakes.twilio.record FOLDER``.

The fake speaks TLS under Twilio's name, so vcrpy writes what it would have written for Twilio.
Cassettes of those years keep compressed bodies, which needs ``vcrpy<6`` and ``urllib3<2``.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator
from unittest import mock

import pytest

from tests.fakes.twilio.server import FakeTwilio

NAME = "fax.twilio.com"
NOON = datetime(2021, 3, 4, 12, tzinfo=timezone.utc)
NUMBER, BUSY = "+15005550006", "+15005550001"


# Each module with its options of pytest. With options, the answers are compressed.
PARTS = {
    "tests/test_outbox.py": (),
    "tests/test_archive.py": ("--record-mode=rewrite",),
}


def main(folder: str) -> int:
    os.chdir(folder)
    for old in Path("tests", "fixtures").glob("*"):
        old.unlink()
    statuses = []
    with tempfile.TemporaryDirectory() as keys:
        certificate, key = certify(keys)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        for part, options in PARTS.items():
            with recording(tls, certificate, compresses=bool(options)):
                statuses.append(pytest.main([part, "-q", "-o", "addopts=", *options]))
    return max(statuses)


@contextlib.contextmanager
def recording(tls: ssl.SSLContext, certificate: str, compresses: bool) -> Iterator[None]:
    """Send this process's connections to Twilio to the fake."""
    from requests.adapters import HTTPAdapter
    from urllib3.util import connection

    with FakeTwilio(
        now=NOON,
        tick=1,
        steps_on_fetch=True,
        outcomes={BUSY: "busy"},
        media_origin="https://media.twiliocdn.com",
        compresses=compresses,
        tls=tls,
    ) as twilio:
        for pages, sender in enumerate(("+15005550007", "+15005550008", "+15005550009"), 1):
            twilio.receive(sender, NUMBER, pages=pages)
        dial, send = connection.create_connection, HTTPAdapter.send

        def dial_there(address, *args, **kwargs):  # type: ignore[no-untyped-def]
            assert address[0] == NAME
            return dial(("127.0.0.1", twilio.port), *args, **kwargs)

        def send_trusting(self, request, **kwargs):  # type: ignore[no-untyped-def]
            return send(self, request, **{**kwargs, "verify": certificate})

        environ = {
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "VCR_RECORD_MODE": "all",
        }
        with mock.patch.dict(os.environ, environ), mock.patch.object(
            connection, "create_connection", dial_there
        ), mock.patch.object(HTTPAdapter, "send", send_trusting), mock.patch(
            "vcr.filters.decode_response", lambda response: response
        ):
            yield


def certify(folder: str) -> tuple[str, str]:
    """Make a certificate for Twilio's name, and return its path and the path of its key."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    files = ["-keyout", key, "-out", certificate, "-subj", f"/CN={NAME}"]
    subprocess.run(
        [*command, *files, "-addext", f"subjectAltName=DNS:{NAME}"], check=True, capture_output=True
    )
    return certificate, key


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
