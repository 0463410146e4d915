"""The progress of a command, on a terminal and in a pipe."""

import io

from twilio_fax_compat import _progress
from twilio_fax_compat._progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, times):
    ticks = iter(times)
    monkeypatch.setattr(_progress, "monotonic", lambda: next(ticks))
    with Progress(stream) as progress:
        progress("events", 1, 100)
        progress("events", 50, 100)
        progress("pages", 7)
    return stream.getvalue()


def test_who_waits_long_sees_it(monkeypatch):
    """A bar where the end is known, a count elsewhere; nothing is left of it."""
    text = shown(monkeypatch, Terminal(), [0, 0.9, 1.1, 1.1, 1.3, 1.3])
    assert "1 of 100" not in text
    assert "[############............] events: 50 of 100" in text
    assert "pages: 7" in text
    last = text.split("\r")[-2]
    assert (last.strip(), text[-1]) == ("", "\r")


def test_a_pipe_stays_clean(monkeypatch):
    assert shown(monkeypatch, io.StringIO(), range(0, 1000, 10)) == ""
