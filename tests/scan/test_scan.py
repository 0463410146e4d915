"""``twilio-fax-compat scan``: every use is found, none is invented, and a fix works."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.scan.programs import OTHERS, PROGRAMS
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.scan.uses import KINDS, VERDICTS
from twilio_fax_compat.scan.python_files import read_python

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")


def scanned(capsys, *words):
    """Return the exit status and the findings."""
    status = main(["scan", "--json", *map(str, words)])
    return status, json.loads(capsys.readouterr().out)


def marked(source):
    """Return what the marks of a program say: line and kind."""
    wanted = Counter()
    for number, line in enumerate(source.splitlines(), 1):
        for kind in re.findall(r">(\w+)", line.partition("#")[2]):
            if kind == "call_above":
                wanted[number - 1, "call"] += 1
            elif kind == "client_or_alias":
                wanted[number, "client"] += 1
            else:
                wanted[number, kind] += 1
    return wanted


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_use_is_found(name):
    """On its line, and no other."""
    found = read_python(PROGRAMS[name].encode())
    uses = Counter(
        (use.line, use.kind) for use in [*found.uses, *(use for use, _ in found.clients)]
    )
    assert uses == marked(PROGRAMS[name])


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_is_invented(tmp_path, capsys, name):
    """Modules that use other products of Twilio, or the word fax."""
    (tmp_path / "module.py").write_text(OTHERS[name])
    status, data = scanned(capsys, tmp_path)
    assert (status, data["files"]) == (0, [])
    assert data["summary"]["text"] == "No use of Twilio's fax API was found."


def test_the_table():
    """Each kind has a verdict, what is not unchanged says what to do, and each chapter exists."""
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", GUIDE, re.MULTILINE)
    }
    for kind in KINDS.values():
        assert kind.verdict in VERDICTS
        assert kind.instead or kind.verdict == "works unchanged"
        assert not kind.chapter or kind.chapter in anchors


@pytest.mark.parametrize(
    ("names", "status"),
    [(["script"], 0), (["script", "price"], 1), (["script", "price", "sip"], 2)],
)
def test_the_exit_status(tmp_path, capsys, names, status):
    for name in names:
        (tmp_path / f"{name}.py").write_text(PROGRAMS[name])
    found, data = scanned(capsys, tmp_path)
    assert found == status
    assert sum(data["summary"]["verdicts"].values()) == sum(
        len(file["uses"]) for file in data["files"]
    )
    for file in data["files"]:
        for use in file["uses"]:
            assert set(use) == {"line", "column", "what", "verdict", "why", "instead"}


def test_a_client_of_a_sibling(tmp_path, capsys):
    """The module that builds the client makes no fax call itself, and its import must change too."""
    (tmp_path / "clients.py").write_text(
        "from twilio.rest import Client\n\nclient = Client()\nfaxes = client.fax.faxes\n"
    )
    (tmp_path / "plain.py").write_text("from twilio.rest import Client\n\nclient = Client()\n")
    (tmp_path / "user.py").write_text(
        "from clients import faxes\nfrom plain import client\n\n"
        "faxes.create(to='+15005550009', media_url='u')\nclient.fax.faxes.list()\n"
    )
    (tmp_path / "sms.py").write_text("from twilio.rest import Client\nClient().messages.list()\n")
    _, data = scanned(capsys, tmp_path)
    paths = {Path(file["path"]).name: file["uses"] for file in data["files"]}
    assert set(paths) == {"clients.py", "plain.py", "user.py"}
    assert [use["line"] for use in paths["user.py"]] == [4, 5]


def test_what_is_not_python(tmp_path, capsys):
    """Other languages, requirements, and environment files, whose secrets are not shown."""
    files = {
        "send.php": '$twilio->fax->v1->faxes->create("+1", "u");\n',
        "send.js": "client.fax.faxes.create({to})\n// client.messages.create\n",
        "Send.java": "import com.twilio.rest.fax.v1.Fax;\n",
        "Send.cs": "FaxResource.Create(to, url);\n",
        "send.rb": "client.fax.faxes.create(to: to)\n",
        "send.sh": "curl https://fax.twilio.com/v1/Faxes\n",
        "requirements.txt": "twilio==7.5.1\ntwilio-stubs\nflask\n",
        ".env": "TWILIO_AUTH_TOKEN=s3cret\nTWILIO_ACCOUNT_SID=AC1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "app.py").write_text(PROGRAMS["script"])
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("client.fax.faxes.list()\n")
    status, data = scanned(capsys, tmp_path)
    counted = {Path(file["path"]).name: len(file["uses"]) for file in data["files"]}
    assert counted == {**dict.fromkeys(files, 1), "app.py": 2}
    assert status == 0
    assert "s3cret" not in json.dumps(data)


def test_odd_files(tmp_path, capsys):
    """Broken and binary files, other encodings and loops of links do not end the scan."""
    (tmp_path / "broken.py").write_text("from twilio.rest import Client\nfax = (\n")
    (tmp_path / "binary.py").write_bytes(b"fax\x00\xff\xfe")
    (tmp_path / "latin.py").write_bytes(
        b"# -*- coding: latin-1 -*-\n# \xe9\nclient.fax.faxes.list()\n"
    )
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "empty.py").write_text("")
    status, data = scanned(capsys, tmp_path)
    whats = {Path(file["path"]).name: file["uses"][0]["what"] for file in data["files"]}
    assert whats["latin.py"].startswith("fax call")
    assert "cannot be read" in whats["broken.py"]
    assert status == 1
    assert main(["scan", str(tmp_path / "nowhere")]) == 3


def test_for_people(tmp_path, capsys):
    """The headline first, no colour in a pipe, and each finding with its place."""
    (tmp_path / "app.py").write_text(PROGRAMS["sip"])
    assert main(["scan", str(tmp_path)]) == 2
    text = capsys.readouterr().out
    assert text.startswith("Some of this program cannot work on Telnyx.")
    assert "\x1b" not in text
    assert "SIP credentials: sip_auth_username" in text
    assert "let the destination accept Telnyx by address" in text


def test_sarif(tmp_path, capsys):
    """For code hosts: each rule is defined, each result has its place."""
    (tmp_path / "app.py").write_text(PROGRAMS["sip"])
    assert main(["scan", "--sarif", str(tmp_path)]) == 2
    data = json.loads(capsys.readouterr().out)
    (run,) = data["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert data["version"] == "2.1.0"
    assert len(run["results"]) == 4
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 0


FLASK = PROGRAMS["flask"].replace(
    "app = Flask(__name__)", "app = Flask(\n    __name__,  # the name\n)"
)


def test_a_fix(tmp_path, capsys):
    """Formatting and comments stay, the diff says the same, and a second fix changes nothing."""
    app, client = tmp_path / "app.py", tmp_path / "client.py"
    app.write_bytes(FLASK.replace("\n", "\r\n").encode())
    client.write_text(PROGRAMS["script"].replace("Client  #", "Client  # old"))
    assert main(["scan", "--diff", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "+from twilio_fax_compat.webhooks import WSGIMiddleware" in shown
    assert app.read_bytes() == FLASK.replace("\n", "\r\n").encode()

    assert main(["scan", "--fix", str(tmp_path)]) == 0
    fixed = app.read_bytes().decode()
    assert "app = Flask(\r\n    __name__,  # the name\r\n)\r\napp.wsgi_app = WSGI" in fixed
    assert "from twilio_fax_compat.twiml.fax_response import FaxResponse  # >twiml" in fixed
    assert fixed.count("\n") == fixed.count("\r\n")
    assert "from twilio_fax_compat.rest import Client  # old" in client.read_text()
    before = app.read_bytes(), client.read_bytes()
    assert main(["scan", "--fix", str(tmp_path)]) == 0
    assert (app.read_bytes(), client.read_bytes()) == before


def test_what_a_fix_is_not_sure_of(tmp_path, capsys):
    """An import with other names stays, and is listed."""
    path = tmp_path / "app.py"
    source = "from twilio.rest import Client, TwilioClient\nClient().fax.faxes.list()\n"
    path.write_text(source)
    assert main(["scan", "--fix", str(tmp_path)]) == 1
    assert path.read_text() == source
    assert "needs a look" in capsys.readouterr().out


def test_a_dirty_tree_is_not_changed(tmp_path, capsys):
    """Unless that is forced."""
    path = tmp_path / "app.py"
    path.write_text(PROGRAMS["script"])
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main(["scan", "--fix", str(tmp_path)]) == 3
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == PROGRAMS["script"]
    assert main(["scan", "--fix", "--force", str(tmp_path)]) == 0
    assert "twilio_fax_compat" in path.read_text()


@pytest.mark.parametrize("suite", ["flask_app", "polling_script", "unittest_patch", "impossible"])
def test_the_suites(suite, capsys):
    """Every line with a fax call in it is found."""
    _, data = scanned(capsys, ROOT / "tests" / "suites" / suite)
    found = {(file["path"], use["line"]) for file in data["files"] for use in file["uses"]}
    for path in (ROOT / "tests" / "suites" / suite).rglob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\.fax\.(v1\.)?faxes\b(\(|\.(create|list|stream)\()", line):
                assert (str(path), number) in found
