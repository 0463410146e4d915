"""Real servers whose workers are killed while handlers misbehave: the short form of the soak."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="finds workers in /proc")
def test_no_event_is_lost_and_none_is_repeated():
    """Under gunicorn (sync, gthread, preload), uvicorn and waitress; see benchmarks for the long form."""
    pytest.importorskip("gunicorn")
    command = [sys.executable, "benchmarks/callbacks_soak.py", "--events", "24", "--at-once", "5"]
    command += ["--lease", "4", "--kill-every", "3", "--limit", "40"]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert len(lines) == 5
    for line in lines:
        assert "acknowledged: 24, lost: 0, waiting: 0, repeated: 0" in line
