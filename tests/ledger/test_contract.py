"""What every ledger promises, asked of each."""

from threading import Barrier, Thread

import pytest

from tests.ledger.backends import entry
from twilio_fax_compat._core.facts import Facts, merged

ALL = Facts(
    cancel_asked=True,
    status="failed",
    failure_reason="user_busy",
    page_count=0,
    duration=31,
    action={"verb": "Receive", "mediaType": "application/pdf"},
    provider="legacy",
)
SENT = Facts(sends={"token": {"owner": "", "provider": "telnyx", "turn": 0}})


@pytest.mark.parametrize("facts", [Facts(), Facts(True), Facts(page_count=0), ALL], ids=str)
def test_facts_come_back_as_they_were(ledger, facts):
    """What was remembered is recalled, and nothing else."""
    ledger.remember("fax", facts)

    assert ledger.recall(["other", "fax", "fax"]) == {"fax": facts}
    assert ledger.recall([]) == {}
    assert ledger.recall(["other"]) == {}


def test_facts_add_up(ledger):
    """Later facts win where they tell something, and a request to cancel stays."""
    told = [Facts(True), ALL, Facts(), Facts(status="delivered", page_count=2)]
    told.append(Facts(action={"verb": "Reject"}, provider="telnyx"))
    whole = None
    for facts in told:
        whole = merged(whole, facts)
        ledger.remember("fax", facts)
        assert ledger.recall(["fax"]) == {"fax": whole}
    assert whole == Facts(True, "delivered", "user_busy", 2, 31, {"verb": "Reject"}, "telnyx")


def test_odd_texts_come_back(ledger):
    """Facts hold whatever text JSON can."""
    facts = Facts(failure_reason="\x00'%s :now \ud800", action={"\x00": "\U0001f600"})
    ledger.remember("fax", facts)
    assert ledger.recall(["fax"]) == {"fax": facts}


def test_many_faxes_are_recalled_at_once(ledger):
    """A list may be longer than the database takes parameters."""
    for number in range(5):
        ledger.remember(str(number * 500), Facts(page_count=number))
    known = ledger.recall([str(number) for number in range(2500)])
    assert known == {str(number * 500): Facts(page_count=number) for number in range(5)}


def test_recent_faxes_are_told(ledger, clock):
    """What was touched lately is told, each fax once; what is kept about sends is not."""
    ledger.remember("old", ALL)
    ledger.remember("touched", ALL)
    clock.pass_by(100)
    ledger.remember("touched", Facts(provider="telnyx"))
    ledger.remember("new", Facts(True))
    ledger.remember("send:new", SENT)
    ledger.remember("sender", Facts())

    latest = {"touched": merged(ALL, Facts(provider="telnyx")), "new": Facts(True)}
    latest["sender"] = Facts()
    assert sorted(ledger.recent(99)) == sorted(latest.items())
    assert sorted(ledger.recent(100)) == sorted({**latest, "old": ALL}.items())
    clock.pass_by(1)
    assert list(ledger.recent(0.5)) == []
    assert ledger.recall(["send:new"]) == {"send:new": SENT}


def test_sends_without_an_end(ledger):
    """Each is added and deleted by itself, and with the last one the key goes."""
    first, second = {"owner": "", "at": None, "turn": 1}, {"owner": "a|1|2", "at": 1.5, "turn": 2}
    ledger.remember("send:1", Facts(sends={"a": first}))
    ledger.remember("send:1", Facts(sends={"b": first}))
    ledger.remember("send:1", Facts(sends={"b": second}))
    assert ledger.recall(["send:1"]) == {"send:1": Facts(sends={"a": first, "b": second})}
    ledger.remember("send:1", Facts(sends={"a": {}}))
    assert ledger.recall(["send:1"]) == {"send:1": Facts(sends={"b": second})}
    ledger.remember("send:1", Facts(sends={"b": {}}))
    ledger.remember("send:2", Facts(sends={"c": {}}))
    assert ledger.recall(["send:1", "send:2"]) == {}


def test_many_recent_faxes_are_told(ledger):
    """There may be more than are read at once, and changes meanwhile make none twice."""
    expected = {str(number): Facts(page_count=number) for number in range(1001)}
    for fax_id, facts in expected.items():
        ledger.remember(fax_id, facts)
    found = ledger.recent(1000)
    known = [next(found)]
    ledger.remember(known[0][0], Facts(page_count=-1))
    ledger.remember("send:other", Facts())
    known += found
    assert len(known) == 1001
    assert dict(known) == expected


def test_counters_count(ledger, clock):
    """A counter has what was added in the hours since."""
    assert ledger.counts(1000) == {}
    clock.now = 1000 * 3600 + 1800
    ledger.count("a/b")
    ledger.count("a/b")
    ledger.count("\xe9 'x' % :now")
    clock.pass_by(3600)
    ledger.count("a/b")

    assert ledger.counts(0) == ledger.counts(1800) == {"a/b": 1}
    assert ledger.counts(1801) == ledger.counts(86400) == {"a/b": 3, "\xe9 'x' % :now": 1}
    clock.pass_by(1800)
    assert ledger.counts(0) == {}
    assert ledger.counts(3600) == {"a/b": 1}


def test_old_counters_are_forgotten(ledger, clock):
    """A counter goes when its hour is over for long enough."""
    clock.now = 1000 * 3600
    ledger.count("old")
    clock.pass_by(3600)
    ledger.count("young")
    clock.pass_by(99)
    assert ledger.sweep(100) == 0
    clock.pass_by(1)
    assert ledger.sweep(100) == 1
    assert ledger.sweep(100) == 0
    assert ledger.counts(86400) == {"young": 1}


def test_a_claim_is_for_one(ledger, clock):
    """An event is somebody's until the lease runs out."""
    assert ledger.claim("event", 10) == "new"
    assert ledger.claim("other", 10) == "new"
    clock.pass_by(9.5)
    assert ledger.claim("event", 10) == "busy"
    clock.pass_by(0.5)
    assert ledger.claim("event", 10) == "new"
    assert ledger.claim("event", 10) == "busy"


def test_a_settled_event_stays_settled(ledger, clock):
    """Nothing makes a settled event new again."""
    ledger.claim("event", 10)
    ledger.settle("event")
    ledger.settle("never claimed")
    ledger.release("event")
    clock.pass_by(1000)
    assert [ledger.claim(name, 10) for name in ("event", "never claimed")] == ["done", "done"]


def test_an_entry_can_be_given_back_untried(ledger):
    """What was not tried does not count as an attempt."""
    ledger.put(entry("event"))
    assert ledger.take(60).attempts == 1
    ledger.postpone("event", 0, count_attempt=False)
    assert ledger.take(60).attempts == 1
    ledger.postpone("event", 0)
    assert ledger.take(60).attempts == 2


def test_a_claim_can_be_kept(ledger, clock):
    """It lasts as long from then on; what nobody has, or was settled, stays as it is."""
    ledger.claim("event", 10)
    clock.pass_by(9)
    ledger.prolong("event", 10)
    clock.pass_by(9)
    assert ledger.claim("event", 10) == "busy"
    clock.pass_by(2)
    assert ledger.claim("event", 10) == "new"
    ledger.settle("event")
    ledger.prolong("event", 1)
    ledger.prolong("nobody's", 100)
    clock.pass_by(5)
    assert ledger.claim("event", 10) == "done"
    assert ledger.claim("nobody's", 10) == "new"


def test_a_released_event_is_new(ledger):
    """Whoever gives up lets others try."""
    ledger.release("event")
    assert ledger.claim("event", 10) == "new"
    ledger.release("event")
    assert ledger.claim("event", 10) == "new"


def test_an_entry_comes_back_as_it_was(ledger):
    """What is taken is what was put, to the byte."""
    odd = entry("odd", body=bytes(range(256)), headers={}, url="")
    assert ledger.put(entry("event"))
    assert ledger.put(odd)

    first, second = ledger.take(10), ledger.take(10)

    assert first == entry("event", attempts=1)
    assert (second, type(second.body)) == (
        entry("odd", body=odd.body, headers={}, url="", attempts=1),
        bytes,
    )
    assert ledger.take(10) is None


