"""What MIGRATION.md says about deployment, as far as a test can try it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from tests.helpers import wait_until
from tests.server import soak
from tests.server.serving import ROOT, environ_of, request, serving

GUIDE = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def block(language):
    (text,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return text


@contextlib.contextmanager
def nginx(folder, target):
    """Run nginx with the guide's lines, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = block("nginx").replace("http://127.0.0.1:8080", target)
    places = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user}pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}server {{\nlisten 127.0.0.1:{port};\n{lines}}}\n}}\n"
    )
    command = [NGINX, "-p", str(folder), "-c", str(config), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_behind_nginx(telnyx, tmp_path):
    with serving(tmp_path, environ_of(telnyx)) as server, nginx(tmp_path, server.url) as url:
        form = {"To": "+15005550009", "From": "+15005550006", "MediaUrl": "https://a.example/b"}
        status, _, fax = request(url, "POST", "/v1/Faxes", form)
        assert (status, fax["url"]) == (201, f"{url}/v1/Faxes/{fax['sid']}")
        assert request(url, "GET", "/v1/Faxes", headers={"Connection": "close"})[0] == 200
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, payload = request(url, "POST", "/v1/Faxes", headers=headers, body=b"a" * 300_000)
        assert (status, payload["status"]) == (413, 413)
        server.process.kill()
        server.process.wait()
        status, _, payload = request(url, "GET", "/v1/Faxes")
        assert (status, payload["status"], payload["code"]) == (503, 503, 20503)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_systemd_unit(tmp_path):
    unit = tmp_path / "fax.service"
    unit.write_text(block("ini").replace("/opt/fax/bin/twilio-fax-compat", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_file_of_the_guide(tmp_path):
    from twilio_fax_compat.server.config_file import read_config

    path = tmp_path / "faxes.toml"
    path.write_text(block("toml").replace('"..."', '"value"').replace("KEY...", "KEY1"))
    (account,) = read_config(str(path), {}).accounts
    assert account.incoming_url("+14155550100") == "https://app.example.com/fax/received"


def test_under_gunicorn(tmp_path, telnyx):
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    with soak.gunicorn(tmp_path, telnyx, f"sqlite:///{tmp_path}/fax.db", workers=2) as server:
        assert len(soak.workers_of(server)) == 2
        assert server.create()[0] == 201
        assert server.request("GET", "/readyz")[2]["status"] == "ok"
        status, headers, _ = server.request("GET", "/v1/Faxes", headers={"Connection": "close"})
        assert (status, headers["Connection"]) == (200, "close")
