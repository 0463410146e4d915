"""Documents are served under links that expire, as Telnyx's are on Amazon's S3."""

import re
import struct
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.helpers import NUMBER, OTHER, connect, post
from twilio_fax_compat.testing import TelnyxEmulator, documents


def reason_of(answer):
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    return ElementTree.fromstring(answer.text).findtext("Message")


@pytest.fixture(name="stored")
def _stored(http, telnyx):
    fax = post(http, telnyx, store_media=True)
    telnyx.settle()
    return fax


def test_a_stored_document_has_a_link(http, telnyx):
    """``store_media`` gives a link once the media is processed, and no other fax has one."""
    stored, other = post(http, telnyx, store_media=True), post(http, telnyx)
    assert "stored_media_url" not in telnyx.fax(stored)
    telnyx.step(stored)
    telnyx.settle()
    answer = http.get(telnyx.fax(stored)["stored_media_url"])

    assert "stored_media_url" not in telnyx.fax(other)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == telnyx.document(stored) == documents.pdf(1)


def test_links_look_like_amazons(telnyx, stored):
    """A link carries its date, lifetime and signature, and needs no API key."""
    query = parse_qs(urlsplit(telnyx.fax(stored)["stored_media_url"]).query)

    assert query["X-Amz-Expires"] == ["600"]
    assert re.fullmatch(r"\d{8}T\d{6}Z", query["X-Amz-Date"][0])
    assert re.fullmatch(r"[0-9a-f]{64}", query["X-Amz-Signature"][0])


def test_links_open_without_a_key(telnyx, stored):
    """A link is all that is needed: the request has no API key."""
    link = telnyx.fax(stored)["stored_media_url"]
    with connect(telnyx) as http:
        del http.headers["Authorization"]
        assert http.get(link).status_code == 200


def test_links_expire(http, telnyx, stored):
    """A link opens for its ten virtual minutes and not after them."""
    http.post(f"/faxes/{stored}/actions/refresh")
    link = telnyx.fax(stored)["stored_media_url"]
    telnyx.advance(598)
    assert http.get(link).status_code == 200
    telnyx.advance(2)

    assert reason_of(http.get(link)) == "Request has expired"


def test_a_link_expires_to_the_second():
    """A link's life begins with the second in which it was made."""
    start = datetime(2020, 5, 5, 9, 59, 12, tzinfo=timezone.utc)
    with TelnyxEmulator(now=start) as telnyx, connect(telnyx) as http:
        telnyx.deliver(telnyx.receive(OTHER, NUMBER))
        link = telnyx.faxes[0]["media_url"]
        assert "X-Amz-Date=20200505T095912Z" in link
        telnyx.advance(599.999999)
        assert http.get(link).status_code == 200
        telnyx.advance(0.000001)
        assert http.get(link).status_code == 403


def test_links_live_as_long_as_they_are_told():
    """The lifetime of links can be chosen."""
    with TelnyxEmulator(link_lifetime=7200) as telnyx, connect(telnyx) as http:
        telnyx.receive(OTHER, NUMBER)
        telnyx.settle()
        link = telnyx.faxes[0]["media_url"]
        telnyx.advance(7000)
        assert http.get(link).status_code == 200
        telnyx.advance(200)
        assert http.get(link).status_code == 403


@pytest.mark.parametrize(
    ("pattern", "other", "reason"),
    [
        ("Signature=.", "Signature=x", "The signature does not match"),
        ("Expires=600", "Expires=6000", "The signature does not match"),
        (r"Date=\d+", "Date=20300101", "The signature does not match"),
        ("&X-Amz-Signature=.*", "", "Access Denied"),
        ("media/[^/]+", "media/00000000-0000-4000-8000-000000000000", "The signature does not match"),
    ],
)  # fmt: skip
def test_altered_links_do_not_open(http, telnyx, stored, pattern, other, reason):
    """Who changes any part of a link gets S3's XML."""
    link = telnyx.fax(stored)["stored_media_url"]
    altered = re.sub(pattern, other, link)

    assert altered != link
    assert reason_of(http.get(altered)) == reason


def test_a_deleted_document_is_gone(http, telnyx, stored):
    """The link of a deleted fax does not open."""
    link = telnyx.fax(stored)["stored_media_url"]
    http.delete(f"/faxes/{stored}")

    assert reason_of(http.get(link)) == "Access Denied"


