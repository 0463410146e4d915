"""Collects the records of all tests from all processes, and writes the reports at the end."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Mapping

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat.pytest_plugin.report.comparison import Difference, differences
from twilio_fax_compat.pytest_plugin.report.records import KINDS, TestRecord
from twilio_fax_compat.pytest_plugin.report.run_options import RunOptions

REASON_LIMIT = 500


@define(eq=False)
class Reports:
    """The records of all tests, by their ids."""

    choice: RunOptions
    tests: dict[str, TestRecord] = field(factory=dict)
    _verdicts: dict[str, tuple[str, str]] = field(factory=dict)

    def take(self, report: Any, data: Mapping[str, Any] | None) -> None:
        """Add one of pytest's reports; the last report of a test has its record, *data*."""
        verdict = verdict_of(report)
        if report.when == "setup" or (verdict is not None and verdict != "passed"):
            self._verdicts[report.nodeid] = (verdict or "", _reason(report) if verdict else "")
        elif verdict is not None:
            self._verdicts.setdefault(report.nodeid, ("", ""))
            if self._verdicts[report.nodeid][0] == "":
                self._verdicts[report.nodeid] = (verdict, "")
        record = TestRecord.from_json(data) if data else TestRecord(report.nodeid)
        if data or report.nodeid not in self.tests:
            self.tests[report.nodeid] = record
        test = self.tests[report.nodeid]
        test.verdict, test.reason = self._verdicts.get(report.nodeid, ("", ""))

    @property
    def differences(self) -> list[Difference] | None:
        """The differences from the control run, or None without one."""
        control = self.choice.control
        return None if control is None else differences(control, list(self.tests.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the report as the JSON object that ``--fax-report=FILE.json`` writes."""
        found = self.differences
        tests = list(self.tests.values())
        return {
            "version": 1,
            "backend": self.choice.backend,
            "summary": {
                "verdicts": dict(Counter(test.verdict for test in tests)),
                "kinds": dict(Counter(test.kind for test in tests)),
            },
            "kinds": dict(KINDS),
            "tests": [test.to_json() for test in tests],
            "differences": None
            if found is None
            else [difference.to_json() for difference in found],
        }

    def write(self) -> None:
        """Write the report files."""
        for path in self.choice.reports:
            data = self.to_json()
            if path.suffix == ".html":
                from twilio_fax_compat.pytest_plugin.report.html_page import page

                text = page(data)
            else:
                text = json.dumps(data, indent=1) + "\n"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def summarize(self, terminal: Any) -> None:
        """Write the section of the terminal summary."""
        from twilio_fax_compat.pytest_plugin.report.summary import lines

        terminal.section("fax on Telnyx ({})".format(self.choice.backend))
        for line in lines(list(self.tests.values()), self.differences):
            terminal.line(line)
        for path in self.choice.reports:
            terminal.line("report: {}".format(path))


def verdict_of(report: Any) -> str | None:
    """Return the verdict of a pytest report, or None if it has none yet."""
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.when != "call":
        return None
    return "xpassed" if hasattr(report, "wasxfail") else "passed"


def _reason(report: Any) -> str:
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        text = str(longrepr[-1])
    else:
        crash = getattr(longrepr, "reprcrash", None)
        text = str(getattr(crash, "message", None) or longrepr or "")
    return mask(text)[:REASON_LIMIT]
