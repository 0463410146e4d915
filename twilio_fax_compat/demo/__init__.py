"""``twilio-fax-compat demo``: a legacy Twilio program on Telnyx, and both sides of what it does."""

from __future__ import annotations

import argparse
import builtins
import contextlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from twilio_fax_compat._core.masking import mask

PROGRAM = Path(__file__).with_name("legacy_program.py")
CHANGES: Mapping[str, str] = {
    "from twilio.rest import": "from twilio_fax_compat.rest import",
    "from twilio.base.exceptions import": "from twilio_fax_compat.base.exceptions import",
}
BUSY = "+15005550001"
_LEFT = 38


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--live",
        action="store_true",
        help="talk to the real Telnyx (TELNYX_API_KEY, TELNYX_CONNECTION_ID): faxes cost money",
    )
    parser.add_argument("--to", help="with --live: the number that gets two faxes")
    parser.add_argument("--from", dest="from_", help="with --live: your Telnyx number")
    parser.add_argument("--media-url", help="with --live: a PDF that Telnyx can fetch")
    parser.add_argument("--busy-to", help="with --live: a number that is busy")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit status."""
    if not arguments.live:
        return _on_the_emulator()
    needed = {
        "--to": arguments.to,
        "--from": arguments.from_,
        "--media-url": arguments.media_url,
        "TELNYX_API_KEY": os.environ.get("TELNYX_API_KEY"),
        "TELNYX_CONNECTION_ID": os.environ.get("TELNYX_CONNECTION_ID"),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        print("--live needs {}".format(", ".join(missing)), file=sys.stderr)
        return 2
    environ = {
        "FAX_TO": arguments.to,
        "FAX_FROM": arguments.from_,
        "FAX_MEDIA_URL": arguments.media_url,
        "FAX_BUSY_TO": arguments.busy_to or "",
        "TWILIO_ACCOUNT_SID": os.environ.get("TWILIO_ACCOUNT_SID") or "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": os.environ.get("TWILIO_AUTH_TOKEN") or "unused",
    }
    wire = _LoggedWire()
    with wire:
        return _timeline(environ, wire.drain)


def _on_the_emulator() -> int:
    from twilio_fax_compat.testing import TelnyxEmulator

    with TelnyxEmulator(speed=60, outcomes={BUSY: "user_busy"}) as telnyx:
        environ = {
            **telnyx.environ,
            "FAX_TO": "+15005550009",
            "FAX_FROM": "+15005550006",
            "FAX_MEDIA_URL": "https://www.example.com/fax.pdf",
            "FAX_BUSY_TO": BUSY,
            "FAX_POLL_SECONDS": "0.05",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "unused",
        }
        shown = 0

        def drain() -> Iterator[str]:
            nonlocal shown
            for exchange in telnyx.journal[shown:]:
                shown += 1
                yield "{} {}{} -> {}{}".format(
                    exchange.method,
                    _path(exchange),
                    _body(exchange),
                    exchange.status,
                    _said(exchange),
                )

        return _timeline(environ, drain)


def _timeline(environ: dict[str, str], drain: Callable[[], Iterator[str]]) -> int:
    source = PROGRAM.read_text(encoding="utf-8")
    print(f"{PROGRAM.name}, with its import changed:\n")
    for old, new in CHANGES.items():
        print(f"- {old} ...\n+ {new} ...")
        source = source.replace(old, new)
    print("\n{:<{}} | over the wire, in Telnyx's words".format("the program, in Twilio's", _LEFT))
    print("{}-+-{}".format("-" * _LEFT, "-" * 60))
    last: list[str] = []

    def show_wire() -> None:
        for line in drain():
            # A program that polls says the same again and again.
            if [line] == last:
                continue
            last[:] = [line]
            print("{:<{}} | {}".format("", _LEFT, line))

    def program_prints(*values: object, **_options: Any) -> None:
        show_wire()
        print("{:<{}} |".format(" ".join(map(str, values)), _LEFT))

    scope = {"__name__": "__main__", "print": program_prints, "__builtins__": builtins}
    before = {name: os.environ.get(name) for name in environ}
    os.environ.update(environ)
    try:
        exec(compile(source, str(PROGRAM), "exec"), scope)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    show_wire()
    return 0


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
    shown = {name: body[name] for name in ("to", "from", "quality", "store_media") if name in body}
    return " " + mask(json.dumps(shown))


def _said(exchange: Any) -> str:
    answer = json.loads(exchange.answer or "{}")
    if "errors" in answer:
        return " error {}".format(answer["errors"][0]["code"])
    data = answer.get("data")
    if isinstance(data, list):
        return f" {len(data)} faxes"
    words = [data.get("status"), data.get("failure_reason")] if isinstance(data, dict) else []
    return "".join(f" {word}" for word in words if word)


class _LoggedWire(logging.Handler):
    """What the library itself logs of each exchange."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self._stack = contextlib.ExitStack()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def drain(self) -> Iterator[str]:
        while self._lines:
            yield self._lines.pop(0)

    def __enter__(self) -> _LoggedWire:
        logger = logging.getLogger("twilio_fax_compat")
        level = logger.level
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        self._stack.callback(logger.setLevel, level)
        self._stack.callback(logger.removeHandler, self)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
