"""Our section of pytest's terminal summary."""

from __future__ import annotations

from collections import Counter
from typing import Iterator, Sequence

from twilio_fax_compat.pytest_plugin.report.comparison import Difference, why
from twilio_fax_compat.pytest_plugin.report.records import KINDS, REPLACED, TestRecord

WIDTH = 300


def lines(
    tests: Sequence[TestRecord],
    differing: Sequence[Difference] | None,
    outside: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the lines of the section, as plain text."""
    kinds = Counter(test.kind for test in tests)
    for kind, words in KINDS.items():
        if kinds[kind]:
            verdicts = Counter(test.verdict for test in tests if test.kind == kind)
            counts = ", ".join("{} {}".format(count, name) for name, count in verdicts.items())
            yield "{:4} {} ({})".format(kinds[kind], words, counts)
    yield from _failures(tests)
    yield from _warned(tests)
    yield from _prepared(tests)
    yield from _not_converted(tests)
    yield from _unreached(tests)
    yield from _deep(tests)
    for text in dict.fromkeys(outside):
        yield "not part of a test: {}".format(_short(text))
    if differing is not None:
        yield "differences from the control run: {}".format(len(differing) or "none")
        for item in differing:
            yield "  {}: {} -> {}".format(item.nodeid, item.before, item.after)
            if item.why:
                yield "    {}".format(_short(item.why))


def _failures(tests: Sequence[TestRecord]) -> Iterator[str]:
    failed = [test for test in tests if test.verdict in ("failed", "error")]
    if failed:
        yield "did not pass:"
    for test in failed:
        yield "  {}".format(test.nodeid)
        yield "    {}".format(_short(why(test)))


def _warned(tests: Sequence[TestRecord]) -> Iterator[str]:
    counts = Counter(name for test in tests for name in _left_out(test))
    for name, number in counts.items():
        yield "left out, because Telnyx has no equivalent: {} (in {} tests)".format(name, number)


def _left_out(test: TestRecord) -> list[str]:
    calls = [*test.calls, *(test.deep.calls if test.deep is not None else ())]
    return list(dict.fromkeys(name for call in calls for name in call.warned))


def _prepared(tests: Sequence[TestRecord]) -> Iterator[str]:
    counts = Counter(text for test in tests for text in test.prepared)
    for text, number in counts.items():
        yield "only test doubles give it: {} (in {} tests)".format(text, number)


def _unreached(tests: Sequence[TestRecord]) -> Iterator[str]:
    for test in tests:
        for stub in test.unreached:
            yield "stub not reached by {}: {}".format(test.nodeid, _short(stub))


def _not_converted(tests: Sequence[TestRecord]) -> Iterator[str]:
    for test in tests:
        for reason in dict.fromkeys(call.not_converted for call in test.calls):
            if reason:
                yield "not converted: {}: {}".format(test.nodeid, _short(reason))


def _deep(tests: Sequence[TestRecord]) -> Iterator[str]:
    deep = [test for test in tests if test.deep is not None]
    if not deep:
        if any(test.kind == REPLACED for test in tests):
            yield "(--fax-backend=emulator --fax-deep forwards the calls of patched tests to the emulator)"
        return
    smooth = [test for test in deep if test.deep is not None and test.deep.is_smooth]
    yield "run again with calls forwarded to the emulator: {} of {} without findings".format(
        len(smooth), len(deep)
    )
    for test in deep:
        run = test.deep
        if run is None or run.is_smooth:
            continue
        yield "  {}: {}, {} calls made".format(test.nodeid, run.verdict, len(run.calls))
        for problem in run.problems:
            yield "    Telnyx would differ: {}".format(_short(problem))
        if run.left_out:
            yield "    left out, because Telnyx has no equivalent: {}".format(
                ", ".join(run.left_out)
            )
        for text in run.prepared:
            yield "    only the test double gives it: {}".format(_short(text))
        for reason in run.not_forwarded:
            yield "    not forwarded: {}".format(_short(reason))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
