"""``cassettes convert --scrub`` leaves nothing private in the bytes and names of what it writes."""

import json
import zlib
from base64 import b64decode, b64encode

import pytest
import yaml

from tests.cassettes.corpus import FAX, FORM, NUMBER, conversation
from tests.cassettes.recordings import API, interaction
from twilio_fax_compat.__main__ import main


def convert(path, out):
    return main(["cassettes", "convert", str(path), "--out", str(out), "--scrub"])


def save(path, *interactions):
    path.write_text(yaml.dump({"version": 1, "interactions": list(interactions)}))
    return path


def elsewhere(body, **headers):
    """Return an interaction with another API."""
    one = interaction("GET", "https://example.com/x", "", 200, None)
    one["response"]["headers"] = {
        name.replace("_", "-"): [value] for name, value in headers.items()
    }
    one["response"]["body"]["string"] = body
    return one


def test_a_packed_body(tmp_path):
    """It is written decoded, without the headers that would be wrong."""
    packed = zlib.compress(json.dumps({"call": NUMBER}).encode())
    path = save(
        tmp_path / "a.yaml", elsewhere(packed, Content_Encoding="deflate", Content_Length="99")
    )

    assert convert(path, tmp_path / "new") == 0

    (one,) = yaml.safe_load((tmp_path / "new" / "a.yaml").read_text())["interactions"]
    assert json.loads(one["response"]["body"]["string"]) == {"call": "+15005550100"}
    assert one["response"]["headers"] == {}


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"%PDF-1.4\n1 0 obj", "identity", "it is not text"),
        (b"II*\0\x08\0\0\0\xff", "", "it is not text"),
        (b"\xff\xff\xff\xff", "br", "it is not br"),
        (b"\xff\xfe\x01\x02", "zstd", "it is not zstd"),
        (b"\x1f\x8b\x08\0\0", "gzip", "it is"),
        (b"\x1f\x9d\x90\x01", "compress", "not supported"),
    ],
)
def test_what_cannot_be_read_is_left_out(tmp_path, body, encoding, words, capsys):
    """And named, with the exit status 1; the others are written."""
    path = save(
        tmp_path / "a.yaml",
        elsewhere(body, Content_Encoding=encoding),
        *conversation()["interactions"],
    )

    assert convert(path, tmp_path / "new") == 1

    printed = capsys.readouterr().out
    assert "  1. GET https://example.com/...: left out: its body cannot be read: " in printed
    assert words in printed
    assert "1 other interactions left out" in printed
    assert "2 fax interactions: 2 converted" in printed
    assert len(yaml.safe_load((tmp_path / "new" / "a.yaml").read_text())["interactions"]) == 2


def test_a_fax_that_cannot_be_read(tmp_path, capsys):
    """It is not converted, and its number is not lost for the others."""
    broken = interaction("GET", FAX["url"], "", 200, FAX)
    broken["response"]["headers"]["Content-Encoding"] = ["br"]
    broken["response"]["body"]["string"] = b"\xff\xff\xff\xff"
    path = save(tmp_path / "a.yaml", *conversation()["interactions"], broken)

    assert convert(path, tmp_path / "new") == 1

    printed = capsys.readouterr().out
    assert "3. GET /v1/Faxes/" in printed
    assert "not converted: its body cannot be read: it is not br" in printed
    assert "3 fax interactions: 2 converted" in printed


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(tmp_path, encoding):
    """Also without a byte order mark."""
    path = save(tmp_path / "a.yaml", elsewhere(f"<fax to='{NUMBER}'/>".encode(encoding)))

    assert convert(path, tmp_path / "new") == 0

    (one,) = yaml.safe_load((tmp_path / "new" / "a.yaml").read_text())["interactions"]
    assert one["response"]["body"]["string"].decode(encoding) == "<fax to='+15005550100'/>"


def test_names_of_files(tmp_path):
    """Also those of folders, and a number that stands there alone."""
    folder = tmp_path / "old"
    for name in (f"test[{NUMBER}].yaml", "4155550123.yaml", "415-555-0123/a.yaml"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, *conversation()["interactions"])

    assert convert(folder, tmp_path / "new") == 0

    names = sorted(
        str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*.yaml")
    )
    assert names == ["500-555-0101/a.yaml", "5005550101.yaml", "test[+15005550101].yaml"]


