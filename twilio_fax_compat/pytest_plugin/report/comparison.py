"""The differences between two runs of a suite."""

from __future__ import annotations

from typing import Any, Sequence

from attrs import asdict, frozen

from twilio_fax_compat.pytest_plugin.report.records import ON_TELNYX, REPLAYED, TestRecord

ABSENT = "absent"


@frozen
class Difference:
    """A test with the verdict *before* in the control run and *after* in this run, and *why*."""

    nodeid: str
    before: str
    after: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        return asdict(self)


def differences(control: Sequence[TestRecord], here: Sequence[TestRecord]) -> list[Difference]:
    """Return the tests whose verdicts differ; a test that a run does not have is ``absent`` there."""
    before = {test.nodeid: test for test in control}
    after = {test.nodeid: test for test in here}
    changed = []
    for nodeid in {**before, **after}:
        old, new = before.get(nodeid), after.get(nodeid)
        was, now = old.verdict if old else ABSENT, new.verdict if new else ABSENT
        if was != now:
            changed.append(Difference(nodeid, was, now, why(new or old)))
    return changed


def why(test: TestRecord | None) -> str:
    """Return why a test ended as it did: first what Telnyx cannot do, then pytest's own reason."""
    if test is None:
        return ""
    refused = [call.refused for call in test.calls if call.refused]
    if test.verdict in ("passed", "xpassed", "skipped"):
        return test.reason
    own = [] if any(text[:80] in test.reason for text in refused) else [test.reason]
    missed = test.missed if test.kind in (ON_TELNYX, REPLAYED) else []
    return "; ".join(dict.fromkeys([*refused, *missed, *test.forgotten, *filter(None, own)]))
