"""Writes files below a folder, and never through a link that leads elsewhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class UnusableArguments(Exception):
    """The arguments are wrong. The text says why."""


def check_folder(out: Path) -> None:
    """Raise UnusableArguments if the folder *out* does not exist and cannot be created."""
    folder = out
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        problem = "is a link to nothing" if folder.is_symlink() else "is not a folder"
        raise UnusableArguments(f"--out={out}: {folder} {problem}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnusableArguments(f"--out={out}: {folder} is not writable")


def check_target(out: Path, target: Path) -> None:
    """Raise UnusableArguments if *target*, or a folder between it and *out*, cannot be written."""
    if ".." in target.relative_to(out).parts:
        raise UnusableArguments(f"{target} is not below {out}")
    for path in [target, *target.parents]:
        if path == out:
            return
        if path.is_symlink():
            raise UnusableArguments(f"{path} is a link: remove it, or choose another --out")
        if path == target and path.is_dir():
            raise UnusableArguments(f"{path} is a folder")
        if path != target and os.path.lexists(path) and not path.is_dir():
            raise UnusableArguments(f"{path} is not a folder")


def write_below(out: Path, target: Path, content: bytes) -> None:
    """
    Write *content* to *target* below *out*, completely or not at all.

    An existing file is replaced, so that another name of it (a hard link) keeps its content. Raises
    UnusableArguments for links, and OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    check_target(out, target)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise
