"""What differs between two runs of a suite."""

from __future__ import annotations

from typing import Any, Sequence

from attrs import asdict, frozen

from twilio_fax_compat.pytest_plugin.report.records import ON_TELNYX, REPLAYED, TestRecord

ABSENT = "absent"


@frozen
class Difference:
    """A test whose verdict was *before* in the control run, is *after* in this one, and *why*."""

    nodeid: str
    before: str
    after: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        return asdict(self)


def differences(control: Sequence[TestRecord], here: Sequence[TestRecord]) -> list[Difference]:
    """Return the tests whose verdicts differ; one that only one run has is ``absent`` in the other."""
    before = {test.nodeid: test for test in control}
    after = {test.nodeid: test for test in here}
    found = []
    for nodeid in {**before, **after}:
        old, new = before.get(nodeid), after.get(nodeid)
        was, now = old.verdict if old else ABSENT, new.verdict if new else ABSENT
        if was != now:
            found.append(Difference(nodeid, was, now, why(new or old)))
    return found


def why(test: TestRecord | None) -> str:
    """Return why a test ended as it did: what Telnyx cannot do or tell first, then pytest's own words."""
    if test is None:
        return ""
    refused = [call.refused for call in test.calls if call.refused]
    if test.verdict in ("passed", "xpassed", "skipped"):
        return test.reason
    told = [] if any(one[:80] in test.reason for one in refused) else [test.reason]
    missed = test.missed if test.kind in (ON_TELNYX, REPLAYED) else []
    return "; ".join(dict.fromkeys([*refused, *missed, *filter(None, told)]))
