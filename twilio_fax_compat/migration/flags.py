"""
Where the flag lives: the environment, a file, or a value that stays.

A source is anything that can be called with a `Subject` and returns a value for `read_plan`. One that
is *inline* answers at once; any other is given a deadline by `Rollout`. One that is *per_send* may answer
differently for each send.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Callable, ClassVar, Mapping

from attrs import define, field

from twilio_fax_compat._core.migration.decisions import Plan, Subject

ENVIRONMENT = "TWILIO_FAX_COMPAT_ROLLOUT"

Source = Callable[[Subject], object]

_FILE = "file:"
# Two writes this close to each other may leave the same time of change, on some systems.
_SETTLES_NS = 2_000_000_000
_READS = 20
_LIMIT = 4 << 20


class FlagUnavailable(Exception):
    """A flag cannot be read; the text tells why."""


class Flag:
    """A place where a flag lives; its text says which, for people to read."""

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

    The text is what `read_plan` takes, such as ``25%`` or a JSON object. Replace the file in one step
    (write another, then rename it) where you can; a half-written one changes nothing either.
    """

    inline: ClassVar[bool] = True

    path: str = field(converter=os.fspath)
    # What the file looked like, None if it may look the same after a change, and its text.
    _seen: tuple[tuple[int, ...] | None, str] = field(default=(None, ""), init=False, repr=False)

    def __call__(self, subject: Subject) -> str:
        """Return the text. Raises FlagUnavailable when there is no such file."""
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
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LIMIT:
            raise FlagUnavailable("it is no text file of at most 4 MiB")
        looks, text = _read_once(path)
        if time.time_ns() - looks[0] > _SETTLES_NS and looks == _looks_of(path.stat()):
            return looks, text
        # Half of one state and half of another may make sense, but not twice the same.
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
    A flag in the variable *name* of *environ*, by default the process's, read at every call.

    ``file:PATH`` names a file that has it, as `FileFlag` reads it.
    """

    inline: ClassVar[bool] = True

    name: str = ENVIRONMENT
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    _file: FileFlag | None = field(default=None, init=False, repr=False)

    def __call__(self, subject: Subject) -> str:
        """Return the text. Raises FlagUnavailable when the variable is not set."""
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


def _looks_of(found: os.stat_result) -> tuple[int, ...]:
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


def named_file(text: str) -> str | None:
    """Return the path of a ``file:`` URL, None for any other text."""
    if not text.startswith(_FILE):
        return None
    path = text[len(_FILE) :]
    return path[2:] if path.startswith("///") else path
