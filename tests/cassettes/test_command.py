"""``twilio-fax-compat cassettes convert`` on files as they are found in projects."""

import gzip
import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode

import pytest
import vcr
import yaml

from tests.cassettes.corpus import FAX, NUMBER, OTHER, SID
from tests.cassettes.recordings import ACCOUNT, API, interaction
from tests.cassettes.scripts import MATCH_ON, our_client
from twilio_fax_compat.__main__ import main

SECRET = "d41d8cd98f00b204e9800998ecf8427e"
CREATED = {**FAX, "status": "queued"}
FORM = "To=%2B442071838750&MediaUrl=https%3A%2F%2Fexample.com%2Fa.pdf&From=%2B14155550123"
CREATE = interaction("POST", f"{API}/Faxes", FORM, 201, CREATED)
FETCH = interaction("GET", FAX["url"], "", 200, FAX)
UNMEDIA = interaction("DELETE", f"{FAX['url']}/Media/ME{SID[2:]}", "", 204, None)
MESSAGE = interaction(
    "POST",
    f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
    "To=%2B14155550123&Body=Your+fax+to+020+7183+8750",
    201,
    {"to": NUMBER, "body": "call 4155550123 or (415) 555-0123", "account_sid": ACCOUNT},
)


@pytest.fixture(name="folder")
def _folder(tmp_path):
    old = tmp_path / "cassettes"
    old.mkdir()
    return old


def save(path, *interactions, text=yaml.safe_dump):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text({"version": 1, "interactions": list(interactions)}))
    return path


def convert(*arguments):
    return main(["cassettes", "convert", *map(str, arguments)])


def replayed(path):
    """Return what our client makes of a converted cassette with a create and a fetch."""
    with vcr.use_cassette(
        str(path),
        serializer="json" if path.suffix == ".json" else "yaml",
        record_mode="none",
        match_on=MATCH_ON,
    ) as cassette:
        client = our_client()
        fax = client.fax.faxes.create(OTHER, "https://example.com/a.pdf", from_=NUMBER)
        statuses = [fax.status, fax.fetch().status]
        assert fax.sid == SID
        assert cassette.all_played
    return statuses


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_a_folder_keeps_its_layout(folder, suffix, capsys):
    """As pytest-recording lays it out: a folder for each module, a file for each test."""
    text = json.dumps if suffix == ".json" else yaml.safe_dump
    old = save(folder / "test_faxes" / f"test_send[a]{suffix}", CREATE, FETCH, MESSAGE, text=text)
    before = old.read_bytes()
    out = folder.parent / "new"

    assert convert(folder, "--out", out) == 0

    new = out / "test_faxes" / old.name
    assert replayed_first(new, 2)
    assert old.read_bytes() == before
    kept = yaml.safe_load(new.read_text())["interactions"][-1]
    assert kept == MESSAGE
    assert "1 cassettes, 2 fax interactions: 2 converted" in capsys.readouterr().out


def replayed_first(path, count):
    """Replay the fax part of a cassette."""
    data = yaml.safe_load(path.read_text())
    part = path.with_name("part" + path.suffix)
    part.write_text(json.dumps({**data, "interactions": data["interactions"][:count]}))
    return replayed(part) == ["queued", "busy"]


def test_what_cannot_be_converted_is_listed(folder, capsys):
    """With its reason, and the exit status says so; the rest is converted."""
    save(folder / "a.yaml", CREATE, UNMEDIA, FETCH)

    assert convert(folder, "--out", folder.parent / "new") == 1

    shown = capsys.readouterr().out
    assert f"2. DELETE /v1/Faxes/{SID}/Media/ME{SID[2:]}: not converted: HTTP 405" in shown
    assert "Telnyx cannot delete the media of a fax" in shown
    assert replayed(folder.parent / "new" / "a.yaml") == ["queued", "busy"]


def test_losses_are_listed(folder, capsys):
    """What a program sees differently is told, without a number."""
    priced = interaction("GET", FAX["url"], "", 200, {**FAX, "price": "-0.0140", "error": NUMBER})
    save(folder / f"test{NUMBER}.yaml", priced)

    assert convert(folder, "--out", folder.parent / "new") == 1

    shown = capsys.readouterr().out
    assert "differs: price: Telnyx gives no price for a fax" in shown
    assert "differs: error: the client has no such field" in shown
    assert "5550123" not in shown


def test_pages_and_duration_are_none(folder, capsys):
    """Telnyx's reads have neither, so a converted read has neither, and says so."""
    delivered = {**FAX, "status": "delivered", "num_pages": 3, "duration": "42"}
    save(folder / "a.yaml", interaction("GET", FAX["url"], "", 200, delivered))

    assert convert(folder, "--out", folder.parent / "new") == 1

    shown = capsys.readouterr().out
    assert "differs: num_pages: Telnyx reports it in webhooks only" in shown
    assert "differs: duration: Telnyx reports it in webhooks only" in shown
    (one,) = yaml.safe_load((folder.parent / "new" / "a.yaml").read_text())["interactions"]
    fax = json.loads(one["response"]["body"]["string"])["data"]
    assert fax["status"] == "delivered"
    assert not {"page_count", "call_duration_secs"} & set(fax)


