"""The command line, before any command does its work."""

import re
import subprocess
import sys

import pytest

from twilio_fax_compat.__main__ import COMMANDS, main


def test_without_a_command_it_explains_itself(capsys):
    """Whoever tries it first has not made an error."""
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert "Example: " in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_an_example(name, capsys):
    """Its help shows a whole command line; so does the help of each of its subjects."""
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"(?i)example.*: +twilio-fax-compat {name}", text)


def test_a_reader_that_has_seen_enough():
    """As with `| head -1`: no traceback."""
    command = f"{sys.executable} -m twilio_fax_compat demo | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("Telnyx is simulated")
    assert done.stderr == ""
