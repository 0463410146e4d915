"""
Legacy test suites, as projects of the Twilio years have them, give the same verdicts everywhere.

Each folder of ``tests/suites`` is such a project; its README tells what each shows.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import attr
import pytest

from tests.base.libraries import needs_751
from tests.pytest_plugin.conftest import REGISTER
from twilio_fax_compat.testing import TelnyxEmulator

HERE = Path(__file__).parent
SUITES = HERE / "suites"


@attr.frozen
class Suite:
    """
    A project, and how many of its tests pass with Twilio.

    *replays*: how many have recordings or stubs of Twilio. *calls_twilio*: it needs the real API. *own_runner*: what runs it when pytest does not. *fails*:
    the tests that cannot pass on Telnyx, and why. *fails_in_replay*: those that cannot pass without webhooks.
    """

    name: str
    passes: int
    replays: int = 0
    calls_twilio: bool = False
    packages: tuple = ()
    own_runner: tuple = ()
    fails: dict = attr.Factory(dict)
    fails_in_replay: dict = attr.Factory(dict)

    def __str__(self):
        return self.name


IMPOSSIBLE = {
    "test_documents_go_and_the_record_stays": "Telnyx cannot delete the media of a fax",
    "test_a_trunk_that_wants_a_password": "Telnyx cannot log in to a SIP destination",
    "test_what_a_fax_costs": "Telnyx reports no price with a fax",
}
EVERY = [
    Suite("unittest_patch", 19, packages=("freezegun",), own_runner=("-m", "unittest", "-v")),
    Suite("pytest_http_client", 28, replays=1),
    Suite("responses_stubs", 14, replays=14, packages=("responses", "requests_mock")),
    Suite(
        "vcr_cassettes",
        11,
        replays=11,
        packages=("vcr", "pytest_recording"),
        fails_in_replay={"test_inbox": "num_pages is None: Telnyx gives it only in webhooks"},
    ),
    Suite("flask_app", 13, packages=("flask",)),
    Suite("django_app", 12, packages=("pytest_django",), own_runner=("manage.py", "test")),
    Suite("polling_script", 12, calls_twilio=True),
    Suite("impossible", 5, calls_twilio=True, fails=IMPOSSIBLE),
]
ACCOUNT = {
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
}
TO = "+15005550009"
each = pytest.mark.parametrize("suite", EVERY, ids=str)


@attr.frozen
class Run:
    """What came of a run: each test's verdict, the exit status, what was printed, the report."""

    verdicts: dict
    status: int
    printed: str
    report: dict

    @property
    def counts(self):
        verdicts = list(self.verdicts.values())
        return {verdict: verdicts.count(verdict) for verdict in set(verdicts)}

    @property
    def reasons(self):
        """Why tests failed, by name: what the report tells."""
        return {
            test["nodeid"].rpartition("::")[2]: [
                test["reason"],
                *test["missed"],
                *[call["refused"] for call in test["calls"] if call["refused"]],
            ]
            for test in self.report["tests"]
            if test["verdict"] != "passed"
        }


@pytest.fixture(name="copied")
def _copied(tmp_path):
    """Copy a suite, and see that it stays as it was."""
    before = {}

    def copied(suite):
        for package in suite.packages:
            pytest.importorskip(package)
        place = tmp_path / suite.name
        if place not in before:
            ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
            shutil.copytree(SUITES / suite.name, place, ignore=ignored)
            before[place] = digest(place)
        return place

    yield copied
    assert {place: digest(place) for place in before} == before, "a suite runs unedited"


@pytest.fixture(name="run")
def _run(copied, tmp_path):
    """Run a suite by pytest in a process of its own, on a backend or without our plugin."""

    def run(suite, backend=None, *options, around=(), environ=()):
        told, report = tmp_path / "verdicts.xml", tmp_path / f"{backend}.json"
        command = [*around, "pytest", "-p", "no:cacheprovider", f"--junitxml={told}", *options]
        if backend is not None:
            command += [*REGISTER, f"--fax-backend={backend}", f"--fax-report={report}"]
        account = ACCOUNT if suite.calls_twilio else {}
        done = python(copied(suite), "-m", *command, environ={**account, **dict(environ)})
        printed = done.stdout + done.stderr
        assert told.exists(), printed
        written = json.loads(report.read_text()) if report.exists() else {}
        return Run(verdicts_of(told), done.returncode, printed, written)

    return run


def python(place, *arguments, environ=()):
    """Run Python in the folder *place* and return what came of it."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def around(suite):
    """Return what is to be run around pytest for the real client: Twilio, if it is called."""
    return ("tests.fakes.twilio",) if suite.calls_twilio else ()


def environment(more):
    """Return the variables of a machine that has neither Twilio's nor Telnyx's."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TWILIO_", "TELNYX_", "PYTEST_", "DJANGO_"))
    }
    paths = [str(HERE.parent), *filter(None, [own.get("PYTHONPATH")])]
    fixed = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**own, **fixed, **dict(more)}


