"""Print the output of a program beside its requests."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from attrs import define, field

from twilio_fax_compat._core.masking import mask

WIDTH = 100
_LEFT = 38
_RIGHT = WIDTH - _LEFT - 3


@define
class Timeline:
    """Two columns in `WIDTH` characters: the program's output, and the new lines of *drain*."""

    drain: Callable[[], Iterator[str]]
    _last: str | None = field(default=None, init=False)

    def head(self, left: str, right: str) -> None:
        """Print the column headers."""
        print("\n{:<{}} | {}".format(left, _LEFT, right))
        print("{}-+-{}".format("-" * _LEFT, "-" * _RIGHT))

    def show_wire(self) -> None:
        """Print the requests since the last call."""
        for line in self.drain():
            # A program that polls repeats the same request.
            if line != self._last:
                self._last = line
                for part in textwrap.wrap(line, _RIGHT, subsequent_indent="    "):
                    print("{:<{}} | {}".format("", _LEFT, part))

    def program_prints(self, *values: object, **_options: Any) -> None:
        """Replace the program's ``print``."""
        self.show_wire()
        print("{:<{}} |".format(" ".join(map(str, values)), _LEFT))

    def run(
        self, program: Path, changes: Mapping[str, str], environ: Mapping[str, str]
    ) -> dict[str, Any]:
        """Run *program* with *changes* to its source and *environ*, and return its globals."""
        source = program.read_text(encoding="utf-8")
        for old, new in changes.items():
            source = source.replace(old, new)
        scope = {
            "__name__": "__main__",
            "print": self.program_prints,
            "__builtins__": builtins,
        }
        with _environment(environ):
            exec(compile(source, str(program), "exec"), scope)
        return scope


def show_changes(program: Path, changes: Mapping[str, str], added: str = "") -> None:
    """Print the changed lines of a *program*, and the line that is *added*."""
    source = program.read_text(encoding="utf-8")
    print(f"\n{program.name}, with its imports changed:\n")
    for old, new in changes.items():
        if old in source:
            print(f"- {old} ...\n+ {new} ...")
    if added:
        print(f"+ {added}")


def exchange_line(exchange: Any) -> str:
    """Return a request and its answer on one line, with masked numbers."""
    path, body, said = _path(exchange), _body(exchange), _said(exchange)
    return f"{exchange.method} {path}{body} -> {exchange.status}{said}"


def delivery_line(delivery: Any) -> str:
    """Return a webhook and its answer on one line."""
    return "webhook {} -> {}".format(delivery.event["event_type"], delivery.status)


@contextlib.contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environ}
    os.environ.update(environ)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _path(exchange: Any) -> str:
    names = {"filter[from][eq]": "from"}
    query = "&".join(f"{names.get(name, name)}={mask(value)}" for name, value in exchange.query)
    parts = exchange.path.split("/")
    if len(parts) > 3:
        parts[3] = parts[3][:4] + ".."
    return "/".join(parts) + ("?" + query if query else "")


def _body(exchange: Any) -> str:
    body = exchange.json
    if not body:
        return ""
    shown = [
        f"{name} {mask(str(body[name]))}" for name in ("to", "from", "quality") if name in body
    ]
    return " " + ", ".join(shown)


def _said(exchange: Any) -> str:
    answer = json.loads(exchange.answer or "{}")
    if "errors" in answer:
        return " error {}".format(answer["errors"][0]["code"])
    data = answer.get("data")
    if isinstance(data, list):
        return f" {len(data)} faxes"
    words = [data.get("status"), data.get("failure_reason")] if isinstance(data, dict) else []
    return "".join(f" {word}" for word in words if word)
