"""``--fax-deep``: runs tests that use test doubles again, with the calls forwarded to the emulator."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator

import pytest
from _pytest.runner import runtestprotocol
from attrs import define

from twilio_fax_compat.pytest_plugin.doubles.forwarding import Forwarder
from twilio_fax_compat.pytest_plugin.report.collector import verdict_of
from twilio_fax_compat.pytest_plugin.report.records import ON_TELNYX, REPLACED, DeepRun, TestRecord

if TYPE_CHECKING:
    from twilio_fax_compat.pytest_plugin.run import Run

ACCOUNT = "AC" + "0" * 32


@define(eq=False)
class DeepRuns:
    """A pytest plugin that runs a test again if test doubles answered its fax calls."""

    run: Run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test in place of pytest's protocol; a second run changes the report only."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        record = self.run.current
        passed = all(verdict_of(report) in (None, "passed") for report in reports)
        if record is not None and passed and record.judged() == REPLACED:
            record.deep = self._again(item, nextitem, record)
            self.run.attach(reports[-1], record)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _again(self, item: pytest.Item, nextitem: pytest.Item | None, first: TestRecord) -> DeepRun:
        run = self.run
        assert run.client is not None
        assert run.watch is not None
        run.kept.forget(item.nodeid)
        forwarder = Forwarder(run.client(ACCOUNT, "token"), self._silently, run.prepared)
        second = run.current = TestRecord(item.nodeid)
        run.watch.forwarder = run.client.forwarder = forwarder
        try:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        finally:
            run.watch.forwarder = run.client.forwarder = None
            run.current = first
        verdicts = [verdict for verdict in map(verdict_of, reports) if verdict is not None]
        worst = next((verdict for verdict in verdicts if verdict != "passed"), "passed")
        calls = [
            call for call in second.calls if call.answered_by == ON_TELNYX and not call.is_shared
        ]
        not_forwarded = list(dict.fromkeys(forwarder.not_forwarded))
        if not calls and not not_forwarded and not forwarder.problems:
            not_forwarded = [_why_nothing(first)]
        return DeepRun(worst, calls, forwarder.problems, not_forwarded, second.prepared)

    @contextmanager
    def _silently(self) -> Iterator[None]:
        """Record no calls within the block."""
        self.run.current, current = None, self.run.current
        try:
            yield
        finally:
            self.run.current = current


def _why_nothing(record: TestRecord) -> str:
    return "the test double makes no calls that can be forwarded ({})".format(
        ", ".join(record.test_doubles)
    )
