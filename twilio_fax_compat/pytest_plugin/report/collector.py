"""Collects the records of all tests from all processes, and writes the reports at the end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Mapping, Sequence

from attrs import define, evolve, field

from twilio_fax_compat.pytest_plugin.report.comparison import Difference, differences
from twilio_fax_compat.pytest_plugin.report.records import KINDS, TestRecord
from twilio_fax_compat.pytest_plugin.report.run_options import RunOptions
from twilio_fax_compat.pytest_plugin.report.texts import masked, masked_ids

REASON_LIMIT = 500


@define(eq=False)
class Reports:
    """
    The records of all tests, by their ids; *outside* are fax calls that belong to no test.

    *unwritten* are the report files that could not be written, and why.
    """

    choice: RunOptions
    tests: dict[str, TestRecord] = field(factory=dict)
    outside: Sequence[str] = ()
    unwritten: dict[Path, str] = field(factory=dict)
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
        return None if control is None else differences(control, self.shown_tests)

    @property
    def shown_tests(self) -> list[TestRecord]:
        """The records with the ids that a report shows."""
        names = masked_ids(self.tests)
        return [_renamed(test, names) for test in self.tests.values()]

    def to_json(self) -> dict[str, Any]:
        """Return the report as the JSON object that ``--fax-report=FILE.json`` writes."""
        found = self.differences
        tests = self.shown_tests
        return {
            "version": 1,
            "backend": self.choice.backend,
            "summary": {
                "verdicts": dict(Counter(test.verdict for test in tests)),
                "kinds": dict(Counter(test.kind for test in tests)),
            },
            "kinds": dict(KINDS),
            "tests": [test.to_json() for test in tests],
            "outside": [masked(text) for text in self.outside],
            "differences": None
            if found is None
            else [difference.to_json() for difference in found],
        }

    def write(self) -> None:
        """
        Write the report files.

        What cannot be written is collected in *unwritten*: the run has its result all the same.
        """
        for path in self.choice.reports:
            try:
                self._write_one(path)
            except OSError as error:
                self.unwritten[path] = error.strerror or type(error).__name__

    def _write_one(self, path: Path) -> None:
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
        for line in lines(
            self.shown_tests, self.differences, [masked(text) for text in self.outside]
        ):
            terminal.line(line)
        for path in self.choice.reports:
            why = self.unwritten.get(path)
            if why is None:
                terminal.line("report: {}".format(path))
            else:
                terminal.line("the report {} cannot be written: {}".format(path, why), red=True)


def _renamed(test: TestRecord, names: Mapping[str, str]) -> TestRecord:
    """Return *test* under the name that a report shows, also where its texts name tests."""
    forgotten = test.forgotten
    for nodeid, name in names.items():
        if forgotten and name != nodeid:
            forgotten = [text.replace(nodeid, name) for text in forgotten]
    return evolve(test, nodeid=names[test.nodeid], forgotten=forgotten)


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
    return masked(text)[:REASON_LIMIT]
