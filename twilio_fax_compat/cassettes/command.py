"""``twilio-fax-compat cassettes convert``: converts recordings of Twilio's fax API to Telnyx's."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from attrs import define, field

from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._progress import Progress
from twilio_fax_compat.cassettes.convert import Converted, convert_cassette
from twilio_fax_compat.cassettes.files import (
    SUFFIXES,
    BrokenCassette,
    Cassette,
    NotACassette,
    is_fax,
    read,
)
from twilio_fax_compat.cassettes.output import (
    UnusableArguments,
    check_folder,
    check_target,
    write_below,
)
from twilio_fax_compat.cassettes.privacy import observe

SOME_CONNECTION = "1234567890"
"""A placeholder: replaying a recording does not compare connection ids."""

DONE, LISTED, USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.epilog = (
        "Example: twilio-fax-compat cassettes convert tests/cassettes --out tests/telnyx"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    convert = actions.add_parser(
        "convert",
        help="convert recordings of Twilio's fax API to Telnyx's",
        epilog="Example: twilio-fax-compat cassettes convert tests/cassettes --out tests/telnyx --scrub",
    )
    convert.add_argument("old", nargs="+", type=Path, help="a cassette, or a folder of cassettes")
    convert.add_argument("--out", required=True, type=Path, help="the folder for the new cassettes")
    convert.add_argument(
        "--scrub",
        action="store_true",
        help="replace numbers, and remove credentials and signatures",
    )
    convert.add_argument(
        "--connection-id", default=SOME_CONNECTION, help="the Fax Application of the new recordings"
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Convert, and print what could not be converted and why.

    Returns 0, or 1 if something was printed, or 2 if the arguments are wrong or a file could not be
    written. Wrong arguments write nothing. Raises ImportError without PyYAML.
    """
    scrubber = Scrubber() if arguments.scrub else None
    setup = FlowSettings(account_sid=None, connection_id=arguments.connection_id)
    report = Report()
    progress = Progress()
    try:
        plan = planned(arguments.old, arguments.out, scrubber, report)
        for job in _shown(plan, progress):
            converted = convert_cassette(job.cassette, setup, scrubber=scrubber)
            is_changed = scrubber or any(map(is_fax, job.cassette.interactions))
            text = converted.cassette.text().encode() if is_changed else job.source.read_bytes()
            write_below(arguments.out, job.target, text)
            progress.clear()
            report.add(job.source, converted)
    except UnusableArguments as wrong:
        print(f"twilio-fax-compat cassettes convert: {mask(str(wrong))}", file=sys.stderr)
        return USAGE
    except OSError as error:
        problem = f"{error.filename or arguments.out}: {error.strerror or error}"
        print(f"twilio-fax-compat cassettes convert: {mask(problem)}", file=sys.stderr)
        return USAGE
    report.end(len(plan))
    return LISTED if report.listed else DONE


def _shown(plan: Sequence[Job], progress: Progress) -> Iterator[Job]:
    """Yield the jobs, and show a person how far the command is."""
    with progress:
        for number, job in enumerate(plan):
            progress("cassettes", number, len(plan))
            yield job


@define
class Job:
    """A cassette to convert, its file, and the file to write."""

    source: Path
    target: Path
    cassette: Cassette = field(repr=False)


