"""Documents under links of the application's own host."""

import json
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import FROM, make_client, send
from tests.webhooks.apps import TOKEN
from tests.webhooks.driving import finish, forged, inbound
from tests.webhooks.serving import ACCOUNT, served
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat._core.translation.media_links import MediaLinks
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import faults
from twilio_fax_compat.webhooks import Media, WSGIMiddleware

HOST = "TWILIO_FAX_COMPAT_MEDIA_HOST"
pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


@pytest.fixture(name="kept")
def _kept(framework, telnyx):
    """Serve an app whose documents have links on its own host."""
    settings = TelnyxSettings().completed(telnyx.environ)
    with served(framework, telnyx.public_key, media=settings) as (origin, log):
        log.url = origin
        yield log


def test_a_media_url_lives_longer_than_telnyxs(kept, telnyx):
    """The link is on the app's own host and opens when Telnyx's own has long expired."""
    inbound(kept, telnyx, document=b"%PDF-mine")
    link = kept.seen[1][2]["MediaUrl"]
    assert link.startswith(kept.url + "/twilio-fax-media/FX")
    telnyx.advance(3600)
    answer = httpx.get(link, follow_redirects=True)

    assert (answer.status_code, answer.content) == (200, b"%PDF-mine")
    first = answer.history[0]
    assert first.headers["location"].startswith(telnyx.origin + "/media/")
    assert first.headers["cache-control"] == "private, no-store"
    assert first.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("store_media", [True, False])
def test_a_sent_fax_has_a_media_url_if_it_is_kept(kept, telnyx, store_media):
    """As at Twilio, a delivered fax's callback has the link when the media is stored."""
    send(make_client(telnyx), status_callback=kept.url + "/fax/status", store_media=store_media)
    finish(telnyx)

    queued, delivered = (form for _, _, form, _ in kept.seen)
    assert "MediaUrl" not in queued
    assert ("MediaUrl" in delivered) == store_media
    if store_media:
        assert httpx.get(delivered["MediaUrl"], follow_redirects=True).content.startswith(b"%PDF")


def test_links_cannot_be_made_or_changed(kept, telnyx):
    """Only what was signed opens, only as long as it says, and nothing else is led to."""
    inbound(kept, telnyx)
    link = kept.seen[1][2]["MediaUrl"]
    other = telnyx.receive("+15005550002", FROM).replace("-", "")
    path, _, query = link.partition("?")
    end = query.partition("expires=")[2].partition("&")[0]
    for changed in (
        path,
        f"{path[:-32]}{other}?{query}",
        link.replace(end, str(int(end) + 1)),
        link.replace("signature=", "signature=0"),
        f"{kept.url}/twilio-fax-media/https://evil.example/?{query}",
        f"{kept.url}/twilio-fax-media/?{query}",
    ):
        answer = httpx.get(changed)
        assert (answer.status_code, answer.content) == (403, b"")
        assert "location" not in answer.headers


def test_documents_that_are_gone(kept, telnyx):
    """A deleted fax is 404, and a Telnyx that cannot be asked is 502."""
    sid = inbound(kept, telnyx)
    link = kept.seen[1][2]["MediaUrl"]
    telnyx.inject(faults.error(403), path="/v2/faxes/*")
    assert httpx.get(link).status_code == 502
    make_client(telnyx).fax.faxes(sid).delete()
    assert httpx.get(link).status_code == 404


def test_a_client_can_show_the_same_links(kept, telnyx):
    """``media_url`` of an instance leads to the app's own host, whenever it is opened."""
    sid = inbound(kept, telnyx, document=b"%PDF-mine")
    client = Client(ACCOUNT, TOKEN, environment=telnyx.environ, media_host=kept.url)
    sent = send(client, store_media=False)
    fetched = client.fax.faxes(sid).fetch()
    listed = {fax.sid: fax.media_url for fax in client.fax.faxes.list()}
    telnyx.advance(3600)

    assert fetched.media_url.startswith(f"{kept.url}/twilio-fax-media/{sid}?")
    assert listed[sid].startswith(f"{kept.url}/twilio-fax-media/{sid}?")
    assert listed[sent.sid] is None
    for link in (fetched.media_url, listed[sid]):
        assert httpx.get(link, follow_redirects=True).content == b"%PDF-mine"


@pytest.mark.parametrize(
    "host", ["app.example.com", "ftp://app.example.com", "https://", "https://a.example/?x=1"]
)
def test_a_media_host_that_is_none(telnyx, host):
    client = Client(ACCOUNT, TOKEN, environment={**telnyx.environ, HOST: host})
    with pytest.raises(TwilioException, match=HOST):
        client.fax.faxes.list()


