"""
Measure what a roll-out's flag costs each create, by the kind of flag.

    python benchmarks/rollout.py

Prints decisions per second of one thread and microseconds per decision: the median of several rounds.
OpenFeature is measured if its SDK is installed.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time

from twilio_fax_compat.migration import EnvironmentFlag, FileFlag, Rollout

ACCOUNT = "AC" + "0" * 32
FORMS = [
    {"To": "+1415555%04d" % number, "From": "+15005550006", "MediaUrl": "https://x.example/a.pdf"}
    for number in range(1000)
]
LISTS = json.dumps(
    {
        "percent": 25,
        "allow": {"to": ["+1212555%04d" % number for number in range(5000)]},
        "deny": {"from": ["+44*", "+49*"]},
    }
)
LONG_AGO = (1_000_000_000, 1_000_000_000)


def roll_outs(directory):
    """Return the roll-outs to measure, by name."""
    settled, young = os.path.join(directory, "settled"), os.path.join(directory, "young")
    for path in (settled, young):
        with open(path, "w") as file:
            file.write(LISTS)
    os.utime(settled, LONG_AGO)
    os.utime(young, (time.time() + 3600,) * 2)
    roll_outs_by_name = {
        "a constant": Rollout("25%"),
        "the environment": Rollout(EnvironmentFlag("FAX", {"FAX": "25%"})),
        "a file with lists of 5000": Rollout(FileFlag(settled)),
        "a file that just changed": Rollout(FileFlag(young)),
        "a callable": Rollout(lambda _: "25%"),
    }
    try:
        from openfeature import api
        from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
    except ImportError:
        print("skipped: openfeature-sdk is not installed")
        return roll_outs_by_name
    from twilio_fax_compat.migration import OpenFeatureFlag

    api.set_provider(InMemoryProvider({"fax": InMemoryFlag("a", {"a": "25%"})}))
    return {
        **roll_outs_by_name,
        "OpenFeature's SDK alone": BySdk(),
        "OpenFeature": Rollout(OpenFeatureFlag("fax")),
        "OpenFeature, inline": Rollout(OpenFeatureFlag("fax", inline=True)),
    }


class BySdk:
    """What a program pays that asks the SDK itself, with the same evaluation context."""

    def __init__(self):
        from openfeature import api
        from openfeature.evaluation_context import EvaluationContext

        self.client = api.get_client()
        self.context = EvaluationContext

    def decide(self, form, account):
        """Ask for the flag."""
        attributes = {
            "destination_prefix": form["To"][:5],
            "sender": form["From"],
            "account": account,
        }
        context = self.context(form["To"], attributes)
        return self.client.get_string_details("fax", "", context).value


def microseconds(rollout, rounds=9):
    """Return the microseconds that one decision takes."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        for form in FORMS:
            rollout.decide(form, ACCOUNT)
        took.append((time.perf_counter() - began) / len(FORMS) * 1e6)
    return statistics.median(took)


def main():
    with tempfile.TemporaryDirectory() as directory:
        results = {name: microseconds(it) for name, it in roll_outs(directory).items()}
    print("{:<24} {:>12} {:>8}".format("flag", "per second", "us"))
    for name, each in results.items():
        print("{:<24} {:12,.0f} {:8.1f}".format(name, 1e6 / each, each))


if __name__ == "__main__":
    main()
