"""Writes the pages as HTML. Everything that comes from a program is escaped."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import escape
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

from attrs import field, frozen

from twilio_fax_compat.testing.failure_reasons import DOCUMENTED
from twilio_fax_compat.testing.fax import FINAL, GOOD

PAGE_SIZE = 50
"""The number of faxes on a page."""

FAULTS: Mapping[str, str] = {
    "answer_lost": "lose the answer to the next send",
    "error_503": "answer the next request with 503",
    "rate_limited": "answer the next request with 429",
    "webhook_lost": "lose the next webhook",
    "webhook_duplicated": "deliver the next webhook twice",
}
"""The faults that the page injects, and what each does."""

STEPS: Sequence[tuple[int, str]] = ((60, "1 minute"), (600, "10 minutes"), (86400, "1 day"))

_NUMBER = re.compile(r"\+?[0-9]{7,15}")


@frozen
class View:
    """
    What all pages need: the virtual time *now*, whether faxes are held, and whether numbers are shown.

    *token* is in each form, so that no other page can press a button. *nonce* allows the style and the
    script of this page alone.
    """

    now: datetime
    is_holding: bool
    shows_numbers: bool
    token: str = field(repr=False)
    nonce: str = field(repr=False)

    def number(self, value: object) -> str:
        """Return a number or address as the switch says."""
        text = str(value or "")
        return text if self.shows_numbers else f"...{text[-4:]}" if len(text) > 4 else text

    def text(self, value: object) -> str:
        """Return any text, with its numbers as the switch says."""
        if self.shows_numbers:
            return str(value)
        return _NUMBER.sub(lambda match: f"...{match[0][-4:]}", str(value))

    def link(self, path: str, **query: object) -> str:
        """Return the URL of another page, with the switch as it is."""
        if self.shows_numbers:
            query["numbers"] = "shown"
        return path + ("?" + urlencode(query) if query else "")


@frozen
class Entry:
    """One line of a timeline: the time *at*, what happened, and the details to unfold."""

    at: datetime | None
    kind: str
    title: str
    details: Sequence[tuple[str, str]] = ()


def list_page(view: View, faxes: Sequence[Mapping[str, Any]], page: int, total: int) -> str:
    """Return the page with the faxes, the newest first, and the buttons that concern all."""
    rows = "".join(_row(view, fax) for fax in faxes)
    table = (
        "<table><thead><tr><th scope=col>Fax<th scope=col>Status<th scope=col>From<th scope=col>To"
        f"<th scope=col>Created</tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else "<p class=empty>No fax yet. Send one from your program, or receive one here.</p>"
    )
    pages = -(-total // PAGE_SIZE)
    links = [
        f'<a rel={name} href="{escape(view.link("/", page=number))}">{name}</a>'
        for name, number in (("prev", page - 1), ("next", page + 1))
        if 1 <= number <= pages
    ]
    paging = f"<nav>Page {page} of {pages} {' '.join(links)}</nav>" if pages > 1 else ""
    return _document(view, "Faxes", f"{_controls(view)}<h2>Faxes</h2>{table}{paging}")


def fax_page(view: View, fax: Mapping[str, Any], timeline: Iterable[Entry]) -> str:
    """Return the page of one *fax* with its *timeline*."""
    name = str(fax["id"])
    path = f"/page/faxes/{quote(name)}"
    shown = {
        "status": fax.get("status"),
        "direction": fax.get("direction"),
        "from": view.number(fax.get("from")),
        "to": view.number(fax.get("to")),
        "quality": fax.get("quality"),
        "failure reason": fax.get("failure_reason"),
    }
    facts = "".join(
        f"<dt>{escape(key)}<dd>{escape(str(value))}" for key, value in shown.items() if value
    )
    buttons = ""
    if fax.get("status") not in FINAL:
        reasons = "".join(f"<option>{escape(reason)}" for reason in sorted(DOCUMENTED - GOOD))
        buttons = (
            _form(view, path + "/step", _button("Next status"))
            + _form(view, path + "/complete", _button("Complete"))
            + _form(
                view,
                path + "/fail",
                f"<label>Reason <select name=reason>{reasons}</select></label>{_button('Fail')}",
            )
        )
    buttons += _form(view, path + "/redeliver", _button("Deliver the last event again"))
    lines = "".join(_line(entry) for entry in timeline)
    document = (
        f'<object data="{escape(path)}/document" type="application/pdf" aria-label="the document">'
        f'<a href="{escape(path)}/document">the document, a PDF</a></object>'
    )
    body = (
        f'<p><a href="{escape(view.link("/"))}">All faxes</a></p><h2>Fax {escape(name)}</h2>'
        f"<dl>{facts}</dl><div class=controls>{buttons}</div>"
        f"<div class=columns><section><h3>What happened</h3><ol class=timeline>{lines}</ol></section>"
        f"<section><h3>Document</h3>{document}</section></div>"
    )
    return _document(view, f"Fax {name[:8]}", body)


def as_text(value: Any) -> str:
    """Return a JSON value, or bytes that may be one, as indented text."""
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value, "utf-8", "replace")
    return json.dumps(value, indent=2, ensure_ascii=False)


def _row(view: View, fax: Mapping[str, Any]) -> str:
    name = str(fax["id"])
    status = str(fax.get("status"))
    reason = fax.get("failure_reason") or ""
    link = view.link(f"/page/faxes/{quote(name)}")
    return (
        f'<tr><td><a href="{escape(link)}">{escape(name[:8])}</a> {escape(str(fax.get("direction")))}'
        f'<td><span class="status {escape(_class_of(status))}">{escape(status)}</span> '
        f"{escape(str(reason))}<td>{escape(view.number(fax.get('from')))}"
        f"<td>{escape(view.number(fax.get('to')))}<td>{escape(_time_of(fax.get('created_at')))}</tr>"
    )


def _line(entry: Entry) -> str:
    at = entry.at.strftime("%H:%M:%S") if entry.at else ""
    head = f"<time>{at}</time> <b>{escape(entry.kind)}</b> {escape(entry.title)}"
    if not entry.details:
        return f"<li>{head}</li>"
    inner = "".join(
        f"<h4>{escape(name)}</h4><pre>{escape(text)}</pre>" for name, text in entry.details
    )
    return f"<li><details><summary>{head}</summary>{inner}</details></li>"


def _controls(view: View) -> str:
    steps = "".join(f"<option value={seconds}>{name}" for seconds, name in STEPS)
    faults = "".join(f"<option value={name}>{escape(text)}" for name, text in FAULTS.items())
    hold = "release" if view.is_holding else "hold"
    return (
        "<div class=controls>"
        + _form(view, f"/page/{hold}", _button("Release all" if view.is_holding else "Hold all"))
        + _form(
            view,
            "/page/advance",
            f"<label>Clock <select name=seconds>{steps}</select></label>{_button('Move')}",
        )
        + _form(
            view,
            "/page/fault",
            f"<label>Fault <select name=fault>{faults}</select></label>{_button('Inject')}",
        )
        + _form(
            view,
            "/page/receive",
            "<label>From <input name=from value=+15005550002 required size=14></label>"
            "<label>To <input name=to value=+15005550006 required size=14></label>"
            '<label>PDF <input name=document type=file accept="application/pdf"></label>'
            + _button("Receive a fax"),
            is_upload=True,
        )
        + "</div>"
    )


def _form(view: View, action: str, inner: str, *, is_upload: bool = False) -> str:
    kind = " enctype=multipart/form-data" if is_upload else ""
    numbers = "<input type=hidden name=numbers value=shown>" if view.shows_numbers else ""
    return (
        f'<form method=post action="{escape(action)}"{kind}>'
        f'<input type=hidden name=token value="{escape(view.token)}">{numbers}{inner}</form>'
    )


def _button(text: str) -> str:
    return f"<button>{escape(text)}</button>"


def _class_of(status: str) -> str:
    if status in GOOD:
        return "good"
    return "bad" if status in FINAL else "busy"


def _time_of(value: object) -> str:
    return str(value or "")[:19].replace("T", " ")


def _document(view: View, title: str, body: str) -> str:
    switch = "" if view.shows_numbers else "?numbers=shown"
    label = "Hide numbers" if view.shows_numbers else "Show numbers"
    return (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{escape(title)} - simulated Telnyx</title>"
        f'<style nonce="{view.nonce}">{_STYLE}</style>'
        "<header><h1>Simulated Telnyx</h1>"
        f"<p>No fax is sent. Virtual time: <time>{view.now:%Y-%m-%d %H:%M:%S}</time> UTC. "
        f'<a class=switch href="{switch or "?"}">{label}</a></p></header>'
        f'<main aria-live=polite>{body}</main><script nonce="{view.nonce}">{_SCRIPT}</script></html>'
    )


_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--good:#18794e;--bad:#c62a2f;--busy:#8d5b00}
@media(prefers-color-scheme:dark){:root{--good:#4cc38a;--bad:#ff8b8b;--busy:#f1a10d}
}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem}
h1{font-size:1.15rem;margin:0}
h2{font-size:1.05rem;overflow-wrap:anywhere}
h3,h4{font-size:.95rem;margin:.6rem 0 .2rem}
header{border-bottom:1px solid var(--line);margin-bottom:1rem}
header p{margin:.2rem 0 .6rem;opacity:.85}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .5rem;border-bottom:1px solid var(--line)}
.status{font-weight:600}
.good{color:var(--good)}
.bad{color:var(--bad)}
.busy{color:var(--busy)}
.controls{display:flex;flex-wrap:wrap;gap:.6rem;margin:.6rem 0}
form{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;background:var(--soft);
  border:1px solid var(--line); border-radius:.5rem;padding:.4rem .6rem}
button,select,input{font:inherit;padding:.15rem .5rem}
:focus-visible{outline:2px solid Highlight;outline-offset:2px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem}
dt{opacity:.7}
dd{margin:0}
.columns{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:1.2rem}
@media(max-width:50rem){.columns{grid-template-columns:minmax(0,1fr)}
table{display:block;overflow-x:auto}
}
.timeline{list-style:none;padding:0;margin:0}
.timeline li{border-bottom:1px solid var(--line);padding:.25rem 0}
pre{background:var(--soft);padding:.5rem;overflow:auto;max-height:18rem;margin:0;font-size:.85rem}
object{width:100%;height:28rem;border:1px solid var(--line)}
.empty{opacity:.7}
"""

_SCRIPT = """
const source = new EventSource('/page/changes');
let waiting = false;
async function refresh() {
  const main = document.querySelector('main');
  if (main.contains(document.activeElement) && document.activeElement.matches('input,select')) {
    waiting = true;
    return;
  }
  waiting = false;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  // The style and the script of the answer have another nonce.
  const text = (await answer.text()).replace(/<(style|script)[^]*?<[/](style|script)>/g, '');
  const next = new DOMParser().parseFromString(text, 'text/html');
  const open = [...main.querySelectorAll('details')].map(item => item.open);
  const old = main.querySelector('object');
  main.innerHTML = next.querySelector('main').innerHTML;
  main.querySelectorAll('details').forEach((item, place) => { item.open = !!open[place]; });
  const drawn = main.querySelector('object');
  if (old && drawn && old.data === drawn.data) drawn.replaceWith(old);
  document.querySelector('header time').textContent = next.querySelector('header time').textContent;
}
source.onmessage = refresh;
document.addEventListener('focusout', () => { if (waiting) setTimeout(refresh); });
addEventListener('pagehide', () => source.close());
"""
