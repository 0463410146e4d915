"""What the end of the migration guide says is true: settings, metrics, key changes, and the application."""

import os
import re
from pathlib import Path
from threading import Thread

import httpx
import pytest
from werkzeug.serving import make_server

from tests.base.libraries import needs_751
from tests.fakes.telnyx import FakeTelnyx, Post
from tests.helpers import ACCOUNT, FROM, TO, fax_id, make_client, send, wait_until
from tests.rest.test_never_twice import QUICK, posts
from tests.webhooks.apps import TOKEN
from tests.webhooks.driving import finish
from tests.webhooks.serving import served
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.metrics import METRICS
from twilio_fax_compat.testing import TelnyxEmulator

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")
SOURCES = [path.read_text(encoding="utf-8") for path in (ROOT / "twilio_fax_compat").rglob("*.py")]
INTERNAL = {"TWILIO_FAX_COMPAT_GUARD"}  # set by a test run for its child processes


def chapter(title):
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_variable_is_in_the_table():
    pattern = re.compile(
        r"\b(?:TWILIO_FAX_COMPAT_[A-Z_]+|TELNYX_(?:API|CONN|BASE|PUBLIC)[A-Z_]+)\b"
    )
    named = {name for source in SOURCES for name in pattern.findall(source)}
    assert len(named) > 8
    missing = named - INTERNAL - set(re.findall(r"`([A-Z_]+)`", chapter("Every setting")))
    assert missing == set()


def test_every_metric_is_in_the_table():
    text = chapter("Running it")
    for name, metric in METRICS.items():
        suffix = "_total" if metric.kind == "counter" else ""
        assert f"`fax_{name}{suffix}`" in text
        assert all(f"`{label}`" in text for label in metric.labels)


def applications():
    """Return the guide's application before and after the change."""
    text = chapter("An application, before and after")
    before = re.search(r"```py\n(.*?)```", text, re.DOTALL).group(1)
    diff = re.search(r"```diff\n(.*?)```", text, re.DOTALL).group(1).splitlines()
    removed = [line[1:] for line in diff if line.startswith("-")]
    imports = [line[1:] for line in diff if line.startswith("+from")]
    wrapped = [line[1:] for line in diff if line.startswith("+app")]
    after = before
    for line in removed:
        assert line in before
        after = after.replace(line + "\n", "")
    after = after.replace("from flask", "\n".join(imports) + "\nfrom flask", 1)
    return before, after.replace("app = Flask(__name__)", "app = Flask(__name__)\n" + wrapped[0], 1)


@pytest.fixture(name="environ")
def _environ(monkeypatch):
    with TelnyxEmulator() as telnyx:
        values = {
            **telnyx.environ,
            "TELNYX_PUBLIC_KEY": telnyx.public_key,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("TWILIO_FAX_COMPAT_LEDGER", raising=False)
        yield telnyx


@needs_751
def test_the_application_before(environ):
    """It is a program for Twilio: it loads with twilio 7.5.1, and has the same routes."""
    before, after = applications()
    names = [{"__name__": "before"}, {"__name__": "after"}]
    for source, namespace in zip((before, after), names):
        exec(source, namespace)
    rules = [{str(rule) for rule in space["app"].url_map.iter_rules()} for space in names]
    assert rules[0] == rules[1]
    assert os.environ["TELNYX_API_KEY"] == environ.environ["TELNYX_API_KEY"]


@pytest.mark.filterwarnings("ignore:status_callback")
def test_the_application_after(environ, caplog):
    """It sends, gets its statuses and receives, with the signatures that it checks."""
    caplog.set_level("INFO")
    namespace = {"__name__": "after"}
    exec(applications()[1], namespace)
    server = make_server("127.0.0.1", 0, namespace["app"], threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        origin = f"http://127.0.0.1:{server.server_port}"
        assert httpx.post(f"{origin}/fax/status").status_code == 403
        sid = httpx.post(f"{origin}/send/{TO}").text
        finish(environ)
        environ.webhook_url = origin + "/fax"
        received = environ.receive("+15005550002", FROM, pages=3)
        finish(environ)
        wait_until(lambda: "has 3 pages" in caplog.text)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert f"{sid} is delivered" in caplog.text
    assert received is not None


@pytest.mark.filterwarnings("ignore:status_callback")
def test_the_auth_token_is_changed_while_an_event_waits(tmp_path):
    """With `application=`, the event keeps its owner, and its callback has the new token's signature."""
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    with TelnyxEmulator(webhook_backoff=0.01) as telnyx:
        options = {"ledger": ledger, "inbox": True, "application": "faxes"}
        with served("flask", telnyx.public_key, auth_token="old token", **options) as (origin, app):
            app.statuses = [500] * 50
            telnyx.hold()
            send(make_client(telnyx), status_callback=origin + "/fax/status")
            telnyx.flush_webhooks()
            wait_until(lambda: app.seen != [])
            assert not any(valid for *_, valid in app.seen)
        assert ledger.waiting() == 1
        (waiting,) = ledger.waiting_events()
        ledger.postpone(waiting.event_id, 0)
        with served("flask", telnyx.public_key, **options) as (origin, app):  # with the new token
            httpx.get(origin + "/")
            wait_until(lambda: ledger.waiting() == 0)
            assert [valid for *_, valid in app.seen] == [True]
    ledger.close()


@pytest.mark.filterwarnings("ignore:status_callback")
def test_the_public_key_is_changed(tmp_path):
    """While both keys are set, webhooks with either are accepted."""
    with TelnyxEmulator(webhook_backoff=0.01) as old, TelnyxEmulator(
        webhook_backoff=0.01, seed=1
    ) as new:
        both = f"{new.public_key},{old.public_key}"
        with served("flask", both) as (origin, app):
            for telnyx in (old, new):
                send(make_client(telnyx), status_callback=origin + "/fax/status")
                finish(telnyx)
            assert app.statuses_told == ["queued", "delivered"] * 2


def test_the_api_key_is_changed_while_a_send_has_no_end(tmp_path):
    """The retry with the new key finds the fax that was sent with the old one."""
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    with FakeTelnyx(posts(Post(0.0, 504))) as telnyx:
        telnyx.lists_down = 503
        with pytest.raises(TwilioRestException) as caught:
            send(make_client(telnyx, ledger=ledger, retry=QUICK, api_key="KEYold"))
        assert caught.value.details["may_have_been_sent"]
        telnyx.lists_down = None
        fax = send(make_client(telnyx, ledger=ledger, retry=QUICK, api_key="KEYnew"))
        assert [one["id"] for one in telnyx.all_faxes()] == [fax_id(fax)]
    ledger.close()
