"""Suites in Twilio's words, each run by a pytest of its own."""

import json
import os
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

APP = '''
"""An application of the Twilio years."""

from twilio.rest import Client


def client():
    return Client("AC00000000000000000000000000000001", "token")


def send(to="+15005550009", **options):
    return client().fax.faxes.create(
        to=to, from_="+15005550006", media_url="https://www.example.com/fax.pdf", **options
    )


def wait(sid):
    while True:
        fax = client().fax.faxes(sid).fetch()
        if fax.status not in ("queued", "processing", "sending"):
            return fax.status
'''


def _is_registered():
    return any(
        (point.group, point.name) == ("pytest11", "twilio_fax_compat")
        for distribution in distributions()
        for point in distribution.entry_points
    )


REGISTER = () if _is_registered() else ("-p", "twilio_fax_compat.pytest_plugin")


class Suite:
    """A suite in a directory of its own."""

    def __init__(self, pytester):
        self.pytester = pytester
        pytester.makepyfile(app=APP)

    def test(self, source, name="test_suite"):
        """Write a file of tests."""
        self.pytester.makepyfile(**{name: source})

    def run(self, *options, backend="emulator"):
        """Run it and return pytester's result."""
        chosen = [] if backend is None else [f"--fax-backend={backend}"]
        return self.pytester.runpytest_subprocess(
            *REGISTER, *chosen, "-p", "no:cacheprovider", *options
        )

    def report(self, *options, backend="emulator"):
        """Run it and return the result and the JSON report, its tests by their names."""
        path = self.pytester.path / "report.json"
        result = self.run(f"--fax-report={path}", *options, backend=backend)
        told = json.loads(path.read_text())
        told["tests"] = {test["nodeid"].rpartition("::")[2]: test for test in told["tests"]}
        return result, told


@pytest.fixture
def suite(pytester, monkeypatch):
    """Give an empty suite with its application, `APP`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name in [*os.environ]:
        if name.startswith(("TELNYX_", "TWILIO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Suite(pytester)
