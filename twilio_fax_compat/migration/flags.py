"""
Flag sources: the environment, a file, or a constant.

A source is a callable that takes a `Subject` and returns a value for `read_plan`. An *inline* source
answers at once; `Rollout` gives any other a deadline. A *per_send* source may answer differently for
each send.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import ClassVar, Mapping

from attrs import define, field

from twilio_fax_compat._core.migration.decisions import Plan, Subject

ENVIRONMENT = "TWILIO_FAX_COMPAT_ROLLOUT"

_FILE = "file:"
# On some systems two writes this close together leave the same modification time.
_SETTLES_NS = 2_000_000_000
_READS = 20
_LIMIT = 4 << 20


class FlagUnavailable(Exception):
    """A flag cannot be read; the text says why."""


class Flag:
    """A flag source; ``str()`` says where the flag lives, for people to read."""

    inline: ClassVar[bool] = False
    per_send: ClassVar[bool] = False


@define
class Constant(Flag):
    """A flag that is always *plan*."""

    inline: ClassVar[bool] = True

    plan: Plan

    def __call__(self, subject: Subject) -> Plan:
        """Return the plan."""
        return self.plan

    def __str__(self) -> str:
        return "a constant"


@define
class FileFlag(Flag):
    """
    A flag in the text file at *path*, read again when the file changes.

    The text is a value for `read_plan`, such as ``25%`` or a JSON object. Replace the file in one step
    (write another, then rename it) if you can; a half-written file changes nothing.
    """

    inline: ClassVar[bool] = True

    path: str = field(converter=os.fspath)
    # The file's stat values (None if they may be the same after a change), and its text.
    _seen: tuple[tuple[int, ...] | None, str] = field(default=(None, ""), init=False, repr=False)

    def __call__(self, subject: Subject) -> str:
        """Return the file's text. Raises FlagUnavailable if it cannot be read."""
        try:
            looks, text = self._seen
            if looks is None or looks != _looks_of(os.stat(self.path)):  # noqa: PTH116 - a Path takes four times as long
                self._seen = looks, text = self._read()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise FlagUnavailable("it cannot be read: {}".format(reason)) from error
        return text

    def __str__(self) -> str:
        return "the file {}".format(self.path)

    def _read(self) -> tuple[tuple[int, ...] | None, str]:
        path = Path(self.path)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT:
            raise FlagUnavailable("it is not a text file of at most 4 MiB")
        looks, text = _read_once(path)
        if time.time_ns() - looks[0] > _SETTLES_NS and looks == _looks_of(path.stat()):
            return looks, text
        # A mix of an old and a new file may parse, but two reads never give the same mix.
        for _ in range(_READS):
            before, (looks, text) = (looks, text), _read_once(path)
            if before == (looks, text):
                return None, text
        raise FlagUnavailable("it changes while it is read")


def _read_once(path: Path) -> tuple[tuple[int, ...], str]:
    with path.open("rb") as file:
        looks = _looks_of(os.fstat(file.fileno()))
        return looks, file.read().decode()


@define
class EnvironmentFlag(Flag):
    """
    A flag in the variable *name* of *environ*, read at every call.

    *environ* is the process's environment by default. ``file:PATH`` names a file, which `FileFlag`
    reads.
    """

    inline: ClassVar[bool] = True

    name: str = ENVIRONMENT
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    _file: FileFlag | None = field(default=None, init=False, repr=False)

    def __call__(self, subject: Subject) -> str:
        """Return the text. Raises FlagUnavailable if the variable is not set."""
        text = (os.environ if self.environ is None else self.environ).get(self.name)
        if not text:
            raise FlagUnavailable("it is not set")
        path = named_file(text)
        if path is None:
            return text
        file = self._file
        if file is None or file.path != path:
            self._file = file = FileFlag(path)
        return file(subject)

    def __str__(self) -> str:
        text = (os.environ if self.environ is None else self.environ).get(self.name, "")
        path = named_file(text)
        where = "" if path is None else ", which names the file {}".format(path)
        return "the environment variable {}{}".format(self.name, where)


def _looks_of(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def named_file(text: str) -> str | None:
    """Return the path of a ``file:`` URL, None for any other text."""
    if not text.startswith(_FILE):
        return None
    path = text[len(_FILE) :]
    return path[2:] if path.startswith("///") else path