def test_an_event_is_put_once(ledger):
    """A second delivery is not stored, neither before the first is finished nor after."""
    assert ledger.put(entry("event", body=b"1"))
    assert not ledger.put(entry("event", body=b"2"))
    assert ledger.take(10).body == b"1"
    assert not ledger.put(entry("event", body=b"3"))
    ledger.finish("event")
    assert not ledger.put(entry("event", body=b"4"))
    ledger.settle("settled")
    assert not ledger.put(entry("settled"))
    assert ledger.claim("claimed", 10) == "new"
    assert ledger.put(entry("claimed"))
    assert ledger.waiting() == 1


def test_attempts_count_takes(ledger, clock):
    """Each taking is an attempt, and what an entry said of its own is not."""
    ledger.put(entry("event", attempts=7))
    for attempts in (1, 2, 3):
        assert ledger.take(10) == entry("event", attempts=attempts)
        clock.pass_by(10)


def test_what_is_due_longest_comes_first(ledger, clock):
    """Entries are taken in the order in which they became due."""
    for name in "abc":
        ledger.put(entry(name))
    assert ledger.take(10).event_id == "a"
    ledger.postpone("b", 5)
    assert ledger.take(20).event_id == "c"
    assert ledger.take(10) is None
    clock.pass_by(5)
    assert ledger.take(20).event_id == "b"
    clock.pass_by(5)
    assert ledger.take(20).event_id == "a"
    ledger.postpone("a", 0)
    assert ledger.take(20).event_id == "a"
    assert ledger.waiting() == 3


def test_an_application_takes_its_own_entries(ledger, clock):
    """An inbox takes its own entries, in their order, and nobody else's."""
    for name in ("one", "two", "one more"):
        ledger.put(entry(name, application=name.split()[0]))

    assert ledger.take(10) is None
    assert ledger.take(10, "three") is None
    assert ledger.take(10, "two") == entry("two", attempts=1, application="two")
    assert ledger.take(10, "two") is None
    assert [ledger.take(10, "one").event_id for _ in range(2)] == ["one", "one more"]
    clock.pass_by(10)
    assert ledger.take(10, "two").event_id == "two"
    assert ledger.waiting() == 3


def test_entries_without_an_application_go_to_the_first_that_asks(ledger):
    """Earlier versions stored entries without an application, and no entry may be left behind."""
    ledger.put(entry("own", application="one"))
    ledger.put(entry("old"))
    assert ledger.take(10, "one") == entry("old", attempts=1)
    assert ledger.take(10, "one").event_id == "own"
    assert ledger.take(10, "two") is None


def test_facts_are_deleted_by_key(ledger):
    """Facts of faxes and of sends go, those of others stay, and unknown keys do not matter."""
    for key in ("fax", "send:fax", "other"):
        ledger.remember(key, ALL)
    ledger.forget([])
    ledger.forget(["fax", "send:fax", "unknown", "fax"])
    assert ledger.recall(["fax", "send:fax", "other"]) == {"other": ALL}
    ledger.remember("fax", Facts(True))
    assert ledger.recall(["fax"]) == {"fax": Facts(True)}
    ledger.forget([str(number) for number in range(2500)] + ["other"])
    assert ledger.recall(["other"]) == {}


def test_postponing_what_is_not_there_does_nothing(ledger):
    """An entry that somebody else finished is not brought back."""
    ledger.postpone("event", 5)
    ledger.finish("event")
    ledger.postpone("event", 0)
    assert (ledger.take(10), ledger.waiting(), ledger.claim("event", 1)) == (None, 0, "done")


def test_what_is_old_is_forgotten(ledger, clock):
    """Facts, settled events and spent claims go, what is young or waits stays."""
    ledger.remember("old", ALL)
    ledger.remember("touched", Facts())
    ledger.settle("old")
    ledger.claim("spent", 10)
    ledger.claim("held", 1000)
    ledger.put(entry("waits"))
    clock.pass_by(100)
    assert ledger.sweep(100) == 0
    ledger.remember("touched", Facts(True))
    ledger.settle("young")
    clock.pass_by(1)

    assert ledger.sweep(100) == 3
    assert ledger.sweep(100) == 0
    assert ledger.recall(["old", "touched"]) == {"touched": Facts(True)}
    names = ["old", "young", "spent", "held"]
    assert [ledger.claim(name, 1) for name in names] == ["new", "done", "new", "busy"]
    assert ledger.waiting() == 1


