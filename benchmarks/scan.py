"""
How long a scan takes: files a minute on one core.

    python benchmarks/scan.py [--files 2000]

The tree is made of the programs of the tests: one of ten files faxes, and the others use other products of
Twilio or none of them.
"""

import argparse
import contextlib
import io
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.scan.programs import OTHERS, PROGRAMS
from twilio_fax_compat.__main__ import main as command


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=2000)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    plain = "def f(a, b):\n    return [a * b for _ in range(10)]\n\n\n" * 60
    with tempfile.TemporaryDirectory() as folder:
        faxing, others = itertools.cycle(PROGRAMS.values()), itertools.cycle(OTHERS.values())
        for number in range(options.files):
            source = next(faxing) if number % 10 == 0 else next(others) if number % 3 == 0 else ""
            path = Path(folder, f"package{number % 50}", f"module{number}.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(plain + source)
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            command(["scan", "--json", folder])
        seconds = time.perf_counter() - began
    print(
        f"{options.files} files of 240 lines in {seconds:.1f} s: {options.files / seconds * 60:.0f} a minute"
    )


if __name__ == "__main__":
    main()
