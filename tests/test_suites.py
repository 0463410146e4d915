"""
Legacy test suites, as projects of the Twilio years have them, give the same verdicts everywhere.

Each folder of ``tests/suites`` is such a project; its README tells what each shows.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import attr
import pytest

from tests.base.libraries import needs_751

HERE = Path(__file__).parent
SUITES = HERE / "suites"


@attr.frozen
class Suite:
    """
    A project, and how many of its tests pass with Twilio.

    *calls_twilio*: it needs the real API. *own_runner*: what runs it when pytest does not.
    """

    name: str
    passes: int
    calls_twilio: bool = False
    packages: tuple = ()
    own_runner: tuple = ()

    def __str__(self):
        return self.name


EVERY = [
    Suite("unittest_patch", 19, packages=("freezegun",), own_runner=("-m", "unittest", "-v")),
    Suite("pytest_http_client", 24),
    Suite("responses_stubs", 14, packages=("responses", "requests_mock")),
    Suite("vcr_cassettes", 11, packages=("vcr", "pytest_recording")),
    Suite("flask_app", 13, packages=("flask",)),
    Suite("django_app", 12, packages=("pytest_django",), own_runner=("manage.py", "test")),
    Suite("polling_script", 12, calls_twilio=True),
    Suite("impossible", 5, calls_twilio=True),
]
each = pytest.mark.parametrize("suite", EVERY, ids=str)


@attr.frozen
class Run:
    """What came of a run: the verdict of each test, the exit status, and what was printed."""

    verdicts: dict
    status: int
    printed: str

    @property
    def counts(self):
        verdicts = list(self.verdicts.values())
        return {verdict: verdicts.count(verdict) for verdict in set(verdicts)}


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
    """Run a suite by pytest in a process of its own."""

    def run(suite, *options, around=(), environ=None):
        told = tmp_path / "verdicts.xml"
        written = ("-p", "no:cacheprovider", f"--junitxml={told}")
        done = python(copied(suite), "-m", *around, "pytest", *written, *options, environ=environ)
        assert told.exists(), done.stdout + done.stderr
        return Run(verdicts_of(told), done.returncode, done.stdout + done.stderr)

    return run


def python(place, *arguments, environ=None):
    """Run Python in the folder *place* and return what came of it."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env=environment(environ or {}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def environment(more):
    """Return the variables of a machine that has neither Twilio's nor Telnyx's."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TWILIO_", "TELNYX_", "PYTEST_", "DJANGO_"))
    }
    paths = [str(HERE.parent), *filter(None, [own.get("PYTHONPATH")])]
    fixed = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**own, **fixed, **more}


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
    done = run(suite, around=("tests.standin",) if suite.calls_twilio else ())

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
def test_a_suite_knows_nothing_of_us(suite):
    """No file of a suite names this package, or Telnyx."""
    texts = [path.read_bytes().lower() for path in files_of(SUITES / suite.name)]

    assert texts
    assert not [text for text in texts if b"twilio_fax_compat" in text or b"telnyx" in text]