def test_refreshing_renews_a_stored_document(http, telnyx, stored):
    """``refresh`` tells no URL, and the fax then has one that opens."""
    telnyx.advance(601)
    answer = http.post(f"/faxes/{stored}/actions/refresh")

    assert (answer.status_code, answer.json()) == (200, {"data": {"result": "ok"}})
    assert http.get(telnyx.fax(stored)["stored_media_url"]).status_code == 200


def test_refreshing_renews_a_received_document(http, telnyx):
    """So it does of a received fax, whose document is the one that arrived."""
    fax = telnyx.receive(OTHER, NUMBER, document=b"%PDF-mine")
    telnyx.settle()
    link = telnyx.fax(fax)["media_url"]
    assert http.get(link).content == b"%PDF-mine" == telnyx.document(fax)
    telnyx.advance(601)
    http.post(f"/faxes/{fax}/actions/refresh")

    assert http.get(link).status_code == 403
    assert http.get(telnyx.fax(fax)["media_url"]).content == b"%PDF-mine"


def test_refreshing_makes_no_link_that_was_not_there(http, telnyx):
    """A fax that is not received yet, or was not stored, has no link after ``refresh`` either."""
    arriving, sent = telnyx.receive(OTHER, NUMBER), post(http, telnyx)
    for fax in (arriving, sent):
        assert http.post(f"/faxes/{fax}/actions/refresh").status_code == 200

    assert "media_url" not in telnyx.fax(arriving)
    assert "stored_media_url" not in telnyx.fax(sent)
    assert telnyx.fax(sent)["media_url"] == "https://x.example/a.pdf"


@pytest.mark.parametrize(
    ("fields", "kind", "start"),
    [
        ({}, "image/tiff", b"II*\0"),
        ({"preview_format": "tiff"}, "image/tiff", b"II*\0"),
        ({"preview_format": "pdf"}, "application/pdf", b"%PDF"),
    ],
)
def test_previews(http, telnyx, fields, kind, start):
    """``store_preview`` gives a link to a preview in the format that was asked for."""
    fax = post(http, telnyx, store_preview=True, **fields)
    telnyx.settle()
    answer = http.get(telnyx.fax(fax)["preview_url"])

    assert (answer.headers["content-type"], answer.content[:4]) == (kind, start)


def test_a_received_fax_has_its_pages(http, telnyx):
    """A fax that arrives with three pages has a PDF of three."""
    fax = telnyx.receive(OTHER, NUMBER, pages=3)
    telnyx.settle()

    assert http.get(telnyx.fax(fax)["media_url"]).content == documents.pdf(3)


@given(st.integers(1, 60))
def test_documents_are_pdfs(pages):
    """The PDF's cross-reference table points at its objects, and its page tree at its pages."""
    document = documents.pdf(pages)
    start = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    table = document[start:].split(b"trailer")[0].splitlines()
    kids = re.search(rb"/Kids \[([^]]*)\] /Count (\d+)", document)

    assert document.startswith(b"%PDF-")
    assert document.endswith(b"%%EOF\n")
    assert document[start:].startswith(b"xref\n0 %d\n" % (len(table) - 2))
    assert b"/Size %d " % (len(table) - 2) in document
    for number, line in enumerate(table[3:], 1):
        assert len(line) == 19
        assert document[int(line.split()[0]) :].startswith(b"%d 0 obj\n" % number)
    assert document.count(b"/Type /Page ") == int(kids[2]) == pages
    for page in re.findall(rb"(\d+) 0 R", kids[1]):
        assert b"\n%s 0 obj\n<< /Type /Page " % page in document
    for content in re.finditer(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", document):
        assert int(content[1]) == len(content[2])


@given(st.integers(1, 60))
def test_previews_are_tiffs(pages):
    """The TIFF's directories are chained, one for each page, each with its sorted tags."""
    document = documents.tiff(pages)
    offset = struct.unpack_from("<I", document, 4)[0]
    found = 0
    while offset:
        count = struct.unpack_from("<H", document, offset)[0]
        entries = [
            struct.unpack_from("<HHIHH", document, offset + 2 + 12 * n) for n in range(count)
        ]
        tags = [tag for tag, *_ in entries]
        values = {tag: value for tag, _, _, value, _ in entries}
        assert tags == sorted(tags)
        assert values[273] + values[279] <= 10
        assert values[256] * values[257] == 8 * values[279]
        offset = struct.unpack_from("<I", document, offset + 2 + 12 * count)[0]
        found += 1

    assert found == pages
