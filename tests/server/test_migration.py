"""Two providers behind the server: the former one over HTTP, and Telnyx."""

import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest

from tests.fakes.twilio.server import FakeTwilio
from tests.server import serving
from tests.server.serving import FROM, ROOT, TO, environ_of
from twilio_fax_compat.testing import faults

SID, TOKEN = "AC" + "0a" * 16, "0b" * 16


@pytest.fixture(name="twilio")
def _twilio():
    with FakeTwilio(account_sid=SID, auth_token=TOKEN) as twilio:
        yield twilio


@contextlib.contextmanager
def routed(telnyx, twilio, folder, stage, **variables):
    environ = environ_of(telnyx, TWILIO_ACCOUNT_SID=SID, TWILIO_AUTH_TOKEN=TOKEN, **variables)
    options = (
        "--legacy-url",
        twilio.url,
        "--rollout",
        stage,
        "--ledger",
        f"sqlite:///{folder}/fax.db",
    )
    with serving.serving(folder, environ, *options) as server:
        yield server


def ask(server, method, path, fields=None):
    return serving.request(server.url, method, path, fields, user=SID, password=TOKEN)


def create(server, name="fax", **fields):
    form = {"To": TO, "From": FROM, "MediaUrl": f"https://www.example.com/{name}.pdf", **fields}
    return ask(server, "POST", "/v1/Faxes", form)


def sids_of(server, size):
    url, sids = f"{server.url}/v1/Faxes?PageSize={size}", []
    while url:
        assert url.startswith(server.url + "/v1/Faxes?")
        status, _, page = ask(server, "GET", url[len(server.url) :])
        assert status == 200, page
        sids += [fax["sid"] for fax in page["faxes"]]
        url = page["meta"]["next_page_url"]
    return sids


def test_each_stage_sends_through_its_provider(telnyx, twilio, tmp_path):
    made = {}
    for stage, legacy, own in (("off", 1, 0), ("shadow", 2, 0), ("on", 2, 1)):
        with routed(telnyx, twilio, tmp_path, stage) as server:
            status, _, fax = create(server, stage)
            assert status == 201, fax
            assert (len(twilio.faxes), len(telnyx.faxes)) == (legacy, own)
            made[fax["sid"]] = stage
            assert fax["url"] == f"{server.url}/v1/Faxes/{fax['sid']}"
            for sid in made:
                status, _, found = ask(server, "GET", f"/v1/Faxes/{sid}")
                assert (status, found["sid"]) == (200, sid)
                assert found["links"]["media"] == f"{server.url}/v1/Faxes/{sid}/Media"
            assert sorted(sids_of(server, 1)) == sorted(made)
            assert sorted(sids_of(server, 50)) == sorted(made)
    with routed(telnyx, twilio, tmp_path, "complete") as server:
        assert sids_of(server, 50) == [sid for sid, stage in made.items() if stage == "on"]


def test_a_request_goes_to_the_former_provider_as_it_came(telnyx, twilio, tmp_path):
    with routed(telnyx, twilio, tmp_path, "off") as server:
        _, _, fax = create(
            server, StatusCallback="https://app.example.com/status", Quality="superfine"
        )
        assert fax["quality"] == "superfine"
        path = f"/v1/Faxes/{fax['sid']}"
        assert ask(server, "GET", path + "/Media")[0] == 200
        assert ask(server, "POST", path, {"Status": "canceled"})[0] in (200, 400)
        assert ask(server, "DELETE", path)[0] == 204
        status, _, payload = ask(server, "GET", path)
        assert (status, payload["code"]) == (404, 20404)
        status, _, payload = create(server, To="")
        assert (status, payload["code"]) == (400, 21201)


def test_the_former_provider_may_be_the_only_one(telnyx, twilio, tmp_path):
    no_telnyx = dict.fromkeys(telnyx.environ, "")
    with routed(telnyx, twilio, tmp_path, "off", **no_telnyx) as server:
        status, _, fax = create(server)
        assert (status, len(twilio.faxes)) == (201, 1)
        assert sids_of(server, 1) == [fax["sid"]]


def test_a_5xx_of_the_former_provider_is_409_because_clients_repeat(telnyx, twilio, tmp_path):
    with routed(telnyx, twilio, tmp_path, "off") as server:
        twilio.inject_failure(drop="after", method="POST")
        status, _, payload = create(server)
        assert (status, payload["code"], len(twilio.faxes)) == (409, 20409, 1)
        assert payload["details"]["may_have_been_sent"] is True


def test_a_page_url_leads_to_the_former_provider_alone(telnyx, twilio, tmp_path):
    with routed(telnyx, twilio, tmp_path, "off") as server:
        for url, status in (
            ("http://127.0.0.1:1/v1/Faxes?PageSize=1", 200),
            (f"{twilio.url}/2010-04-01/Accounts.json", 400),
            (f"{twilio.url}/v1/Faxes/../../2010-04-01/Accounts.json", 400),
            ("http://[/v1/Faxes", 400),
        ):
            path = "/v1/Faxes?" + serving.urlencode({"NextPageUrl": url})
            assert ask(server, "GET", path)[0] == status, url


def test_one_provider_that_is_slow_does_not_stop_the_server(telnyx, twilio, tmp_path):
    with routed(telnyx, twilio, tmp_path, "on") as server:
        telnyx.inject(faults.delay(1.0), times=1, method="POST")
        sender = threading.Thread(target=create, args=(server,))
        sender.start()
        assert ask(server, "GET", "/healthz")[0] == 200
        assert ask(server, "GET", "/v1/Faxes")[0] == 200
        sender.join()


def test_status_counts_what_the_server_sent(telnyx, twilio, tmp_path):
    with routed(telnyx, twilio, tmp_path, "off") as server:
        create(server, "a")
    with routed(telnyx, twilio, tmp_path, "on") as server:
        create(server, "b")
        create(server, "c")
    done = subprocess.run(
        [sys.executable, "-m", "twilio_fax_compat", "migration", "status", "--json"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TWILIO_FAX_COMPAT_LEDGER": f"sqlite:///{tmp_path}/fax.db",
        },
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    providers = json.loads(done.stdout)["providers"]
    assert {name: providers[name]["sends"] for name in providers} == {"legacy": 1, "telnyx": 2}
