"""The soak of `benchmarks/never_twice_soak.py`, in a short form."""

import os

import pytest

from benchmarks.never_twice_soak import ROUNDS, soak


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_programs_that_retry_fork_and_are_killed(tmp_path):
    """No fax twice, each returned one there exactly once, each error true."""
    figures, wrong = soak(60, tmp_path, rounds=ROUNDS[:2])

    assert wrong == []
    assert figures["sends"] == 60
    assert figures["with a fault"] > 10
    assert figures["errors that say may"] > 0
