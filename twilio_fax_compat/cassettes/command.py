"""``twilio-fax-compat cassettes convert``: converts recordings of Twilio's fax API to Telnyx's."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from attrs import define, field

from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat.cassettes.convert import Converted, convert_cassette
from twilio_fax_compat.cassettes.files import SUFFIXES, Cassette, NotACassette, is_fax, read

SOME_CONNECTION = "1234567890"
"""A placeholder: replaying a recording does not compare connection ids."""

DONE, LISTED, USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    convert = actions.add_parser(
        "convert", help="convert recordings of Twilio's fax API to Telnyx's"
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

    Returns 0, or 1 if something was printed, or 2 if the arguments are wrong and nothing was
    written. Raises ImportError without vcrpy.
    """
    try:
        plan = planned(arguments.old, arguments.out)
    except UnusableArguments as wrong:
        print(f"twilio-fax-compat cassettes convert: {wrong}", file=sys.stderr)
        return USAGE
    scrubber = Scrubber() if arguments.scrub else None
    if scrubber:
        for job in plan:
            scrubber.observe(job.cassette.data)
    setup = FlowSettings(account_sid=None, connection_id=arguments.connection_id)
    report = Report()
    for job in plan:
        old = job.cassette
        if scrubber:
            old = Cassette(scrubbed(old.data, scrubber), old.serializer)
        converted = convert_cassette(old, setup)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(
            converted.cassette.text().encode()
            if scrubber or any(map(is_fax, old.interactions))
            else job.source.read_bytes()
        )
        report.add(job.source, converted)
    report.end(len(plan))
    return LISTED if report.listed else DONE


class UnusableArguments(Exception):
    """The arguments are wrong. The text says why."""


@define
class Job:
    """A cassette to convert, its file, and the file to write."""

    source: Path
    target: Path
    cassette: Cassette = field(repr=False)


def planned(old: Sequence[Path], out: Path) -> list[Job]:
    """
    Return the cassettes to convert.

    Files in a folder that are not cassettes are named on stderr and skipped. Raises
    UnusableArguments.
    """
    for path in old:
        if not path.exists():
            raise UnusableArguments(f"{path} does not exist")
    root = _root(old)
    jobs: dict[Path, Job] = {}
    for path, is_named in _sources(old, out):
        try:
            cassette = read(path)
        except NotACassette as reason:
            if is_named:
                raise UnusableArguments(f"{path} is not a cassette: {reason}") from None
            print(f"{mask(str(path))} is not a cassette: {reason}", file=sys.stderr)
            continue
        source = _absolute(path)
        jobs[source] = Job(path, out / source.relative_to(root), cassette)
    if not jobs:
        raise UnusableArguments("there are no cassettes")
    inputs = {_identity(job.source) for job in jobs.values()}
    for job in jobs.values():
        if job.target.exists() and _identity(job.target) in inputs:
            raise UnusableArguments(
                f"{job.target} would overwrite a recording: choose another --out"
            )
    return list(jobs.values())


def scrubbed(data: object, scrubber: Scrubber) -> dict[str, object]:
    """Return the data of a cassette without private data, and without lengths that may be wrong."""
    clean: dict[str, object] = scrubber.scrub(data)
    interactions = clean["interactions"]
    assert isinstance(interactions, list)
    for interaction in interactions:
        headers = interaction["response"].get("headers")
        if isinstance(headers, dict):
            for name in [name for name in headers if str(name).lower() == "content-length"]:
                del headers[name]
    return clean


@define
class Report:
    """Prints the results to stdout, and counts them."""

    faxes: int = 0
    left_out: int = 0
    with_losses: int = 0

    @property
    def listed(self) -> bool:
        """Whether an interaction was left out or differs."""
        return bool(self.left_out or self.with_losses)

    def add(self, path: Path, converted: Converted) -> None:
        """Print the results of a file."""
        outcomes = [
            item for item in converted.outcomes if item.reasons or item.losses or item.warnings
        ]
        if outcomes:
            print(mask(str(path)))
        for outcome in outcomes:
            for reason in outcome.reasons:
                print(f"  {outcome.number}. {outcome.what}: not converted: {mask(reason)}")
            for loss in () if outcome.reasons else outcome.losses:
                print(f"  {outcome.number}. {outcome.what}: differs: {mask(loss)}")
            for warning in outcome.warnings:
                print(f"  {outcome.number}. {outcome.what}: note: {mask(warning)}")
        self.faxes += len(converted.outcomes)
        self.left_out += sum(bool(outcome.reasons) for outcome in outcomes)
        self.with_losses += sum(
            bool(outcome.losses and not outcome.reasons) for outcome in outcomes
        )

    def end(self, files: int) -> None:
        """Print the totals."""
        print(
            f"{files} cassettes, {self.faxes} fax interactions: "
            f"{self.faxes - self.left_out} converted, {self.with_losses} of them with differences, "
            f"{self.left_out} not converted"
        )


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
