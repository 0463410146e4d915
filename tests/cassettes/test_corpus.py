"""Recordings in the forms of vcrpy 1 to 9 are converted and replayed, and hostile ones run no code."""

import json
import re

import pytest
import vcr
import yaml

from tests.cassettes.corpus import FORMS, NUMBER, OTHER, SID
from tests.cassettes.hostile import HOSTILE, HOSTILE_JSON
from tests.cassettes.scripts import MATCH_ON, our_client
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.cassettes.files import BrokenCassette, read
from twilio_fax_compat.cassettes.loader import parse
from twilio_fax_compat.cassettes.safe_vcrpy import SafeLoading


def written(folder, form):
    path = folder / ("a" + form.suffix)
    path.write_bytes(form.text.encode())
    return path


def convert(*arguments):
    return main(["cassettes", "convert", *map(str, arguments)])


def test_the_corpus_is_large():
    """And no form is there twice."""
    names = [form.name for form in FORMS]
    assert len(set(names)) == len(names)
    assert len(names) + len(HOSTILE) + len(HOSTILE_JSON) >= 100


@pytest.mark.parametrize("options", [(), ("--scrub",)], ids=["whole", "scrubbed"])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_each_form_is_converted_and_replayed(tmp_path, form, options, capsys):
    """Our client gets what was recorded, and scrubbed files hold no number."""
    path = written(tmp_path, form)
    assert convert(path, "--out", tmp_path / "new", *options) == 0, capsys.readouterr()

    new = tmp_path / "new" / path.name
    with vcr.use_cassette(
        str(new),
        serializer="json" if form.suffix == ".json" else "yaml",
        record_mode="none",
        match_on=MATCH_ON,
    ) as cassette:
        client = our_client()
        fax = client.fax.faxes.create(OTHER, "https://example.com/a.pdf", from_=NUMBER)
        assert (fax.sid, fax.status, fax.fetch().status) == (SID, "queued", "busy")
        assert cassette.all_played
    if options:
        assert not [end for end in ("4155550123", "2071838750") if end in new.read_text()]
        assert (fax.from_, fax.to) != (NUMBER, OTHER)
    else:
        assert (fax.from_, fax.to) == (NUMBER, OTHER)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_vcrpy_gets_what_it_expects(tmp_path, form):
    """Loaded with our loader, vcrpy plays each form; a body that was a file is a file."""
    path = written(tmp_path, form)
    loading = SafeLoading()
    loading.start()
    try:
        serializer = "json" if form.suffix == ".json" else "yaml"
        with vcr.use_cassette(str(path), serializer=serializer, record_mode="none") as cassette:
            created, fetched = cassette.requests
            assert (created.method, fetched.uri[-34:]) == ("POST", SID)
            text = created.body.read() if hasattr(created.body, "read") else created.body
            if "posted from an iterator" in form.name:
                text = b"".join(text)
            if "base64" not in form.name and "as a string" not in form.name:
                assert b"MediaUrl" in (text if isinstance(text, bytes) else text.encode())
    finally:
        loading.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_recordings_run_no_code(tmp_path, name, capsys):
    """By the command, and by vcrpy under our loader: refused with file and line."""
    text, words = HOSTILE[name]
    marker = tmp_path / "marker"
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("MARKER", str(marker)))

    assert convert(path, "--out", tmp_path / "new") == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "bad.yaml" in printed.err
    assert len(printed.err.splitlines()) == 1

    if name != "vcrpy before 1.0":
        loading = SafeLoading()
        loading.start()
        try:
            with pytest.raises(BrokenCassette) as caught, vcr.use_cassette(str(path)):
                pass
        finally:
            loading.stop()
        assert words in str(caught.value)
        assert str(path) in str(caught.value)
    assert not marker.exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_refused(tmp_path, name):
    """Without a traceback of the parser."""
    text, words = HOSTILE_JSON[name]
    path = tmp_path / "bad.json"
    path.write_text(text)

    with pytest.raises(BrokenCassette, match=words):
        read(path)


IS_SAFE = tuple(map(int, re.findall("[0-9]+", vcr.__version__)[:3])) >= (8, 2, 1)


@pytest.mark.skipif(IS_SAFE, reason="this vcrpy runs no code")
def test_vcrpy_alone_would_run_it(tmp_path):
    """The danger is real: without our loader the file is created."""
    marker, path = tmp_path / "marker", tmp_path / "bad.yaml"
    path.write_text(HOSTILE["os.system"][0].replace("MARKER", str(marker)))

    with vcr.use_cassette(str(path)):
        pass

    assert marker.exists()


def test_vcrpy_gets_its_own_functions_back(tmp_path):
    """After the run, also where an error ended it."""
    from vcr.cassette import Cassette
    from vcr.serializers import jsonserializer, yamlserializer

    before = yamlserializer.deserialize, jsonserializer.deserialize, Cassette._load
    loading = SafeLoading()
    loading.start()
    assert before[0] is not yamlserializer.deserialize
    loading.stop()

    assert before == (yamlserializer.deserialize, jsonserializer.deserialize, Cassette._load)


def test_a_serializer_of_the_suite_stays(tmp_path):
    """It is the suite's own code."""

    class Own:
        @staticmethod
        def deserialize(text):
            return {"interactions": json.loads(text)["own"]}

        @staticmethod
        def serialize(data):
            return json.dumps({"own": data["interactions"]})

    recorder = vcr.VCR()
    recorder.register_serializer("own", Own)
    path = tmp_path / "a.own"
    path.write_text('{"own": []}')
    loading = SafeLoading()
    loading.start()
    try:
        with recorder.use_cassette(str(path), serializer="own") as cassette:
            assert len(cassette) == 0
    finally:
        loading.stop()


@pytest.mark.parametrize("form", [form for form in FORMS if form.suffix == ".json"], ids=str)
def test_json_is_read_as_json_reads_it(form):
    """Our loader changes nothing."""
    assert parse(form.text, "json") == json.loads(form.text)


def test_yaml_is_read_as_yaml_reads_it():
    """What has only YAML's own tags, but for times, which are text."""
    text = "a: 1\nb: [x, 1.5, true, null, 0x1F, 1e3]\nc: !!binary aGk=\nd: &d {e: f}\ng: {<<: *d, h: i}\n"
    assert parse(text, "yaml") == yaml.safe_load(text)
    assert parse("a: 2021-03-04", "yaml") == {"a": "2021-03-04"}


def test_a_file_that_is_too_large(tmp_path):
    """It is refused before it is parsed."""
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.write(b"interactions: []\n#")
        file.truncate(65 * 1024 * 1024)

    with pytest.raises(BrokenCassette, match="larger than 64 MiB"):
        read(path)
