"""Bodies are decoded by their Content-Encoding, within limits."""

import gzip
import sys
import zlib
from base64 import b64encode

import pytest

from tests.cassettes.corpus import brotli, raw_deflate, zstd
from twilio_fax_compat.cassettes import bodies
from twilio_fax_compat.cassettes.bodies import CannotDecode, decoded_body

TEXT = b'{"to": "+14155550123", "name": "Zo\xc3\xab"}' * 9


def message(encoding, body):
    return {"headers": {"Content-Encoding": [encoding]}, "body": {"string": body}}


@pytest.mark.parametrize(
    ("encoding", "pack", "package"),
    [
        ("gzip", gzip.compress, "gzip"),
        ("deflate", zlib.compress, "zlib"),
        ("deflate", raw_deflate, "zlib"),
        ("br", brotli, "brotli"),
        ("zstd", zstd, "zstandard"),
    ],
)
def test_encodings(encoding, pack, package):
    """Packed and, as some filters of vcrpy leave it, unpacked already."""
    pytest.importorskip(package)
    assert decoded_body(message(encoding, pack(TEXT))) == TEXT
    assert decoded_body(message(encoding, TEXT)) == TEXT
    assert decoded_body(message(encoding, b"")) == b""
    with pytest.raises(CannotDecode, match=encoding if encoding != "zstd" else "zstd|cut off"):
        decoded_body(message(encoding, b"\xff\xfe\xfd\0\1\2" * 3))


@pytest.mark.parametrize(
    ("encoding", "pack", "package"),
    [
        ("gzip", gzip.compress, "gzip"),
        ("deflate", zlib.compress, "zlib"),
        ("br", brotli, "brotli"),
        ("zstd", zstd, "zstandard"),
    ],
)
def test_a_small_body_that_becomes_large(monkeypatch, encoding, pack, package):
    """It is refused at the limit."""
    pytest.importorskip(package)
    monkeypatch.setattr(bodies, "LARGEST", 1024 * 1024)
    with pytest.raises(CannotDecode, match="larger than 1 MiB"):
        decoded_body(message(encoding, pack(bytes(3 * 1024 * 1024))))


@pytest.mark.parametrize(
    ("encoding", "pack", "package"),
    [("gzip", gzip.compress, "gzip"), ("deflate", zlib.compress, "zlib"), ("br", brotli, "brotli")],
)
def test_a_body_that_is_cut_off(encoding, pack, package):
    """It is not taken for a whole one."""
    pytest.importorskip(package)
    with pytest.raises(CannotDecode, match="cut off"):
        decoded_body(message(encoding, pack(TEXT)[:-9]))


def test_more_than_one_encoding():
    """They are undone from the last to the first, at most three."""
    packed = gzip.compress(zlib.compress(TEXT))
    assert decoded_body(message("deflate, identity, GZip", packed)) == TEXT
    with pytest.raises(CannotDecode, match="more than three"):
        decoded_body(message("gzip, gzip, gzip, gzip", packed))


def test_an_unknown_encoding():
    """It is named."""
    with pytest.raises(CannotDecode, match="'compress' is not supported"):
        decoded_body(message("compress", b"\x1f\x9d\x90\0"))


@pytest.mark.parametrize(
    ("encoding", "packages"), [("br", ("brotli", "brotlicffi")), ("zstd", ("zstandard",))]
)
def test_a_missing_package_is_named(monkeypatch, encoding, packages):
    """So that it can be installed."""
    for package in (*packages, "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CannotDecode, match="needs the package " + packages[0]):
        decoded_body(message(encoding, b"\xff\xfe\xfd"))


@pytest.mark.parametrize(
    "recorded",
    [
        {"body": TEXT},
        {"body": {"string": TEXT}},
        {"body": {"string": TEXT.decode()}},
        {"body": {"base64_string": b64encode(TEXT).decode()}},
        {"content": TEXT.decode()},
        {"headers": [["content-encoding", ["gzip"]]], "body": gzip.compress(TEXT)},
        {"headers": {b"Content-Encoding": b"gzip"}, "body": gzip.compress(TEXT)},
        {"headers": {}, "body": gzip.compress(TEXT)},
    ],
)
def test_the_places_of_a_body(recorded):
    """As the stubs of vcrpy wrote them."""
    assert decoded_body(recorded) == TEXT


def test_no_body():
    """It is empty."""
    assert decoded_body({"body": None}) == decoded_body({}) == decoded_body({"body": {}}) == b""
