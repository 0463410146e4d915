"""The report as one self-contained HTML page."""

from __future__ import annotations

from html import escape
from typing import Any, Iterator, Mapping

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #222; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
code, pre { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap }
.passed, .xfailed { color: #17692c } .failed, .error, .xpassed { color: #b3151d; font-weight: 600 }
.test { overflow-wrap: normal; white-space: normal; word-break: normal }
.skipped, .absent { color: #666 } .note { color: #8a5a00 } ul { margin: .2rem 0; padding-left: 1.2rem }
"""


def page(report: Mapping[str, Any]) -> str:
    """Return the page of a *report*, in the form of `Reports.to_json`."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    title = "Fax suite on Telnyx ({})".format(escape(report["backend"]))
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield "<title>{}</title><style>{}</style></head><body>".format(title, _STYLE)
    yield "<h1>{}</h1>".format(title)
    yield "<ul>"
    for kind, number in report["summary"]["kinds"].items():
        yield "<li>{} {}</li>".format(number, escape(report["kinds"][kind]))
    yield "</ul>"
    if report["differences"] is not None:
        yield from _differences(report["differences"])
    yield "<h2>Tests</h2><table><thead><tr><th>Test<th>Verdict<th>Proves<th>What happened"
    yield "</tr></thead><tbody>"
    for test in report["tests"]:
        yield "<tr><td>" + _name(test["nodeid"])
        yield "<td>" + _verdict(test["verdict"])
        yield "<td>" + escape(report["kinds"][test["kind"]])
        yield "<td>" + "".join(_happened(test)) + "</tr>"
    yield "</tbody></table>"
    if report["outside"]:
        yield "<h2>Not part of a test</h2>" + _list("", report["outside"])
    yield "</body></html>"


def _differences(differences: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "<h2>Differences from the control run</h2>"
    if not differences:
        yield "<p>None: each test has the same verdict.</p>"
        return
    yield "<table><thead><tr><th>Test<th>Control<th>Here<th>Why</tr></thead><tbody>"
    for one in differences:
        yield "<tr><td>{}<td>{}<td>{}<td>{}</tr>".format(
            _name(one["nodeid"]),
            _verdict(one["before"]),
            _verdict(one["after"]),
            escape(one["why"]),
        )
    yield "</tbody></table>"


def _happened(test: Mapping[str, Any]) -> Iterator[str]:
    if test["reason"]:
        yield "<pre>{}</pre>".format(escape(test["reason"]))
    yield _list("not provided by Telnyx", test["missed"])
    yield _list("only test doubles give it", test["prepared"])
    yield _list("blocked", test["blocked"])
    yield _list("read after it was deleted", test["forgotten"])
    yield _list("stub not reached", test["unreached"])
    if test["test_doubles"]:
        yield '<p class="note">{}</p>'.format(escape(", ".join(test["test_doubles"])))
    if test["calls"]:
        yield "<details><summary>{} Twilio calls</summary>{}</details>".format(
            len(test["calls"]), _calls(test["calls"])
        )
    deep = test["deep"]
    if deep:
        yield "<p>run again on the emulator: {}</p>".format(_verdict(deep["verdict"]))
        yield _list("Telnyx would differ", deep["problems"])
        yield _list("left out", list(dict.fromkeys(n for c in deep["calls"] for n in c["warned"])))
        yield _list("only the test double gives it", deep["prepared"])
        yield _list("not forwarded", deep["not_forwarded"])
        yield "<details><summary>{} forwarded calls</summary>{}</details>".format(
            len(deep["calls"]), _calls(deep["calls"])
        )


def _calls(calls: list[Mapping[str, Any]]) -> str:
    return "<ul>{}</ul>".format("".join("<li>{}</li>".format(_call(call)) for call in calls))


def _call(call: Mapping[str, Any]) -> str:
    head = "<code>{} {}</code> answered by {}".format(
        escape(call["operation"]), escape(_fields(call["fields"])), escape(call["answered_by"])
    )
    if call["statuses"]:
        head += ": " + escape(", ".join(call["statuses"]))
    for name in ("refused", "broken_off", "interrupted", "not_converted"):
        if call[name]:
            head += '<br><span class="failed">{}</span>'.format(escape(call[name]))
    if call["losses"]:
        head += '<br><span class="note">differs: {}</span>'.format(
            escape("; ".join(call["losses"]))
        )
    if call["warned"]:
        head += '<br><span class="note">left out: {}</span>'.format(
            escape(", ".join(call["warned"]))
        )
    telnyx = "".join(
        "<li><code>{} {} {} &rarr; {}</code></li>".format(
            escape(one["method"]),
            escape(one["path"]),
            escape(_fields({**one["query"], **one["body"]})),
            escape(str(one["status"])),
        )
        for one in call["telnyx"]
    )
    return head + ("<ul>{}</ul>".format(telnyx) if telnyx else "")


def _fields(fields: Mapping[str, Any]) -> str:
    return " ".join("{}={}".format(name, value) for name, value in fields.items())


def _list(title: str, items: list[str]) -> str:
    start = escape(title) + ": " if title else ""
    return "".join("<p>{}{}</p>".format(start, escape(item)) for item in items)


def _name(nodeid: str) -> str:
    """Return a test's name, which may be broken only between its parts."""
    text = escape(nodeid).replace("/", "/<wbr>").replace("::", "::<wbr>")
    return '<code class="test">{}</code>'.format(text)


def _verdict(verdict: str) -> str:
    return '<span class="{0}">{0}</span>'.format(escape(verdict))
