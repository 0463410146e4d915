"""``twilio-fax-compat cassettes convert``: recordings of Twilio's fax API become Telnyx's."""

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
"""A connection id for recordings, which are found without it."""

DONE, LISTED, USAGE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    convert = actions.add_parser(
        "convert", help="make recordings of Telnyx's fax API of recordings of Twilio's"
    )
    convert.add_argument("old", nargs="+", type=Path, help="a cassette, or a folder of them")
    convert.add_argument("--out", required=True, type=Path, help="the folder for the new ones")
    convert.add_argument(
        "--scrub", action="store_true", help="replace numbers, leave out credentials and signatures"
    )
    convert.add_argument(
        "--connection-id", default=SOME_CONNECTION, help="the Fax Application that sends"
    )


def run(arguments: argparse.Namespace) -> int:
    """
    Convert, and print what could not be converted and why.

    Returns 0, 1 when something is listed, and 2 when nothing was written as the arguments cannot
    be right. Raises ImportError without vcrpy.
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
    """What is asked for cannot be done; the text tells why."""


@define
class Job:
    """A cassette to be converted, and where from and where to."""

    source: Path
    target: Path
    cassette: Cassette = field(repr=False)


def planned(old: Sequence[Path], out: Path) -> list[Job]:
    """
    Return what is to be converted, read.

    Files in a folder that are no cassettes are named on stderr and left. Raises UnusableArguments.
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
                raise UnusableArguments(f"{path} is no cassette: {reason}") from None
            print(f"{mask(str(path))} is no cassette: {reason}", file=sys.stderr)
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
    """Return a cassette's data without what is private, lengths that may be wrong left out."""
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
    """What is told on stdout."""

    faxes: int = 0
    left_out: int = 0
    with_losses: int = 0

    @property
    def listed(self) -> bool:
        """Whether anything was."""
        return bool(self.left_out or self.with_losses)

    def add(self, path: Path, converted: Converted) -> None:
        """Print what became of a file."""
        told = [one for one in converted.outcomes if one.reasons or one.losses or one.warnings]
        if told:
            print(mask(str(path)))
        for one in told:
            for reason in one.reasons:
                print(f"  {one.number}. {one.what}: not converted: {mask(reason)}")
            for loss in () if one.reasons else one.losses:
                print(f"  {one.number}. {one.what}: differs: {mask(loss)}")
            for warning in one.warnings:
                print(f"  {one.number}. {one.what}: note: {mask(warning)}")
        self.faxes += len(converted.outcomes)
        self.left_out += sum(bool(one.reasons) for one in told)
        self.with_losses += sum(bool(one.losses and not one.reasons) for one in told)

    def end(self, files: int) -> None:
        """Print the sums."""
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
    """Yield each file, and whether it was named; what is below *out* is of an earlier run."""
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
