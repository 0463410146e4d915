"""``/healthz``, ``/readyz``, ``/metrics``, and requests that never end."""

import re
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.server.serving import ACCOUNT, TOKEN, basic, config_text, environ_of, serving
from twilio_fax_compat.testing import faults


def connect(server):
    parts = urlsplit(server.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def test_healthz_and_readyz(server, telnyx):
    assert server.request("GET", "/healthz", user=None)[::2] == (200, {"status": "ok"})
    status, _, payload = server.request("GET", "/readyz", user=None)
    assert (status, payload["ledger"]) == (200, "ok")
    assert set(payload["telnyx"].values()) == {"ok"}


def test_readyz_says_what_cannot_be_reached(telnyx, tmp_path):
    environ = environ_of(telnyx, TELNYX_BASE_URL="http://127.0.0.1:9/v2")
    with serving(tmp_path, environ) as server:
        status, _, payload = server.request("GET", "/readyz", user=None)
        assert (status, payload["status"], payload["code"]) == (503, 503, 20503)
        assert "Connect" in payload["details"]["telnyx"][ACCOUNT]
        assert server.request("GET", "/healthz", user=None)[0] == 200
    environ = environ_of(telnyx, TELNYX_API_KEY="KEY_that_is_wrong")
    with serving(tmp_path, environ) as server:
        _, _, payload = server.request("GET", "/readyz", user=None)
        assert "401" in payload["details"]["telnyx"][ACCOUNT]


def test_metrics(server, telnyx):
    pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")
    before = metrics(server)
    server.create()
    server.request("GET", "/v1/Faxes/FX1")
    after = metrics(server)
    created = 'requests_total{method="POST",route="/Faxes",status="201"}'
    missing = 'requests_total{method="GET",route="other",status="404"}'
    assert after[created] == before.get(created, 0) + 1
    assert after['faxes_total{status="queued"}'] >= 1
    assert after["callbacks_waiting"] == 0
    assert after['telnyx_seconds_count{method="POST",status="202"}'] >= 1
    assert missing not in after or after[missing] >= 0
    assert not re.search(r"\+?1500555", "".join(after))


def metrics(server):
    status, headers, text = server.request("GET", "/metrics", user=None)
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return {
        name[len("twilio_fax_compat_") :]: float(value)
        for name, value in re.findall(
            r"^(twilio_fax_compat_\S+) (\S+)$", text.decode(), re.MULTILINE
        )
    }


def test_a_slow_telnyx_stops_nobody_else(server, telnyx):
    telnyx.inject(faults.delay(1.5), times=40, method="POST")
    threads = [threading.Thread(target=server.create, args=(f"slow-{n}",)) for n in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    assert server.request("GET", "/healthz", user=None)[0] == 200
    assert server.request("GET", "/v1/Faxes")[0] == 200
    assert any(thread.is_alive() for thread in threads), "they were answered after the others"
    for thread in threads:
        thread.join()
    assert len(telnyx.faxes) == 40


def test_requests_that_never_end_are_closed(telnyx, tmp_path):
    (tmp_path / "faxes.toml").write_text(config_text(telnyx, read_timeout=0.5))
    options = "--config", str(tmp_path / "faxes.toml")
    with serving(tmp_path, environ_of(telnyx), *options) as server:
        slow = [connect(server) for _ in range(20)]
        head = f"POST /v1/Faxes HTTP/1.1\r\nHost: a\r\nAuthorization: {basic(ACCOUNT, TOKEN)}\r\n"
        for connection in slow[:10]:
            connection.sendall(head.encode())
        for connection in slow[10:]:
            connection.sendall((head + "Content-Length: 50\r\n\r\nTo=").encode())
        assert server.create()[0] == 201
        for connection in slow[10:]:
            assert b" 408 " in connection.recv(1000)
        for connection in slow:
            connection.close()
        assert server.create()[0] == 201
    assert len(telnyx.faxes) == 2


@pytest.mark.slow
def test_headers_that_never_end_are_closed(server, telnyx):
    with connect(server) as begun, connect(server) as idle:
        begun.sendall(b"GET /v1/Faxes HTTP/1.1\r\nHost: a\r\n")
        assert b" 408 " in begun.recv(1000)
        assert idle.recv(1000) == b""