def planned(
    old: Sequence[Path], out: Path, scrubber: Scrubber | None = None, report: Report | None = None
) -> list[Job]:
    """
    Return the cassettes to convert.

    Files in a folder that are not cassettes are named on stderr and skipped, and the *report* lists
    recordings that cannot be read. A *scrubber* collects the private data of all cassettes, and
    replaces it in the names of the new files. Raises UnusableArguments.
    """
    for path in old:
        if not path.exists():
            raise UnusableArguments(f"{path} does not exist")
    check_folder(out)
    root = _root(old)
    cassettes: dict[Path, tuple[Path, Cassette]] = {}
    broken = 0
    for path, is_named in _sources(old, out):
        try:
            cassettes[_absolute(path)] = path, read(path)
        except (NotACassette, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            if is_named:
                raise UnusableArguments(f"{path} is not a cassette: {reason}") from None
            print(f"{mask(str(path))} is not a cassette: {mask(str(reason))}", file=sys.stderr)
            broken += isinstance(error, (BrokenCassette, OSError))
    if report is not None:
        report.broken = broken
    if not cassettes:
        raise UnusableArguments("there are no cassettes")
    if scrubber is not None:
        for _, cassette in cassettes.values():
            for interaction in cassette.interactions:
                observe(interaction, scrubber)
        for source in cassettes:
            # The first pass collects what the names of all files have.
            _target_name(source.relative_to(root), scrubber)
    jobs = [
        Job(path, out / _target_name(source.relative_to(root), scrubber), cassette)
        for source, (path, cassette) in cassettes.items()
    ]
    _check_targets(jobs, out)
    return jobs


def _check_targets(jobs: Sequence[Job], out: Path) -> None:
    inputs = {_identity(job.source) for job in jobs}
    targets: set[Path] = set()
    for job in jobs:
        if job.target in targets:
            raise UnusableArguments(f"two cassettes would be written to {job.target}")
        targets.add(job.target)
        check_target(out, job.target)
        if job.target.exists() and _identity(job.target) in inputs:
            raise UnusableArguments(
                f"{job.target} would overwrite a recording: choose another --out"
            )


def _target_name(name: Path, scrubber: Scrubber | None) -> Path:
    if scrubber is None:
        return name
    return Path(*[re.sub(r"[/\\\x00]", "-", scrubber.scrub_text(part)) for part in name.parts])


@define
class Report:
    """Prints the results to stdout, and counts them."""

    faxes: int = 0
    left_out: int = 0
    with_losses: int = 0
    others_left_out: int = 0
    broken: int = 0

    @property
    def listed(self) -> bool:
        """Whether something was left out, differs or could not be read."""
        return bool(self.left_out or self.with_losses or self.others_left_out or self.broken)

    def add(self, path: Path, converted: Converted) -> None:
        """Print the results of a file."""
        outcomes = [
            item for item in converted.outcomes if item.reasons or item.losses or item.warnings
        ]
        if outcomes:
            print(mask(str(path)))
        for outcome in outcomes:
            place = f"{outcome.number}. " if outcome.number else ""
            head = f"  {place}{outcome.what}: "
            for reason in outcome.reasons:
                print(head + ("not converted: " if outcome.is_fax else "left out: ") + mask(reason))
            for loss in () if outcome.reasons else outcome.losses:
                print(f"{head}differs: {mask(loss)}")
            for warning in outcome.warnings:
                print(f"{head}note: {mask(warning)}")
        faxes = [outcome for outcome in converted.outcomes if outcome.is_fax]
        self.faxes += len(faxes)
        self.others_left_out += len(converted.outcomes) - len(faxes)
        self.left_out += sum(bool(outcome.reasons) for outcome in faxes)
        self.with_losses += sum(bool(outcome.losses and not outcome.reasons) for outcome in faxes)

    def end(self, files: int) -> None:
        """Print the totals."""
        print(
            f"{files} cassettes, {self.faxes} fax interactions: "
            f"{self.faxes - self.left_out} converted, {self.with_losses} of them with differences, "
            f"{self.left_out} not converted"
        )
        if self.others_left_out:
            print(f"{self.others_left_out} other interactions left out")
        if self.broken:
            print(f"{self.broken} files not read")


def _root(old: Sequence[Path]) -> Path:
    folders = [_absolute(path) if path.is_dir() else _absolute(path).parent for path in old]
    return Path(os.path.commonpath(folders))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link stays one


def _sources(old: Iterable[Path], out: Path) -> Iterator[tuple[Path, bool]]:
    """Yield each file, and whether it was named. Skips files below *out*, from an earlier run."""
    for path in old:
        if not path.is_dir():
            yield path, True
            continue
        for file in sorted(path.rglob("*")):
            inside = out.resolve() in file.resolve().parents and out.resolve() != path.resolve()
            if file.is_file() and file.suffix.lower() in SUFFIXES and not inside:
                yield file, False


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
