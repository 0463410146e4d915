"""Any series of calls has the same answers from every ledger."""

import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.ledger.backends import NEEDS_SERVER, Clock, entry, place_of
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.ledger import MemoryLedger

IDS = st.sampled_from(["a", "b", "c"])
APPLICATIONS = st.sampled_from(["", "one", "two"])
SECONDS = st.integers(0, 30)
FACTS = st.builds(
    Facts,
    st.booleans(),
    status=st.sampled_from([None, "delivered", "failed"]),
    failure_reason=st.none() | st.text(max_size=4),
    page_count=st.none() | st.integers(),
    duration=st.none() | st.integers(),
    action=st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    provider=st.sampled_from([None, "legacy", "telnyx"]),
)


class Machine(RuleBasedStateMachine):
    """Asks two ledgers the same."""

    kind = "sqlite"

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.directory = tempfile.TemporaryDirectory()
        self.place = place_of(self.kind, self.directory.name)
        self.ledgers = MemoryLedger(clock=self.clock), self.place.__enter__().open(self.clock)

    def teardown(self):
        self.place.__exit__(None, None, None)
        self.directory.cleanup()

    def same(self, name, *arguments):
        one, other = (getattr(ledger, name)(*arguments) for ledger in self.ledgers)
        assert one == other

    @rule(fax=IDS, facts=FACTS)
    def remember(self, fax, facts):
        self.same("remember", fax, facts)

    @rule()
    def look(self):
        self.same("recall", ["a", "b", "c", "d"])
        self.same("waiting")

    @rule(name=IDS)
    def count(self, name):
        self.same("count", name)

    @rule(seconds=SECONDS)
    def counts(self, seconds):
        self.same("counts", seconds)
        one, other = (sorted(ledger.recent(seconds), key=str) for ledger in self.ledgers)
        assert one == other

    @rule()
    def pass_an_hour(self):
        self.clock.pass_by(3600)

    @rule(event=IDS, lease=SECONDS)
    def claim(self, event, lease):
        self.same("claim", event, lease)

    @rule(event=IDS, name=st.sampled_from(["settle", "release", "finish"]))
    def end(self, event, name):
        self.same(name, event)

    @rule(event=IDS, body=st.binary(max_size=4), application=APPLICATIONS)
    def put(self, event, body, application):
        self.same("put", entry(event, body=body, application=application))

    @rule(lease=SECONDS, application=APPLICATIONS)
    def take(self, lease, application):
        self.same("take", lease, application)

    @rule(event=IDS, seconds=SECONDS)
    def postpone(self, event, seconds):
        self.same("postpone", event, seconds)

    @rule(older_than=SECONDS)
    def sweep(self, older_than):
        self.same("sweep", older_than)

    @rule(fax=IDS)
    def forget(self, fax):
        self.same("forget", [fax, "d"])

    @rule(seconds=SECONDS)
    def pass_by(self, seconds):
        self.clock.pass_by(seconds)

    @rule(seconds=SECONDS)
    def set_back(self, seconds):
        self.clock.pass_by(-seconds)


class PostgresMachine(Machine):
    """The same with PostgreSQL."""

    kind = "postgresql"


class TestSQLite(Machine.TestCase):
    """SQLite answers as memory does."""

    settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@NEEDS_SERVER
class TestPostgreSQL(PostgresMachine.TestCase):
    """PostgreSQL answers as memory does."""

    settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
