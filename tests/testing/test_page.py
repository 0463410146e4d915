"""The emulator's page: over plain HTTP, and in a real browser."""

import re
import sys
import time

import httpx
import pytest

from tests.helpers import BUSY, FROM, TO, make_client, send
from tests.testing.browser import NEEDS_BROWSER, browser
from tests.webhooks.serving import served
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.testing.page.html import FAULTS, PAGE_SIZE
from twilio_fax_compat.testing.page.routes import _INJECTED

pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(webhook_backoff=0.01) as telnyx:
        yield telnyx


def token_of(telnyx):
    return re.search(r'name=token value="([^"]+)"', httpx.get(telnyx.url).text).group(1)


def press(telnyx, path, token=None, files=None, **fields):
    """Press a button, and return the status."""
    data = {"token": token_of(telnyx) if token is None else token, **fields}
    return httpx.post(telnyx.origin + path, data=data, files=files).status_code


def eventually(condition, seconds=15):
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except Exception:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_fax_and_its_timeline(telnyx):
    """Numbers are masked until the switch shows them; requests, statuses and webhooks are listed."""
    with served("flask", telnyx.public_key) as (origin, _):
        fax = send(make_client(telnyx), status_callback=origin + "/fax/status")
        telnyx.settle()
        telnyx.flush_webhooks()
    name = telnyx.faxes[0]["id"]
    listed = httpx.get(telnyx.url)
    assert name[:8] in listed.text
    assert TO not in listed.text
    assert TO in httpx.get(telnyx.url + "?numbers=shown").text
    page = httpx.get(f"{telnyx.origin}/page/faxes/{name}").text
    for words in (
        "POST /v2/faxes -&gt; 202",
        "fax.delivered",
        "telnyx-signature-ed25519",
        "-&gt; 200",
    ):
        assert words in page
    assert TO not in page
    assert fax.sid[2:10] == name[:8]
    document = httpx.get(f"{telnyx.origin}/page/faxes/{name}/document")
    assert document.content.startswith(b"%PDF-")


def test_buttons_of_one_fax(telnyx):
    """Next status, complete, fail with a reason, and the last event again."""
    client = make_client(telnyx, ledger=MemoryLedger())
    first, second = send(client), send(client, to=BUSY)
    one, other = (fax["id"] for fax in telnyx.faxes)
    assert press(telnyx, f"/page/faxes/{one}/step") == 303
    assert telnyx.fax(one)["status"] == "media.processed"
    assert press(telnyx, f"/page/faxes/{one}/complete") == 303
    assert press(telnyx, f"/page/faxes/{other}/fail", reason="user_busy") == 303
    assert (first.fetch().status, second.fetch().status) == ("delivered", "busy")
    telnyx.webhook_url = "http://127.0.0.1:1/"
    before = len(telnyx.deliveries)
    assert press(telnyx, f"/page/faxes/{one}/redeliver") == 303
    telnyx.flush_webhooks()
    assert len(telnyx.deliveries) > before


def test_buttons_for_all(telnyx):
    """Hold and release, the clock, a received PDF, and each fault."""
    assert press(telnyx, "/page/hold") == 303
    send(make_client(telnyx))
    now = telnyx.now
    assert press(telnyx, "/page/advance", seconds="600") == 303
    assert (telnyx.now - now).total_seconds() == 600
    assert telnyx.faxes[0]["status"] == "queued"
    assert press(telnyx, "/page/release") == 303
    document = b"%PDF-1.4 of my own"
    files = {"document": ("my.pdf", document, "application/pdf")}
    assert (
        press(telnyx, "/page/receive", files=files, **{"from": "+15005550002", "to": FROM}) == 303
    )
    assert telnyx.document(telnyx.faxes[-1]["id"]) == document
    assert set(_INJECTED) == set(FAULTS)
    for name in FAULTS:
        assert press(telnyx, "/page/fault", fault=name) == 303
    headers = {"Authorization": "Bearer " + telnyx.api_key}
    statuses = [httpx.get(telnyx.base_url + "/balance", headers=headers).status_code for _ in "123"]
    assert statuses == [503, 429, 200]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/page/hold", {"token": "forged"}, 403),
        ("/page/hold", {"token": ""}, 403),
        ("/page/advance", {"seconds": "-5"}, 400),
        ("/page/fault", {"fault": "fire"}, 400),
        ("/page/nothing", {}, 400),
        ("/page/faxes/nobody/complete", {}, 404),
    ],
)
def test_wrong_buttons(telnyx, path, fields, status):
    assert press(telnyx, path, **fields) == status
    assert not telnyx.is_holding