def test_what_is_left_out_is_noted(folder, capsys):
    """An argument without an equal changes no answer, and no exit status."""
    create = interaction("POST", f"{API}/Faxes", FORM + "&Ttl=5", 201, CREATED)
    save(folder / "a.yaml", create)

    assert convert(folder, "--out", folder.parent / "new") == 0
    assert "1. POST /v1/Faxes: note: ttl: Telnyx has no limit" in capsys.readouterr().out


def test_a_fictional_number_stays_and_is_no_others(folder):
    """Whichever of them is seen first."""
    other = {**FAX, "to": "+15005550100"}
    save(folder / "a.yaml", FETCH)
    save(folder / "b.yaml", interaction("GET", FAX["url"], "", 200, other))

    assert convert(folder, "--out", folder.parent / "new", "--scrub") == 0

    ends = set()
    for path in (folder.parent / "new").iterdir():
        (one,) = yaml.safe_load(path.read_text())["interactions"]
        fax = json.loads(one["response"]["body"]["string"])["data"]
        ends |= {fax["from"], fax["to"]}
    assert len(ends) == 3
    assert "+15005550100" in ends


@pytest.mark.parametrize("kind", ["gzip", "gzip unpacked", "bytes", "base64", "form bytes"])
def test_bodies_of_all_kinds(folder, kind):
    """As the releases of vcrpy and its filters wrote them."""
    create, fetch = json.loads(json.dumps([CREATE, FETCH]))
    for one in (create, fetch):
        body, headers = one["response"]["body"], one["response"]["headers"]
        if kind.startswith("gzip"):
            headers["Content-Encoding"] = ["gzip"]
        if kind == "gzip":
            body["string"] = gzip.compress(body["string"].encode())
        elif kind == "bytes":
            body["string"] = body["string"].encode()
        elif kind == "base64":
            one["response"]["body"] = {"base64_string": b64encode(body["string"].encode()).decode()}
    if kind == "form bytes":
        create["request"]["body"] = FORM.encode()
    elif kind == "base64":
        create["request"]["body"] = {"base64_string": b64encode(FORM.encode()).decode()}
    save(folder / "a.yaml", create, fetch, text=yaml.dump)

    assert convert(folder, "--out", folder.parent / "new") == 0
    assert replayed(folder.parent / "new" / "a.yaml") == ["queued", "busy"]


def test_scrubbed(folder):
    """No number, account, credential or signature is left in the bytes of what is written."""
    account = "ACd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    login = b64encode(f"{account}:{SECRET}".encode()).decode()
    link = "https://media.twiliocdn.com/a?Expires=1614834367&Signature=Zm9vYmFy&Key-Pair-Id=K1"
    seen = {**FAX, "media_url": link, "media_sid": "ME" + SID[2:], "status": "delivered"}
    seen["account_sid"] = account
    packed = gzip.compress(json.dumps({"numbers": [NUMBER, 14155550123], "token": SECRET}).encode())
    other = interaction(
        "GET", f"https://api.twilio.com/x/{account}?From=%2B14155550123", "", 200, {}
    )
    other["response"]["body"]["string"] = packed
    other["response"]["headers"]["Content-Encoding"] = ["gzip"]
    document = interaction("GET", link, "", 200, {})
    login_in_url = FORM.replace("example.com", "bob%3Ahunter22%40example.com")
    create = interaction(
        "POST", f"{API}/Faxes", login_in_url, 201, {**CREATED, "account_sid": account}
    )
    everything = [create, interaction("GET", FAX["url"], "", 200, seen), MESSAGE, other, document]
    for one in everything:
        one["request"]["headers"]["Authorization"] = ["Basic " + login]
        one["response"]["headers"]["Set-Cookie"] = ["session=5up3rs3cr3t"]
    save(
        folder / "a.yaml", *json.loads(json.dumps(everything[:3])), other, document, text=yaml.dump
    )
    save(folder / "b.json", MESSAGE, text=json.dumps)

    assert convert(folder, "--out", folder.parent / "new", "--scrub") == 0

    written = b""
    for path in sorted((folder.parent / "new").rglob("*")):
        written += path.read_bytes()
        for one in yaml.safe_load(path.read_text())["interactions"]:
            body = one["response"]["body"]["string"]
            written += gzip.decompress(body) if isinstance(body, bytes) else b""
    private = ["4155550123", "2071838750", "7183 8750", "555-0123", account, SECRET, login]
    private += ["Zm9vYmFy", "5up3rs3cr3t", "hunter22", "Expires=1614"]
    assert [word for word in private if word.encode() in written] == []
    assert b"+1500555" in written


