"""One run of a suite: starts and ends the backend, and follows each test."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from attrs import define, field

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
"""The attribute of pytest's reports that carries a test's record, also from pytest-xdist's workers."""


@define(eq=False)
class Run:
    """A pytest plugin of its own, registered once a backend is chosen."""

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
        """Return the run that *config* asks for. Raises UsageError when it must not begin."""
        choice = RunOptions.of(name, config)
        return cls(choice, backend_of(name, config), Reports(choice))

    def start(self) -> None:
        """Put the backend in Twilio's place."""
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
        """Put everything back."""
        failed: BaseException | None = None
        while self._parts:
            try:
                self._parts.pop()()
            except Exception as error:  # noqa: BLE001 - the rest is to be put back too
                failed = failed or error
        if failed is not None:
            raise failed

    def record(self, call: TwilioCall) -> None:
        """Write down a *call* as one of the current test's."""
        call.is_shared = self.is_shared
        if self.current is not None:
            self.current.calls.append(call)

    def replaced(self, what: str) -> None:
        """Write down that *what* stood in for Twilio in the current test."""
        if self.current is not None:
            self.current.replaced(what)

    def forget_faxes(self) -> None:
        """Let the backend forget what the last test left, but for what outlives a test."""
        self.backend.reset(set().union(*self._kept.values()))

    def attach(self, report: Any, record: TestRecord) -> None:
        """Give a test's *record* to its last report."""
        record.kind = record.judged() if self.backend.replaces_twilio else CONTROL
        if record.kind == ON_TELNYX and self.backend.replay is not None:
            record.kind = REPLAYED
        if self.backend.replay is not None:
            record.unreached = self.backend.replay.unreached()
        setattr(report, ATTRIBUTE, record.to_json())

    def missed(self, what: str) -> None:
        """Write down that the current test asked for *what*, which Telnyx does not tell."""
        if self.current is not None:
            self.current.miss(what)

    def _begin(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        # Before the start: one that fails half way is to be put back as well.
        self._parts.append(stop)
        start()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Follow a test from its set-up to the end of its tear-down."""
        self.current = TestRecord(item.nodeid)
        SuiteClient.newest = None
        self.backend.begin(item.nodeid)
        yield
        self.current = None
        self.forget_faxes()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Let faxes that a class, a module or the session set up live as long as that."""
        if fixturedef.scope == "function":
            yield
            return
        before = self.backend.fax_ids()
        was_shared, self.is_shared = self.is_shared, True
        yield
        self.is_shared = was_shared
        self._kept[id(fixturedef)] = self.backend.fax_ids() - before

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """Forget the faxes of a set-up that came to its end."""
        self._kept.pop(id(fixturedef), None)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Give the record to the last report of a test."""
        outcome: Any = yield
        report = outcome.get_result()
        record = self.current
        if record is None:
            return
        broken = next((one.broken_off for one in record.calls if one.broken_off), None)
        if broken and self.backend.replaces_twilio and report.when == "call" and report.passed:
            report.outcome, report.longrepr = "failed", broken
        if report.when == "teardown":
            self.attach(report, record)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take in what a test, here or in a worker, came to."""
        self.reports.take(report, getattr(report, ATTRIBUTE, None))

    def pytest_report_header(self) -> str:
        """Tell what is in Twilio's place."""
        return "fax backend: {}".format(self.choice.backend)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports, where they come together."""
        if not hasattr(session.config, "workerinput"):
            self.reports.write()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Add the section to the summary."""
        self.reports.summarize(terminalreporter)