def test_a_document_that_is_not_a_pdf(telnyx):
    files = {"document": ("evil.html", b"<script>", "text/html")}
    assert press(telnyx, "/page/receive", files=files, **{"from": TO, "to": FROM}) == 400


def test_another_name_for_this_machine(telnyx):
    """A page of another site whose name leads here reads and presses nothing."""
    for path in ("/", "/page/changes", "/page/faxes/x"):
        answer = httpx.get(telnyx.origin + path, headers={"Host": "evil.example"})
        assert answer.status_code == 403
    # The API answers under any name, as before.
    assert httpx.get(telnyx.base_url + "/faxes", headers={"Host": "x.example"}).status_code == 401


def test_hostile_texts(telnyx):
    """Whatever a program sends is shown, and never runs."""
    evil = '"><script>alert(1)</script>'
    telnyx.receive(evil, FROM)
    name = telnyx.faxes[0]["id"]
    telnyx.webhook_url = "http://127.0.0.1:1/" + evil
    telnyx.settle()
    telnyx.flush_webhooks()
    for path in ("/?numbers=shown", f"/page/faxes/{name}?numbers=shown"):
        answer = httpx.get(telnyx.origin + path)
        assert "<script>alert" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"(src|href)=\"?https?:", answer.text)


def test_many_faxes_are_paged(telnyx):
    for number in range(PAGE_SIZE + 3):
        telnyx.receive(f"+1500555{number:04}", FROM)
    first, second = httpx.get(telnyx.url).text, httpx.get(telnyx.url + "?page=2").text
    assert (first.count("<tr><td>"), second.count("<tr><td>")) == (PAGE_SIZE, 3)
    assert httpx.get(telnyx.url + "?page=nonsense").status_code == 200


def test_an_open_stream_does_not_keep_the_emulator():
    """To stop takes no longer than without a browser."""
    telnyx = TelnyxEmulator().start()
    with httpx.stream("GET", telnyx.origin + "/page/changes") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        began = time.monotonic()
        telnyx.stop()
        assert time.monotonic() - began < 5


@pytest.fixture(scope="module", name="chromium")
def _chromium():
    with browser("--window-size=1100,900") as driver:
        yield driver


@NEEDS_BROWSER
@pytest.mark.skipif(sys.version_info < (3, 10), reason="selenium needs a newer Python")
def test_in_a_browser(telnyx, chromium):
    """Send from a program, watch it arrive, fail it, and see the program's status change."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    chromium.get(telnyx.url)
    assert "No fax yet" in chromium.page_source
    fax = send(make_client(telnyx))
    name = telnyx.faxes[0]["id"]
    eventually(lambda: chromium.find_element(By.LINK_TEXT, name[:8]))
    assert TO not in chromium.page_source
    chromium.find_element(By.LINK_TEXT, "Show numbers").click()
    eventually(lambda: TO in chromium.page_source)

    # By keyboard: the link, the reason and the button.
    chromium.find_element(By.LINK_TEXT, name[:8]).send_keys(Keys.ENTER)
    eventually(lambda: chromium.find_element(By.NAME, "reason"))
    Select(chromium.find_element(By.NAME, "reason")).select_by_visible_text("user_busy")
    chromium.find_element(By.XPATH, "//button[text()='Fail']").send_keys(Keys.ENTER)
    eventually(lambda: "fax.failed" in chromium.page_source)
    assert fax.fetch().status == "busy"

    # What the program does now appears by itself.
    eventually(lambda: f"GET /v2/faxes/{name}" in chromium.page_source)
    assert chromium.get_log("browser") == []


@NEEDS_BROWSER
@pytest.mark.skipif(sys.version_info < (3, 10), reason="selenium needs a newer Python")
def test_receiving_in_a_browser(telnyx, chromium, tmp_path):
    """Upload a PDF: the application gets the fax."""
    from selenium.webdriver.common.by import By

    path = tmp_path / "letter.pdf"
    path.write_bytes(b"%PDF-1.4 a letter")
    with served("flask", telnyx.public_key) as (origin, app):
        telnyx.webhook_url = origin + "/fax"
        chromium.get(telnyx.url)
        chromium.find_element(By.NAME, "document").send_keys(str(path))
        chromium.find_element(By.XPATH, "//button[text()='Receive a fax']").click()
        eventually(lambda: "inbound" in chromium.page_source)
        telnyx.settle()
        telnyx.flush_webhooks()
        eventually(lambda: app.paths == ["/fax", "/fax/received"])
    assert telnyx.document(telnyx.faxes[0]["id"]) == b"%PDF-1.4 a letter"
