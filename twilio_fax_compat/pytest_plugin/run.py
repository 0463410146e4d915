"""One run of a suite: starts and stops the backend, and records what each test does."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from attrs import define, field

from twilio_fax_compat._suite.twilio_names import TwilioNames
from twilio_fax_compat.http._connections import close_idle
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.registry import backend_of
from twilio_fax_compat.pytest_plugin.control_log import ControlLog
from twilio_fax_compat.pytest_plugin.doubles.mocks import MockWatch
from twilio_fax_compat.pytest_plugin.held_clients import HeldClients
from twilio_fax_compat.pytest_plugin.kept_faxes import KeptFaxes
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
from twilio_fax_compat.pytest_plugin.threads import ThreadOwners

ATTRIBUTE = "twilio_fax_compat"
"""The attribute of pytest's reports with a test's record; pytest-xdist's workers send it along."""

OTHER_PROCESS = "requests of other processes"
"""The operation in a report of Telnyx requests that no Twilio client of this process made."""


@define(eq=False)
class Run:
    """The pytest plugin of the run, registered when a backend is chosen."""

    choice: RunOptions
    backend: Backend
    reports: Reports
    kept: KeptFaxes
    client: type[SuiteClient] | None = None
    watch: MockWatch | None = None
    current: TestRecord | None = None
    is_shared: bool = False
    outside: list[str] = field(factory=list)
    _parts: list[Any] = field(factory=list)
    _owners: ThreadOwners = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._owners = ThreadOwners(lambda: self.current)

    @classmethod
    def of(cls, name: str, config: Any) -> Run:
        """Return the run for pytest's *config*. Raises UsageError if the options do not allow it."""
        choice = RunOptions.of(name, config)
        backend = backend_of(name, config)
        return cls(choice, backend, Reports(choice), KeptFaxes(backend, choice.keep))

    def start(self) -> None:
        """Start the backend and replace Twilio's names."""
        self._begin(self._owners.start, self._owners.stop)
        self._begin(self.backend.start, self.backend.stop)
        if not self.backend.replaces_twilio:
            log = ControlLog(self.record)
            self._begin(log.start, log.stop)
            return
        guard = self.backend.guard
        if guard is not None:
            guard.note = self.blocked
            self._begin(guard.start, guard.stop)
        self._begin(close_idle, close_idle)
        self.client = suite_client(SuiteClient, self.backend, self.record)
        names = TwilioNames(self.client, suite_client(self.client, self.backend, self.record))
        self.watch = MockWatch(self)
        self._begin(self.watch.start, self.watch.stop)
        self._begin(names.take, names.give_back)
        held = HeldClients(self.client, names.take_again)
        self._begin(held.start, held.stop)

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

    @property
    def own_record(self) -> TestRecord | None:
        """The record of the test that the calling thread works for."""
        record: TestRecord | None = self._owners.owner()
        return record

    def record(self, call: TwilioCall) -> None:
        """Add *call* to the record of its test."""
        call.is_shared = self.is_shared
        record = self.own_record
        if record is None or record.is_closed:
            self._note_outside(record, call.operation)
        if record is not None:
            record.calls.append(call)

    def blocked(self, text: str) -> None:
        """Record that the guard blocked a connection."""
        record = self.own_record
        if record is None or record.is_closed:
            self._note_outside(record, text)
        if record is not None:
            record.block(text)

    def replaced(self, what: str, is_of_fax: Callable[[], bool] | None = None) -> None:
        """Record that the current test replaced *what*; *is_of_fax* is asked when the test ends."""
        record = self.own_record
        if record is not None:
            record.replaced(what, is_of_fax)

    def missed(self, what: str) -> None:
        """Record that the current test read *what*, which Telnyx does not provide."""
        record = self.own_record
        if record is not None:
            record.miss(what)

    def prepared(self, what: str) -> None:
        """Record that the current test read *what*, which only a test double gives."""
        record = self.own_record
        if record is not None:
            record.prepare(what)

    def attach(self, report: Any, record: TestRecord) -> None:
        """Attach a test's *record* to its last report."""
        others = self.backend.others()
        if others and all(call.operation != OTHER_PROCESS for call in record.calls):
            record.calls.append(TwilioCall(OTHER_PROCESS, "", "", telnyx=others))
        record.forgotten = self.kept.forgotten_by(record)
        record.kind = record.judged() if self.backend.replaces_twilio else CONTROL
        if record.kind == ON_TELNYX and self.backend.replay is not None:
            record.kind = REPLAYED
        if self.backend.replay is not None:
            record.unreached = self.backend.replay.unreached()
        setattr(report, ATTRIBUTE, record.to_json())

    def _note_outside(self, record: TestRecord | None, what: str) -> None:
        when = "outside of a test" if record is None else "after the end of " + record.nodeid
        self.outside.append("{}: {}".format(when, what))

    def _begin(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        # Registered before the start, so that a start that fails half way is undone too.
        self._parts.append(stop)
        start()

    def pytest_configure(self, config: Any) -> None:
        """Take over what the main process gave to this worker of pytest-xdist."""
        given = getattr(config, "workerinput", {}).get(ATTRIBUTE)
        if given:
            self.backend.join(given)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give to a worker of pytest-xdist what its environment does not have."""
        node.workerinput[ATTRIBUTE] = self.backend.for_workers()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker of pytest-xdist saw outside of its tests."""
        self.outside += getattr(node, "workeroutput", {}).get(ATTRIBUTE, [])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Iterator[None]:
        """Record what a test does, from its set-up to the end of its tear-down."""
        self._report_elsewhere()
        self.kept.begin()
        record = self.current = TestRecord(item.nodeid)
        SuiteClient.newest = None
        self.backend.begin(item.nodeid)
        yield
        self.current = None
        record.is_closed = True
        self.kept.end(item, nextitem)

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
        self.kept.keep(id(fixturedef), self.backend.fax_ids() - before)

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """Stop keeping the faxes of a fixture that was torn down."""
        self.kept.drop(id(fixturedef))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Attach the record to the last report of a test; fail a test with a blocked call."""
        outcome: Any = yield
        report = outcome.get_result()
        record = self.current
        if record is None:
            return
        self._report_elsewhere()
        stopped = [call.broken_off for call in record.calls if call.broken_off] + record.blocked
        may_fail = report.when != "setup" and report.passed and not record.has_failed
        if stopped and may_fail and self.backend.replaces_twilio:
            report.outcome, report.longrepr = "failed", "\n".join(dict.fromkeys(stopped))
        record.has_failed = record.has_failed or not report.passed
        if report.when == "teardown":
            self.attach(report, record)

    def _report_elsewhere(self) -> None:
        """Record what child processes were kept from."""
        guard = self.backend.guard
        for text in [] if guard is None else guard.reported_elsewhere():
            self.blocked(text + " (in a child process)")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Collect a report of this process or of a worker."""
        self.reports.take(report, getattr(report, ATTRIBUTE, None))

    def pytest_report_header(self) -> str:
        """Return the header line that names the backend."""
        return "fax backend: {}".format(self.choice.backend)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report files, in the main process only."""
        self._report_elsewhere()
        config: Any = session.config
        if hasattr(config, "workerinput"):
            config.workeroutput[ATTRIBUTE] = self.outside
        else:
            self.reports.outside = self.outside
            self.reports.write()
            if self.reports.unwritten and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Add our section to the terminal summary."""
        self.reports.summarize(terminalreporter)