def test_a_clock_set_back_holds_no_claim(ledger, clock):
    """A claim lasts as long from then on, and not until the clock has caught up."""
    assert ledger.claim("event", 60) == "new"
    assert ledger.claim("kept", 60) == "new"
    clock.pass_by(-3600)
    assert ledger.claim("event", 60) == "busy"
    ledger.prolong("kept", 60)
    clock.pass_by(59)
    assert [ledger.claim(name, 60) for name in ("event", "kept")] == ["busy", "busy"]
    clock.pass_by(1)
    assert [ledger.claim(name, 60) for name in ("event", "kept")] == ["new", "new"]
    ledger.settle("event")
    clock.pass_by(-3600)
    assert ledger.claim("event", 60) == "done"


def test_a_clock_set_back_holds_no_entry(ledger, clock):
    """New entries are due at once, in their order; a lease and a delay last as long as asked for."""
    for name in ("taken", "postponed", "new", "newer"):
        ledger.put(entry(name))
        clock.pass_by(1)
    assert ledger.take(60).event_id == "taken"
    assert ledger.take(60).event_id == "postponed"
    ledger.postpone("postponed", 30)
    clock.pass_by(-3600)

    ledger.put(entry("newest"))
    clock.pass_by(5)
    assert [ledger.take(99).event_id for _ in range(3)] == ["new", "newer", "newest"]
    assert ledger.take(99) is None
    clock.pass_by(25)
    assert ledger.take(99).event_id == "postponed"
    clock.pass_by(29)
    assert ledger.take(99) is None
    clock.pass_by(1)
    assert ledger.take(99).event_id == "taken"


ODD = [
    "\0",
    "\ud800",
    "a\0b\udfff\\u0000\\",
    "\ud83d\ude00",
    "\U0001f600'%s :now",
    "\\ud800",
    "\\\\",
]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_every_text_is_stored(ledger, text):
    """Ids, names, URLs and headers may have characters that a database refuses."""
    odd = entry(text, url="http://h/" + text, headers={"x": "\0\ud800"}, application=text)
    assert ledger.put(odd)
    assert not ledger.put(odd)
    assert ledger.take(60, "other") is None
    assert ledger.take(60, text) == entry(
        text, url=odd.url, headers=odd.headers, application=text, attempts=1
    )
    ledger.postpone(text, 0)
    assert ledger.take(60, text).attempts == 2
    ledger.finish(text)
    assert ledger.claim(text, 60) == "done"
    assert ledger.claim("claim" + text, 60) == "new"
    ledger.prolong("claim" + text, 60)
    ledger.release("claim" + text)
    assert ledger.claim("claim" + text, 60) == "new"
    ledger.settle("claim" + text)
    ledger.remember(text, Facts(failure_reason="\0\ud800"))
    assert ledger.recall([text, "\ud801"]) == {text: Facts(failure_reason="\0\ud800")}
    assert dict(ledger.recent(60)) == {text: Facts(failure_reason="\0\ud800")}
    ledger.count(text)
    assert ledger.counts(60) == {text: 1}
    ledger.forget([text])
    assert ledger.recall([text]) == {}


def test_a_ledger_that_works_passes_its_check(ledger):
    """A check changes nothing and leaves the ledger usable."""
    ledger.check()
    ledger.remember("fax", ALL)
    ledger.check()
    assert ledger.recall(["fax"]) == {"fax": ALL}


def test_closing_is_no_end(ledger):
    """A closed ledger opens again when it is used."""
    ledger.close()
    ledger.remember("fax", ALL)
    ledger.close()
    ledger.close()
    assert ledger.recall(["fax"]) == {"fax": ALL}


def test_a_ledger_tells_no_secrets(ledger):
    """The representation of a ledger and of an entry may be logged."""
    shown = repr(ledger) + repr(entry("event"))
    for secret in ("postgresql:", "data", "telnyx-timestamp", "example.com"):
        assert secret not in shown


