"""``twilio-fax-compat scan``: what a program uses of Twilio's fax API, and what becomes of each use."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Sequence

from twilio_fax_compat._core.scan.uses import exit_status
from twilio_fax_compat._progress import Progress

USAGE = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = "Example: twilio-fax-compat scan src tests --diff"
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--fix",
        action="store_true",
        help="change imports, and add the middleware to the application",
    )
    action.add_argument("--diff", action="store_true", help="show what --fix would change")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--sarif", action="store_true", help="print SARIF 2.1.0")
    parser.add_argument(
        "--force", action="store_true", help="--fix also if git has uncommitted changes"
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Scan, print the findings, and return the exit status.

    It is 0 if the program can move, 1 if something needs a look, 2 if something cannot work, and 3 for a
    wrong argument. Raises ImportError without the extra ``scan``.
    """
    from twilio_fax_compat.scan import report
    from twilio_fax_compat.scan.project import diff_of, read_project

    for path in arguments.paths:
        if not path.exists():
            print(f"{path} does not exist", file=sys.stderr)
            return USAGE
    if arguments.fix and not arguments.force:
        dirty = _uncommitted(arguments.paths)
        if dirty:
            print(
                f"{dirty} has uncommitted changes: commit them first, or pass --force. "
                "`twilio-fax-compat scan --diff` shows what would change",
                file=sys.stderr,
            )
            return USAGE
    with Progress() as progress:
        project = read_project(arguments.paths, progress)
    if arguments.diff:
        for path, old, new in project.fixes():
            print(diff_of(path, old, new), end="")
        return exit_status(project.found())
    if arguments.fix:
        changed = []
        for path, _, new in project.fixes():
            path.write_bytes(new)
            changed.append(path)
        for path in changed:
            print(f"changed {path}", file=sys.stderr)
        with Progress() as progress:
            project = read_project(arguments.paths, progress)
    files = project.found()
    if arguments.json:
        print(report.as_json(files))
    elif arguments.sarif:
        print(report.as_sarif(files))
    else:
        report.show(files, project.left_out)
    return exit_status(files)


def _uncommitted(paths: Sequence[Path]) -> Path | None:
    """Return the first of *paths* in which git has uncommitted changes, or None."""
    for path in paths:
        folder = path if path.is_dir() else path.parent
        try:
            done = subprocess.run(  # noqa: S603 - the arguments are ours
                ["git", "status", "--porcelain", "--", str(path.resolve())],  # noqa: S607
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if done.returncode == 0 and done.stdout.strip():
            return path
    return None
