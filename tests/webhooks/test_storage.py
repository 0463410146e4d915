"""Stored documents are as private as the ledger."""

import os
import stat

import pytest

from twilio_fax_compat.webhooks.storage import Storage

SID = "FX" + "0a" * 16


@pytest.fixture(name="umask", autouse=True)
def _umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("scheme", ["file://", "local://", ""])
def test_only_the_owner_reads_a_document(tmp_path, scheme):
    """Whatever the process's umask is, and whatever an earlier attempt left."""
    folder = tmp_path / "a" / "faxes"
    storage = Storage(f"{scheme}{folder}")
    storage.put(SID, b"%PDF-1")
    storage.put(SID, b"%PDF-2")
    (file,) = folder.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    size, pieces = storage.find(SID)
    assert (size, b"".join(pieces)) == (6, b"%PDF-2")


def test_other_places_work_as_before():
    storage = Storage("memory://faxes")
    storage.put(SID, b"%PDF")
    assert storage.find(SID)[0] == 4
    assert storage.find("FX" + "1" * 32) is None
