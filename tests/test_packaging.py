"""What is installed is whole and light."""

import subprocess
import sys
from pathlib import Path

import pytest

import twilio_fax_compat

ROOT = Path(twilio_fax_compat.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def test_files_are_short():
    """A file can be read in one sitting."""
    for path in FILES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 450, path.name


def test_the_package_is_typed():
    """Type checkers of users see our hints."""
    assert ROOT.joinpath("py.typed").exists()


def test_the_emulator_names_its_extra():
    """Without the extra's packages the error says what to install."""
    code = (
        "import sys; sys.modules['starlette'] = None; sys.modules['uvicorn'] = None\n"
        "import twilio_fax_compat.testing\n"
        "try: twilio_fax_compat.testing.TelnyxEmulator\n"
        "except ImportError as error: print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'twilio-fax-compat[emulator]'" in shown.stdout


@pytest.mark.parametrize("command", ["demo", "emulator"])
def test_the_commands_name_their_extra(command):
    """So do the commands."""
    code = (
        "import sys; sys.modules['starlette'] = None; from twilio_fax_compat.__main__ import main; "
        f"sys.exit(main(['{command}']))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert shown.returncode == 1
    assert "pip install 'twilio-fax-compat[emulator]'" in shown.stderr
    assert "Traceback" not in shown.stderr
