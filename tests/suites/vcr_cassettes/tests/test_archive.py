"""Cassettes by pytest-recording; to record them anew: pytest --record-mode=rewrite."""

import pytest

from lawfax import archive

pytestmark = pytest.mark.vcr


def test_inbox():
    faxes = archive.inbox()

    assert [fax.from_ for fax in faxes] == ["+15005550009", "+15005550008", "+15005550007"]
    assert [fax.num_pages for fax in faxes] == [3, 2, 1]
    assert all(fax.direction == "inbound" for fax in faxes)


def test_inbox_page_by_page():
    assert len({fax.sid for fax in archive.inbox(page_size=2)}) == 3


def test_documents():
    fax = archive.inbox()[0]
    (media,) = archive.documents(fax.sid)

    assert (media.sid, media.fax_sid) == (fax.media_sid, fax.sid)
    assert media.content_type == "application/pdf"
    assert media.fetch().sid == media.sid
    assert fax.media_url.startswith("https://")


def test_shred():
    sid = archive.inbox()[-1].sid

    assert archive.exists(sid)
    assert archive.shred(sid) is True
    assert not archive.exists(sid)


def test_shred_what_never_was():
    assert archive.shred("FX00000000000000000000000000000000") is False
