"""The findings of a scan, for people, for scripts and for code hosts."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from twilio_fax_compat._core.scan.uses import (
    CANNOT,
    HANDS,
    KINDS,
    LINE,
    SETTING,
    UNCHANGED,
    VERDICTS,
    Found,
    counts,
    exit_status,
    steps,
)
from twilio_fax_compat._version import __version__

_COLOURS: Mapping[str, str] = {
    UNCHANGED: "green",
    SETTING: "cyan",
    LINE: "blue",
    HANDS: "yellow",
    CANNOT: "red",
}
_LEVELS: Mapping[str, str] = {HANDS: "warning", CANNOT: "error", LINE: "note", SETTING: "note"}
_HEADLINES = (
    "This program can move to Telnyx.",
    "This program can move to Telnyx; some places need a look.",
    "Some of this program cannot work on Telnyx.",
)


def summary(files: Sequence[Found]) -> dict[str, Any]:
    """Return the headline, the number of uses by verdict, and the steps in order."""
    if not files:
        return {"text": "No use of Twilio's fax API was found.", "verdicts": {}, "steps": []}
    return {
        "text": _HEADLINES[exit_status(files)],
        "verdicts": counts(files),
        "steps": steps(files),
    }


def as_json(files: Sequence[Found]) -> str:
    """Return the findings as JSON."""
    data = {
        "files": [
            {"path": file.path, "uses": [use.as_json() for use in file.uses]} for file in files
        ],
        "summary": summary(files),
    }
    return json.dumps(data, indent=2)


def as_sarif(files: Sequence[Found]) -> str:
    """Return the findings in SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0)."""
    rules = [
        {
            "id": name,
            "shortDescription": {"text": kind.what},
        }
        for name, kind in KINDS.items()
    ]
    results = [
        {
            "ruleId": use.kind,
            "level": _LEVELS.get(use.verdict, "none"),
            "message": {"text": _message(use.as_json())},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": file.path.replace("\\", "/")},
                        "region": {"startLine": use.line, "startColumn": use.column},
                    }
                }
            ],
        }
        for file in files
        for use in file.uses
    ]
    driver = {"name": "twilio-fax-compat scan", "version": __version__, "rules": rules}
    data = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(data, indent=2)


def show(files: Sequence[Found], left_out: Sequence[tuple[Any, str]]) -> None:
    """Print the findings for people. There is colour on a terminal only."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    result = summary(files)
    console.print(result["text"], style="bold")
    if result["verdicts"]:
        numbers = [f"{result['verdicts'][verdict]} {verdict}" for verdict in VERDICTS]
        console.print(", ".join(numbers))
    for number, step in enumerate(result["steps"], 1):
        console.print(f"  {number}. {step}", markup=False)
    for file in files:
        console.print()
        console.print(file.path, style="bold", markup=False)
        explained: set[str] = set()
        for use in file.uses:
            kind = KINDS[use.kind]
            line = Text(f"  {use.line}:{use.column}".ljust(10))
            line.append(use.verdict.ljust(22), style=_COLOURS[use.verdict])
            line.append(use.what)
            console.print(line)
            # Each kind is explained once in a file.
            if use.verdict != UNCHANGED and use.kind not in explained:
                explained.add(use.kind)
                if kind.why:
                    console.print(" " * 32 + kind.why, markup=False)
                if kind.instead:
                    console.print(" " * 32 + "-> " + kind.instead, markup=False)
    for path, why in left_out:
        console.print(f"not read: {path}: {why}", markup=False)


def _message(use: Mapping[str, Any]) -> str:
    parts = [use["what"], use["verdict"], use["why"], use["instead"]]
    return ". ".join(part for part in parts if part)
