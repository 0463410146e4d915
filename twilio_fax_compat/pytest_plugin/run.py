"""One run of a suite: starts and stops the backend, and records what each test does."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from attrs import define, field

from twilio_fax_compat.ledger._opening import PROCESS_LEDGER
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.registry import backend_of
from twilio_fax_compat.pytest_plugin.control_log import ControlLog
from twilio_fax_compat.pytest_plugin.doubles.mocks import MockWatch
from twilio_fax_compat.pytest_plugin.report.collector import Reports
from twilio_fax_compat.pytest_plugin.report.records import (
    CONTROL,
    ON_TELNYX,
    REPLAYED,
    TestRecord,
    TwilioCall,
)
from twilio_fax_compat.pytest_plugin.report.run_options import RunOptions
from twilio_fax_compat.pytest_plugin.suite_client import SuiteClient, suite_client
from twilio_fax_compat.pytest_plugin.twilio_names import TwilioNames

ATTRIBUTE = "twilio_fax_compat"
"""The attribute of pytest's reports with a test's record; pytest-xdist's workers send it along."""


@define(eq=False)
class Run:
    """The pytest plugin of the run, registered when a backend is chosen."""

    choice: RunOptions
    backend: Backend
    reports: Reports
    client: type[SuiteClient] | None = None
    watch: MockWatch | None = None
    current: TestRecord | None = None
    is_shared: bool = False
    _parts: list[Any] = field(factory=list)
    _kept: dict[int, set[str]] = field(factory=dict)

    @classmethod
    def of(cls, name: str, config: Any) -> Run:
        """Return the run for pytest's *config*. Raises UsageError if the options do not allow it."""
        choice = RunOptions.of(name, config)
        return cls(choice, backend_of(name, config), Reports(choice))

    def start(self) -> None:
        """Start the backend and replace Twilio's names."""
        self._begin(self.backend.start, self.backend.stop)
        if not self.backend.replaces_twilio:
            log = ControlLog(self.record)
            self._begin(log.start, log.stop)
            return
        self.client = suite_client(SuiteClient, self.backend, self.record)
        names = TwilioNames(self.client, suite_client(self.client, self.backend, self.record))
        self.watch = MockWatch(self.replaced, self.record, self.missed)
        self._begin(self.watch.start, self.watch.stop)
        self._begin(names.take, names.give_back)

    def stop(self) -> None:
        """Undo everything that `start` did, in reverse order."""
        failed: BaseException | None = None
        while self._parts:
            try:
                self._parts.pop()()
            except Exception as error:  # noqa: BLE001 - undo the rest too
                failed = failed or error
        if failed is not None:
            raise failed

    def record(self, call: TwilioCall) -> None:
        """Add *call* to the record of the current test."""
        call.is_shared = self.is_shared
        if self.current is not None:
            self.current.calls.append(call)

    def replaced(self, what: str) -> None:
        """Record that the current test replaced *what*."""
        if self.current is not None:
            self.current.replaced(what)

    def forget_faxes(self) -> None:
        """Delete the faxes of the last test from the backend, except those of shared set-ups."""
        self.backend.reset(set().union(*self._kept.values()))
        # An equal create of the next test is a new fax.
        PROCESS_LEDGER.forget_sends()

    def attach(self, report: Any, record: TestRecord) -> None:
        """Attach a test's *record* to its last report."""
        record.kind = record.judged() if self.backend.replaces_twilio else CONTROL
        if record.kind == ON_TELNYX and self.backend.replay is not None:
            record.kind = REPLAYED
        if self.backend.replay is not None:
            record.unreached = self.backend.replay.unreached()
        setattr(report, ATTRIBUTE, record.to_json())

    def missed(self, what: str) -> None:
        """Record that the current test read *what*, which Telnyx does not provide."""
        if self.current is not None:
            self.current.miss(what)

    def _begin(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        # Registered before the start, so that a start that fails half way is undone too.
        self._parts.append(stop)
        start()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record what a test does, from its set-up to the end of its tear-down."""
        self.current = TestRecord(item.nodeid)
        SuiteClient.newest = None
        self.backend.begin(item.nodeid)
        yield
        self.current = None
        self.forget_faxes()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Keep the faxes of class, module and session fixtures as long as the fixture lives."""
        if fixturedef.scope == "function":
            yield
            return
        before = self.backend.fax_ids()
        was_shared, self.is_shared = self.is_shared, True
        yield
        self.is_shared = was_shared
        self._kept[id(fixturedef)] = self.backend.fax_ids() - before

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """Stop keeping the faxes of a fixture that was torn down."""
        self._kept.pop(id(fixturedef), None)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Attach the record to the last report of a test; fail a test with a broken-off call."""
        outcome: Any = yield
        report = outcome.get_result()
        record = self.current
        if record is None:
            return
        broken = next((call.broken_off for call in record.calls if call.broken_off), None)
        if broken and self.backend.replaces_twilio and report.when == "call" and report.passed:
            report.outcome, report.longrepr = "failed", broken
        if report.when == "teardown":
            self.attach(report, record)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Collect a report of this process or of a worker."""
        self.reports.take(report, getattr(report, ATTRIBUTE, None))

    def pytest_report_header(self) -> str:
        """Return the header line that names the backend."""
        return "fax backend: {}".format(self.choice.backend)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report files, in the main process only."""
        if not hasattr(session.config, "workerinput"):
            self.reports.write()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Add our section to the terminal summary."""
        self.reports.summarize(terminalreporter)