def test_two_names_that_become_one(tmp_path, capsys):
    """Nothing is lost silently."""
    folder = tmp_path / "old"
    folder.mkdir()
    save(folder / "x&token=abcdefgh1.yaml", *conversation()["interactions"])
    save(folder / "x&token=abcdefgh2.yaml", *conversation()["interactions"])

    assert convert(folder, tmp_path / "new") == 2
    assert "two cassettes would be written to" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_rest_of_the_file(tmp_path):
    """Not only the interactions: vcrpy 9 keeps metadata, and a test may keep more."""
    data = {**conversation(), "metadata": {"note": f"fax to {NUMBER}", "api_key": "5up3rs3cr3t"}}
    path = tmp_path / "a.yaml"
    path.write_text(yaml.dump(data))

    assert convert(path, tmp_path / "new") == 0

    written = (tmp_path / "new" / "a.yaml").read_text()
    assert "4155550123" not in written
    assert "5up3rs3cr3t" not in written
    data = yaml.safe_load(written)
    sent = json.loads(data["interactions"][0]["request"]["body"])
    assert data["metadata"]["note"] == "fax to " + sent["from"]


def test_times_stay(tmp_path):
    """In headers and bodies, so that a program reads the same."""
    body = json.dumps({"at": "2021-03-04T05:06:07Z", "ip": "192.168.100.200", "epoch": 1614834367})
    date = "Thu, 04 Mar 2021 05:06:07 GMT"
    path = save(tmp_path / "a.yaml", elsewhere(body, Date=date))

    assert convert(path, tmp_path / "new") == 0

    (one,) = yaml.safe_load((tmp_path / "new" / "a.yaml").read_text())["interactions"]
    assert one["response"]["body"]["string"] == body
    assert one["response"]["headers"]["Date"] == [date]


def test_a_secret_in_the_query(tmp_path):
    """``?auth=`` of a request, in the address and wherever the same secret stands."""
    one = elsewhere("welcome s3cr3t-0123")
    one["request"]["uri"] = "https://example.com/x?auth=s3cr3t-0123&a=b"
    create = interaction(
        "POST", f"{API}/Faxes?auth=s3cr3t-0123", FORM, 201, {**FAX, "status": "queued"}
    )
    path = save(tmp_path / "a.yaml", one, create)

    assert convert(path, tmp_path / "new") == 0

    written = (tmp_path / "new" / "a.yaml").read_text()
    assert "s3cr3t" not in written
    assert "https://example.com/x?auth=scrubbed&a=b" in written


def test_json_stays_json(tmp_path):
    """A body in base64 stays in base64, as JSON has no bytes."""
    one = elsewhere("")
    one["response"]["body"] = {
        "base64_string": b64encode(f"Zo\xeb {NUMBER}".encode("latin-1")).decode()
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1, "interactions": [one]}))

    assert convert(path, tmp_path / "new") == 0

    (new,) = json.loads((tmp_path / "new" / "a.json").read_text())["interactions"]
    assert b64decode(new["response"]["body"]["base64_string"]) == b"Zo\xeb +15005550100"


def test_what_is_beside_an_unreadable_body(tmp_path, capsys):
    """Its secrets are still found elsewhere, and unreadable parts of the file are left out."""
    one = elsewhere(b"%PDF-1.4", X_Api_Key="5up3rs3cr3t-0123")
    other = elsewhere(f"the key 5up3rs3cr3t-0123 of {NUMBER}")
    path = tmp_path / "a.yaml"
    data = {"version": 1, "interactions": [one, other], "metadata": {"pdf": b"%PDF-1.4"}}
    path.write_text(yaml.dump(data))

    assert convert(path, tmp_path / "new") == 1

    assert "  the rest of the file: left out" in capsys.readouterr().out
    new = yaml.safe_load((tmp_path / "new" / "a.yaml").read_text())
    assert set(new) == {"version", "interactions"}
    (kept,) = new["interactions"]
    assert kept["response"]["body"]["string"] == "the key scrubbed of +15005550100"