def digest(folder):
    """Return the names and contents of a folder's files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_of(folder)
    }


def files_of(folder):
    """Return the files of a suite, without what Python and pytest leave there."""
    left = {"__pycache__", ".pytest_cache"}
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and not left & set(path.parts)
    ]


def verdicts_of(junit):
    """Return what pytest wrote down: passed, failed or skipped by test."""
    verdicts = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        told = {child.tag for child in case}
        verdict = "failed" if told & {"failure", "error"} else "passed"
        verdict = "skipped" if "skipped" in told else verdict
        verdicts[f"{case.get('classname')}::{case.get('name')}"] = verdict
    return verdicts


@needs_751
@each
def test_a_suite_passes_with_twilio(run, suite):
    """The control: nothing of ours is switched on."""
    done = run(suite, around=around(suite))

    assert done.counts == {"passed": suite.passes}, done.printed
    assert done.status == 0


@needs_751
@pytest.mark.parametrize("suite", [suite for suite in EVERY if suite.own_runner], ids=str)
def test_a_suite_passes_with_its_own_runner(copied, suite):
    """As its developers run it."""
    done = python(copied(suite), *suite.own_runner)

    assert done.returncode == 0, done.stderr
    assert f"Ran {suite.passes} tests" in done.stderr


@each
def test_a_suite_gives_the_same_verdicts_on_the_emulator(run, suite):
    """What cannot pass fails with its reason, everything else passes."""
    check_on_telnyx(suite, run(suite, "emulator"))


@pytest.mark.parametrize("suite", [suite for suite in EVERY if not suite.calls_twilio], ids=str)
def test_a_suite_gives_the_same_verdicts_in_replay(run, suite):
    """Its own cassettes and stubs of Twilio are converted while it runs."""
    done = run(suite, "replay")

    check_on_telnyx(suite, done, suite.fails_in_replay)
    replayed = [test for test in done.report["tests"] if test["kind"] == "replayed"]
    assert len(replayed) == suite.replays, done.printed
    assert all(call["is_converted"] for test in replayed for call in test["calls"])


@pytest.mark.parametrize("suite", [suite for suite in EVERY if suite.calls_twilio], ids=str)
def test_a_suite_that_calls_twilio_is_recorded_and_replayed(run, suite, tmp_path):
    """Live, then recorded, then with nobody there; the emulator is the Telnyx far away."""
    kept = f"--fax-cassettes={tmp_path / 'kept'}"
    consent = ["--fax-live-yes-really-send", f"--fax-live-to={TO}", "--fax-live-budget=20"]
    with TelnyxEmulator(moves_when_read=True) as telnyx:
        check_on_telnyx(suite, run(suite, "live", *consent, environ=telnyx.environ))
        sent = len(telnyx.journal)
        check_on_telnyx(suite, run(suite, "record", kept, *consent, environ=telnyx.environ))
        assert len(telnyx.journal) > sent > 0
    check_on_telnyx(suite, run(suite, "replay", kept))

    written = "".join(path.read_text() for path in tmp_path.joinpath("kept").rglob("*.yaml"))
    assert "/v2/faxes" in written
    assert telnyx.api_key not in written


@pytest.mark.parametrize("options", [(), ("--scrub",)], ids=["whole", "scrubbed"])
def test_a_suite_runs_on_its_converted_cassettes(copied, run, tmp_path, options):
    """With the new ones in place of the old ones, whatever it compares, bodies included."""
    (suite,) = [suite for suite in EVERY if suite.name == "vcr_cassettes"]
    tests, new, old = copied(suite) / "tests", tmp_path / "new", tmp_path / "old"
    command = ["-m", "twilio_fax_compat", "cassettes", "convert", str(tests), "--out", str(new)]
    converted = python(tmp_path, *command, *options)
    assert converted.returncode == 1, converted.stderr
    assert "24 fax interactions: 24 converted" in converted.stdout
    shutil.copytree(tests, old)
    shutil.copytree(new, tests, dirs_exist_ok=True)

    done = run(suite, "replay")

    check_on_telnyx(suite, done, suite.fails_in_replay)
    calls = [call for test in done.report["tests"] for call in test["calls"]]
    assert {call["answered_by"] for call in calls} == {"telnyx"}
    shutil.rmtree(tests)
    shutil.copytree(old, tests)


def check_on_telnyx(suite, done, more_fails=()):
    """Hold a run to what *suite* says of itself."""
    fails = {**suite.fails, **dict(more_fails)}
    assert set(done.reasons) == set(fails), done.printed
    for name, why in fails.items():
        assert why in "\n".join(done.reasons[name])
        assert why in done.printed
    assert done.counts.get("passed", 0) == suite.passes - len(fails), done.printed
    assert done.status == bool(fails)


@needs_751
@each
def test_the_report_tells_what_differs_from_twilio(run, suite, tmp_path):
    """Compared with a control run, the impossible differs and nothing else."""
    control = run(suite, "twilio", around=around(suite))
    done = run(suite, "emulator", f"--fax-compare={tmp_path / 'twilio.json'}")

    assert control.counts == {"passed": suite.passes}, control.printed
    assert set(control.verdicts) == set(done.verdicts)
    differing = {one["nodeid"].rpartition("::")[2] for one in done.report["differences"]}
    assert differing == set(suite.fails)


@each
def test_a_suite_knows_nothing_of_us(suite):
    """No file of a suite names this package, or Telnyx."""
    texts = [path.read_bytes().lower() for path in files_of(SUITES / suite.name)]

    assert texts
    assert not [text for text in texts if b"twilio_fax_compat" in text or b"telnyx" in text]
