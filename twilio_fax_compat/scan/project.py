"""Reads the files of a program, and changes those that a fix is sure of."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Callable, Iterator, Sequence

from attrs import define, field

from twilio_fax_compat._core.scan.uses import Found, Use
from twilio_fax_compat.scan.other_files import is_relevant, read_other
from twilio_fax_compat.scan.python_files import MAY_MATTER, Edit, PythonFile, read_python

LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "env",
        "node_modules",
        "site-packages",
        "vendor",
        "venv",
    }
)
"""Folders that are not read: they are not the program's own."""

LARGEST = 2_000_000
"""The longest file that is read, in bytes."""

Shown = Callable[[str, int, "int | None"], object]


@define
class Project:
    """The files below some paths. *left_out* are files that were not read, and why."""

    files: dict[Path, PythonFile | list[Use]] = field(factory=dict)
    sources: dict[Path, bytes] = field(factory=dict, repr=False)
    left_out: list[tuple[Path, str]] = field(factory=list)

    @property
    def faxes(self) -> bool:
        """Whether a Python file makes fax calls or answers callbacks."""
        return any(
            isinstance(file, PythonFile) and (file.faxes or file.uses)
            for file in self.files.values()
        )

    def found(self) -> list[Found]:
        """Return the uses of each file that has some, by path."""
        result = []
        for path, file in sorted(self.files.items()):
            uses = list(file.uses if isinstance(file, PythonFile) else file)
            if isinstance(file, PythonFile):
                uses += [use for use, _ in file.clients if self._is_of_faxes(path, file)]
            elif not self.faxes:
                uses = [use for use in uses if use.kind == "other_language"]
            if uses:
                result.append(Found(str(path), sorted(uses)))
        return result

    def _is_of_faxes(self, path: Path, file: PythonFile) -> bool:
        """Return whether the client of a *file* makes fax calls: there, or in a module that imports it."""
        if file.faxes or any(use.kind != "unreadable" for use in file.uses):
            return True
        name = path.parent.name if path.stem == "__init__" else path.stem
        return any(
            isinstance(other, PythonFile) and other.faxes and name in other.imported
            for other in self.files.values()
        )

    def fixes(self) -> Iterator[tuple[Path, bytes, bytes]]:
        """Yield the files that a fix changes: the path, the old and the new content."""
        has_handlers = any(
            isinstance(file, PythonFile) and any(use.kind == "handler" for use in file.uses)
            for file in self.files.values()
        )
        wrapped = any(
            isinstance(file, PythonFile) and file.has_middleware for file in self.files.values()
        )
        for path, file in sorted(self.files.items()):
            if not isinstance(file, PythonFile):
                continue
            edits = list(file.edits)
            if self._is_of_faxes(path, file):
                edits += [edit for _, edit in file.clients if edit is not None]
            lines = self.sources[path].decode("utf-8", "surrogateescape").splitlines(keepends=True)
            for edit in edits:
                _replace(lines, edit)
            if file.application is not None and has_handlers and not wrapped:
                _add_middleware(lines, file.application)
            new = "".join(lines).encode("utf-8", "surrogateescape")
            if new != self.sources[path]:
                yield path, self.sources[path], new


def read_project(paths: Sequence[Path], shown: Shown) -> Project:
    """
    Read the files of *paths*, files or folders. *shown* is called with the progress.

    Links to folders are not followed.
    """
    project = Project()
    every = [path for root in paths for path in _files_of(root)]
    names: set[str] = set()
    for number, path in enumerate(every, 1):
        shown("files", number, len(every))
        _read(project, path)
    for file in project.files.values():
        if isinstance(file, PythonFile):
            names |= file.exported
    if names:
        # A second look at files that use a name which another module defines as client.fax.faxes.
        for path, file in list(project.files.items()):
            if isinstance(file, PythonFile) and file.imported & names:
                used = frozenset(file.imported & names)
                project.files[path] = read_python(project.sources[path], used)
    return project


def diff_of(path: Path, old: bytes, new: bytes) -> str:
    """Return the change of a file as a unified diff."""
    before, after = (
        part.decode("utf-8", "replace").splitlines(keepends=True) for part in (old, new)
    )
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


def _read(project: Project, path: Path) -> None:
    try:
        if path.stat().st_size > LARGEST:
            project.left_out.append((path, "too long"))
            return
        content = path.read_bytes()
    except OSError as error:
        project.left_out.append((path, error.strerror or type(error).__name__))
        return
    if path.suffix in (".py", ".pyw"):
        if MAY_MATTER.search(content) or b"twilio" in content:
            project.files[path] = read_python(content)
            project.sources[path] = content
    else:
        uses = read_other(path, content.decode("utf-8", "replace"))
        if uses:
            project.files[path] = uses


def _files_of(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in LEFT_OUT)
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix in (".py", ".pyw") or is_relevant(path):
                yield path


def _replace(lines: list[str], edit: Edit) -> None:
    line = lines[edit.line - 1]
    lines[edit.line - 1] = line[: edit.start] + edit.text + line[edit.end :]


def _add_middleware(lines: list[str], application: tuple[int, int, str, str]) -> None:
    begin, after, text, imported = application
    first = lines[begin - 1]
    indent = first[: len(first) - len(first.lstrip())]
    made = lines[after - 1]
    ending = "\r\n" if made.endswith("\r\n") else "\n"
    if not made.endswith(("\n", "\r")):
        lines[after - 1] += ending
    lines.insert(after, indent + text + ending)
    place = max(
        (
            number
            for number, line in enumerate(lines[: after - 1], 1)
            if line.startswith(("from ", "import ")) and "__future__" not in line
        ),
        default=0,
    )
    # An import of several lines ends with its bracket.
    while place and "(" in lines[place - 1] and ")" not in lines[place - 1]:
        place = next(number for number, line in enumerate(lines[place:], place + 1) if ")" in line)
        break
    lines.insert(place, imported + ending)
