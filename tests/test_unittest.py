"""Suites without pytest: ``python -m twilio_fax_compat.unittest`` and Django's ``TEST_RUNNER``."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SUITES = Path(__file__).parent / "suites"

TESTS = """
import os, socket, unittest
from twilio.rest import Client


class TestFax(unittest.TestCase):
    def test_it(self):
        client = Client("AC1", "token")
        fax = client.fax.faxes.create(
            to="+15005550009", from_="+15005550006", media_url="https://www.example.com/a.pdf",
            status_callback="https://app.example.com/status",
        )
        while fax.status != "delivered":
            fax = client.fax.faxes(fax.sid).fetch()

    def test_settings(self):
        self.assertTrue(os.environ["TELNYX_PUBLIC_KEY"])

    if "BLOCKED" in os.environ:
        def test_blocked(self):
            try:
                socket.create_connection(("fax.twilio.com", 443))
            except OSError:
                pass
"""


def run(place, *command, **environ):
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TELNYX_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=place,
        env={**plain, "PYTHONPATH": os.pathsep.join(paths), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_unittest(tmp_path):
    """It discovers tests as unittest does, runs them on the emulator, and its status is true."""
    (tmp_path / "test_fax.py").write_text(TESTS)

    done = run(tmp_path, "-m", "twilio_fax_compat.unittest")
    assert (done.returncode, "Ran 2 tests" in done.stderr) == (0, True), done.stderr
    done = run(tmp_path, "-m", "twilio_fax_compat.unittest", "-v", BLOCKED="1")
    assert done.returncode == 1, done.stderr
    assert "failed: the connection to fax.twilio.com is blocked" in done.stderr


def test_the_missing_extra_is_named(tmp_path):
    """Without the emulator's packages the error says what to install."""
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError(name='starlette')")
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(name='uvicorn')")
    (tmp_path / "nacl.py").write_text("raise ModuleNotFoundError(name='nacl')")
    done = run(tmp_path, "-m", "twilio_fax_compat.unittest")

    assert done.returncode == 2
    assert "pip install 'twilio-fax-compat[emulator]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(find_spec("django") is None, reason="needs django")
def test_django(tmp_path):
    """A Django project runs its own ``manage.py test`` with one setting."""
    place = tmp_path / "django_app"
    shutil.copytree(SUITES / "django_app", place)
    (place / "fax_settings.py").write_text(
        "from office.settings import *\nTEST_RUNNER = 'twilio_fax_compat.unittest.DjangoRunner'\n"
    )
    (place / "letters" / "test_fax.py").write_text(
        TESTS.replace("unittest.TestCase", "SimpleTestCase").replace(
            "import os, socket, unittest",
            "import os, socket\nfrom django.test import SimpleTestCase",
        )
    )
    done = run(place, "manage.py", "test", "--settings=fax_settings", "letters.test_fax")

    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr
