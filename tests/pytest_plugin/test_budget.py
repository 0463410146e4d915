"""The budget of a live run: counted once for all processes and threads."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from twilio_fax_compat.pytest_plugin.backends.budget import Budget


def take(path, token):
    return Budget(path, 5).take(token)


def test_it_is_counted_together(tmp_path):
    """Threads and processes get as many as there are, and not one more."""
    path = str(tmp_path / "budget")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        elsewhere = pool.starmap_async(take, [(path, f"p{number}") for number in range(6)])
        with ThreadPoolExecutor(4) as threads:
            here = list(threads.map(lambda number: take(path, f"t{number}"), range(6)))
        assert sum(here) + sum(elsewhere.get(60)) == 5


def test_a_retry_counts_once(tmp_path):
    """The same fax again takes nothing more, and is allowed when the budget is used up."""
    budget = Budget(str(tmp_path / "budget"), 1)
    assert [budget.take(token) for token in ("a", "a", "b", "a")] == [True, True, False, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_faxes_of_forks(tmp_path):
    """They are known apart from those of the process and of other workers."""
    budget, other = (Budget(str(tmp_path / "budget"), 9) for _ in range(2))
    budget.take("own")
    other.take("other")
    child = os.fork()
    if child == 0:
        budget.take("fork")
        budget.note("fork", 202)
        os._exit(0)
    os.waitpid(child, 0)

    assert budget.sent_by_forks() == {"fork": 202}
    assert other.sent_by_forks() == {}