@given(st.uuids().map(str), st.integers(1, 10**6), st.integers(0, 2 * 10**9), st.binary(min_size=1))
def test_a_link_leads_to_its_fax_until_it_ends(fax, lifetime, epoch, key):
    """A link is read back to its fax, not after its end, and not with another key."""
    now = datetime.fromtimestamp(epoch, timezone.utc)
    links = MediaLinks(key=key, lifetime=lifetime)
    parts = urlsplit(links.link("https://app.example", fax, now))
    query = dict(parse_qsl(parts.query))

    assert links.fax_of(parts.path, query, now) == fax
    assert links.fax_of(parts.path, query, now + timedelta(seconds=lifetime)) is None
    assert MediaLinks(key=key + b"x").fax_of(parts.path, query, now) is None
    assert links.fax_of("/x" + parts.path, query, now) is None


@pytest.fixture(name="streaming")
def _streaming(framework, telnyx):
    settings = TelnyxSettings().completed(telnyx.environ)
    media = Media(telnyx=settings, streams=True, lifetime=60, path="/files/fax")
    with served(framework, telnyx.public_key, media=media) as (origin, log):
        log.url = origin
        yield log


def test_a_document_can_be_streamed(streaming, telnyx):
    """The document comes from the app's own host, and no link of Telnyx's is shown."""
    document = b"%PDF-" + b"x" * 700_000
    sid = inbound(streaming, telnyx, document=document)
    link = streaming.seen[1][2]["MediaUrl"]
    telnyx.advance(3600)
    answer, head = httpx.get(link), httpx.head(link)

    assert link.startswith(streaming.url + "/files/fax/FX")
    assert (answer.status_code, answer.content) == (200, document)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="{sid}.pdf"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(document))
    assert httpx.post(link).status_code == 405


def test_a_document_that_cannot_be_streamed(streaming, telnyx):
    """Telnyx's failure is a 502 without a word."""
    inbound(streaming, telnyx)
    link = streaming.seen[1][2]["MediaUrl"]
    telnyx.inject(faults.error(503), path="/media/*")
    answer = httpx.get(link)

    assert (answer.status_code, answer.content) == (502, b"")


@pytest.fixture(name="storing")
def _storing(framework, telnyx, tmp_path):
    settings = TelnyxSettings().completed(telnyx.environ)
    media = Media(telnyx=settings, store=f"file://{tmp_path}/faxes")
    with served(framework, telnyx.public_key, media=media) as (origin, log):
        log.url, log.folder = origin, tmp_path / "faxes"
        yield log


def test_a_document_is_stored_on_arrival(storing, telnyx):
    """It is on the disk before the handler is called, and served from there."""
    sid = inbound(storing, telnyx, document=b"%PDF-mine")
    link = storing.seen[1][2]["MediaUrl"]
    make_client(telnyx).fax.faxes(sid).delete()
    requests = len(telnyx.journal)

    assert [file.name for file in storing.folder.iterdir()] == [sid + ".pdf"]
    assert httpx.get(link).content == b"%PDF-mine"
    assert httpx.head(link).headers["content-length"] == "9"
    assert len(telnyx.journal) == requests


def test_what_is_not_to_be_stored_is_not(storing, telnyx):
    """``<Reject>`` and ``storeMedia="false"`` leave nothing behind."""
    storing.twiml = "<Response><Reject/></Response>"
    inbound(storing, telnyx)
    storing.twiml = '<Response><Receive storeMedia="false" action="/fax/received"/></Response>'
    inbound(storing, telnyx)

    assert not storing.folder.exists()
    assert storing.seen[-1][2]["Media"].startswith(b"%PDF")


def test_a_receive_without_action_is_stored(storing, telnyx):
    """As at Twilio, the fax is kept though nobody is told."""
    storing.twiml = "<Response><Receive/></Response>"
    sid = inbound(storing, telnyx)

    assert (storing.folder / (sid + ".pdf")).exists()
    assert storing.paths == ["/fax"]


def test_a_document_that_cannot_be_stored_is_delivered_again(storing, telnyx):
    """The handler is called only when the document is there."""
    storing.folder.write_bytes(b"a file in the way")
    inbound(storing, telnyx)
    answers = [delivery.status for delivery in telnyx.deliveries]
    assert (storing.paths, answers[-3:]) == (["/fax"], [503, 503, 503])
    storing.folder.unlink()
    again = forged(storing, telnyx, json.dumps(telnyx.events[-1]).encode(), path="/fax")

    assert again.status_code == 200
    assert storing.paths == ["/fax", "/fax/received"]
    assert len(list(storing.folder.iterdir())) == 1


@pytest.mark.parametrize("store", ["nonsense://bucket", "s4://bucket/x"])
def test_a_store_of_no_known_kind_is_refused(telnyx, store):
    media = Media(telnyx=TelnyxSettings().completed(telnyx.environ), store=store)
    with pytest.raises(TwilioException, match="fsspec"):
        WSGIMiddleware(
            None,
            auth_token="t",
            account_sid="AC",
            public_key=telnyx.public_key,
            media=media,
            environ={},
        )