def together(work, workers=8):
    """Run *work* of each number at the same moment and return the answers."""
    barrier, answers = Barrier(workers), [None] * workers

    def run(number):
        barrier.wait()
        try:
            answers[number] = work(number)
        except Exception as error:
            answers[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_thread_wins_a_claim(place):
    """Of all that claim an event at once, one has it."""
    ledger = place.open()
    for round_ in range(10):
        answers = together(lambda _, name=str(round_): ledger.claim(name, 60))
        assert sorted(answers) == ["busy"] * 7 + ["new"]


def test_one_thread_puts_an_event(place):
    """Of all that put an event at once, one stores it."""
    ledger = place.open()
    for round_ in range(10):
        answers = together(lambda _, name=str(round_): ledger.put(entry(name)))
        assert sorted(answers) == [False] * 7 + [True]


def test_threads_add_to_the_same_facts(place):
    """No thread's facts are lost."""
    ledger = place.open()
    parts = [Facts(True), Facts(status="failed"), Facts(failure_reason="user_busy"), Facts()]
    parts += [Facts(page_count=0), Facts(duration=31), Facts(action=ALL.action)]
    parts += [Facts(provider="legacy")]
    for round_ in range(10):
        together(lambda number, name=str(round_): ledger.remember(name, parts[number]))
        assert ledger.recall([str(round_)]) == {str(round_): ALL}


def test_threads_count_together(place):
    """No thread's counting is lost."""
    ledger = place.open()
    for _ in range(5):
        together(lambda number: [ledger.count("all"), ledger.count(str(number % 2))])
    assert ledger.counts(3600) == {"all": 40, "0": 20, "1": 20}


def test_threads_share_an_inbox(place):
    """Every entry is worked on once, whoever takes it."""
    ledger = place.open()

    def work(number):
        for turn in range(5):
            assert ledger.put(entry(f"{number}-{turn}"))
        taken = []
        while True:
            found = ledger.take(60)
            if found is None:
                return taken
            taken.append(found.event_id)
            ledger.finish(found.event_id)

    taken = [name for names in together(work) for name in names]
    assert sorted(taken) == sorted(f"{number}-{turn}" for number in range(8) for turn in range(5))
    assert ledger.waiting() == 0


def test_a_finished_event_is_never_put_again(place):
    """Deliveries that come while an event is being finished find it there or settled."""
    ledger = place.open()
    for round_ in range(10):
        name = str(round_)
        ledger.put(entry(name))
        ledger.take(60)
        answers = together(
            lambda number, name=name: ledger.put(entry(name)) if number else ledger.finish(name)
        )
        assert answers == [None] + [False] * 7
        assert ledger.waiting() == 0


def test_waiting_events_are_described(ledger, clock):
    """In the order of their arrival: age, attempts, when they are due, and why the last try failed."""
    assert (list(ledger.waiting_events()), ledger.oldest_waiting()) == ([], None)
    ledger.put(entry("first", application="fax\x00"))
    clock.pass_by(10)
    ledger.put(entry("second"))
    ledger.take(60, "fax\x00")
    ledger.take(60, "fax\x00")
    ledger.postpone("first", 30, reason="POST /fax answered HTTP 500")
    ledger.postpone("second", 5, count_attempt=False)
    clock.pass_by(10)
    ledger.postpone("first", 20)  # the reason stays

    first, second = ledger.waiting_events()
    assert (first.event_id, first.application, first.attempts) == ("first", "fax\x00", 1)
    assert (first.age, first.due_in, first.reason) == (20, 20, "POST /fax answered HTTP 500")
    assert (second.event_id, second.application, second.attempts) == ("second", "", 0)
    assert (second.age, second.due_in, second.reason) == (10, -5, "")
    assert first.body == entry("first").body
    assert ledger.oldest_waiting() == 20
    ledger.finish("first")
    assert ledger.oldest_waiting() == 10


def test_many_waiting_events_are_described(ledger):
    """They are read in steps."""
    names = [f"event {number}" for number in range(250)]
    for name in names:
        ledger.put(entry(name))
    assert [waiting.event_id for waiting in ledger.waiting_events()] == names


def test_open_sends(ledger):
    """Each entry of each form, without what only names the key of a token."""
    assert list(ledger.open_sends()) == []
    ledger.remember("fax", ALL)
    ledger.remember("sender", Facts())
    for number in range(600):
        ledger.remember(f"send:{number}", Facts(sends={"a": {"turn": number}}))
    ledger.remember("send:0", Facts(sends={"b": {"turn": -1}}))
    ledger.remember("send:a", Facts(sends={"a": {"key": "send:0"}}))
    assert sorted(entry["turn"] for entry in ledger.open_sends()) == [-1, *range(600)]