def test_the_same_number_stays_the_same(folder):
    """Across files, so that recordings still fit together."""
    save(folder / "a.yaml", FETCH)
    save(folder / "b.yaml", CREATE)

    assert convert(folder, "--out", folder.parent / "new", "--scrub") == 0

    faxes = []
    for name in ("a.yaml", "b.yaml"):
        one = yaml.safe_load((folder.parent / "new" / name).read_text())["interactions"][0]
        faxes.append(json.loads(one["response"]["body"]["string"])["data"])
    assert [faxes[0][end] for end in ("from", "to")] == [faxes[1][end] for end in ("from", "to")]
    assert faxes[0]["from"] != faxes[0]["to"]


def test_the_input_is_never_overwritten(folder, capsys):
    """Neither directly nor by another name of the same file."""
    path = save(folder / "a.yaml", CREATE)
    before = path.read_bytes()
    linked = folder.parent / "linked"
    linked.mkdir()
    os.link(path, linked / "a.yaml")

    assert convert(folder, "--out", folder) == 2
    assert convert(path, "--out", linked) == 2
    assert path.read_bytes() == before
    assert "would overwrite" in capsys.readouterr().err


def test_a_second_run_does_the_same(folder):
    """With the new ones below the old: they are not taken for old ones."""
    save(folder / "a.yaml", CREATE, FETCH)

    for _ in range(2):
        assert convert(folder, "--out", folder / "telnyx") == 0
    assert sorted(path.name for path in folder.rglob("*.yaml")) == ["a.yaml", "a.yaml"]


def test_what_is_no_cassette(folder, capsys):
    """It is an error if it was named, and skipped in a folder."""
    other = folder / "settings.yaml"
    other.write_text("a: 1")
    out = folder.parent / "new"

    assert convert(other, "--out", out) == 2
    save(folder / "good.yaml", CREATE)
    assert convert(folder, "--out", out) == 0

    assert (
        capsys.readouterr().err.count("settings.yaml is not a cassette: it has no interactions")
        == 2
    )
    assert [path.name for path in out.iterdir()] == ["good.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interactions: [1", "line 2: did not find expected"),
        ("- request: {}\n  response: {}", "vcr.migration"),
        ("interactions:\n- !!python/name:os.system", "line 2: the tag !!python/name:os.system"),
    ],
)
def test_a_broken_recording(folder, text, words, capsys):
    """It is an error if it was named; in a folder the others are converted, and the status is 1."""
    bad = folder / "bad.yaml"
    bad.write_text(text)
    out = folder.parent / "new"

    assert convert(bad, "--out", out) == 2
    assert not out.exists()
    save(folder / "good.yaml", CREATE)
    assert convert(folder, "--out", out) == 1

    printed = capsys.readouterr()
    assert printed.err.count(words) == 2
    assert "1 files not read" in printed.out
    assert [line.count("bad.yaml") for line in printed.err.splitlines()] == [1, 1]
    assert [path.name for path in out.iterdir()] == ["good.yaml"]


def test_what_is_not_there(folder, capsys):
    """Nothing is written."""
    assert convert(folder / "no.yaml", "--out", folder.parent / "new") == 2
    assert convert(folder, "--out", folder.parent / "new") == 2
    with pytest.raises(SystemExit) as ended:
        convert(folder)

    assert ended.value.code == 2
    assert not (folder.parent / "new").exists()
    assert "no.yaml does not exist" in capsys.readouterr().err


def test_without_faxes_a_file_is_copied(folder):
    """Byte for byte."""
    path = save(folder / "a.yaml", MESSAGE)
    path.write_text("# ours\n" + path.read_text())

    assert convert(folder, "--out", folder.parent / "new") == 0
    assert (folder.parent / "new" / "a.yaml").read_bytes() == path.read_bytes()


def test_the_credentials_of_the_recording_are_left_out(folder):
    """Even without being asked to scrub."""
    create = json.loads(json.dumps(CREATE))
    create["request"]["headers"]["Authorization"] = ["Basic QUM6c2VjcmV0"]
    save(folder / "a.yaml", create)

    assert convert(folder, "--out", folder.parent / "new") == 0
    written = (folder.parent / "new" / "a.yaml").read_text()
    assert "QUM6c2VjcmV0" not in written
    assert b64decode("QUM6c2VjcmV0").decode() not in written


def test_it_names_its_extra(folder):
    """Without PyYAML the error says what to install."""
    path = save(folder / "a.yaml", CREATE)
    code = (
        "import sys; sys.modules['yaml'] = None; from twilio_fax_compat.__main__ import main; "
        f"sys.exit(main(['cassettes', 'convert', {str(path)!r}, '--out', 'new']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder
    )

    assert done.returncode == 1
    assert "pip install 'twilio-fax-compat[pytest]'" in done.stderr
    assert "Traceback" not in done.stderr
