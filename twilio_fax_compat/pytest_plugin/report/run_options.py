"""The options of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Sequence

import pytest
from attrs import frozen

from twilio_fax_compat.pytest_plugin.report.records import TestRecord

KEEP = ("test", "class", "module", "session")


@frozen
class RunOptions:
    """
    The options of a run.

    They are the name of the *backend*, the *reports* to write, the *control* records, ``--fax-deep``
    and how long to *keep* faxes.
    """

    backend: str
    reports: Sequence[Path] = ()
    control: Sequence[TestRecord] | None = None
    deep: bool = False
    keep: str = "test"

    @classmethod
    def of(cls, backend: str, config: Any) -> RunOptions:
        """Return the options in *config*. Raises UsageError for options that cannot be used."""
        options = config.known_args_namespace
        directory = config.invocation_params.dir
        reports = [directory / name for name in options.fax_report]
        for report in reports:
            if report.suffix not in (".json", ".html"):
                raise pytest.UsageError(
                    "--fax-report={}: the name must end in .json or .html".format(report.name)
                )
            _check_writable(report)
        control = None
        if options.fax_compare:
            control = _read_control(directory / options.fax_compare)
        if options.fax_deep and backend != "emulator":
            raise pytest.UsageError("--fax-deep needs --fax-backend=emulator")
        keep = options.fax_keep or config.getini("fax_keep") or "test"
        if keep not in KEEP:
            raise pytest.UsageError(
                "fax_keep: {!r} must be one of {}".format(keep, ", ".join(KEEP))
            )
        return cls(backend, reports, control, options.fax_deep, keep)


def _check_writable(report: Path) -> None:
    """Raise UsageError if the file *report* cannot be written, instead of at the end of the run."""
    folder = report.parent
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    problem = None
    if report.is_dir():
        problem = "it is a folder"
    elif not folder.is_dir():
        problem = "{} is not a folder".format(folder)
    elif not os.access(report if report.exists() else folder, os.W_OK):
        problem = "it is not writable"
    if problem is not None:
        raise pytest.UsageError("--fax-report={}: {}".format(report, problem))


def _read_control(path: Path) -> Sequence[TestRecord]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [TestRecord.from_json(test) for test in data["tests"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise pytest.UsageError(
            "--fax-compare={}: this is not a report of --fax-report=FILE.json ({})".format(
                path.name, type(error).__name__
            )
        ) from error
