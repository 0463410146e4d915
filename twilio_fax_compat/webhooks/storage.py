"""Stores the documents of received faxes in any folder or bucket that fsspec supports."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Iterator

from attrs import define, field

try:
    from fsspec.core import url_to_fs
except ImportError as error:
    raise ImportError(
        "storing documents needs fsspec: pip install 'twilio-fax-compat[storage]'"
    ) from error

_CHUNK = 256 * 1024


@define(eq=False)
class Storage:
    """
    Documents below *url*: ``file:///var/faxes``, ``s3://bucket/faxes``, ``gcs://bucket/faxes``, ...

    See https://filesystem-spec.readthedocs.io. A file is named by its fax SID. Raises ValueError if
    fsspec does not support the URL, and ImportError if it needs a package that is not installed.
    On this machine, only the owner of the process can read the files and the folders it creates.
    """

    url: str = field(repr=False)
    _files: Any = field(init=False, repr=False)
    _root: str = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._files, root = url_to_fs(self.url)
        self._root = root.rstrip("/")

    def put(self, sid: str, document: bytes) -> None:
        """Store the *document* of a fax, completely or not at all. Raises OSError."""
        path, size = self._path(sid), len(document)
        # Two deliveries of one event may store it at the same time.
        part = f"{path}.{hashlib.sha256(document).hexdigest()[:16]}.part"
        if self._is_local:
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_privately(part, document)
        else:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(part, document)
        if self._files.size(part) != size:
            raise OSError("the document was not stored completely")
        self._files.mv(part, path)

    def delete(self, sid: str) -> bool:
        """
        Delete the document of a fax, and what an interrupted `put` left of it. Raises OSError.

        Returns whether there was one.
        """
        path = self._path(sid)
        paths = [path, *self._files.glob(path + ".*.part")]
        found = [path for path in paths if self._files.exists(path)]
        for path in found:
            self._files.rm_file(path)
        return bool(found)

    def find(self, sid: str) -> tuple[int, Iterator[bytes]] | None:
        """Return the size in bytes and the pieces of a stored document, or None. Raises OSError."""
        try:
            file = self._files.open(self._path(sid), "rb")
        except FileNotFoundError:
            return None
        return int(file.size), _pieces(file)

    @property
    def _is_local(self) -> bool:
        protocol = self._files.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _path(self, sid: str) -> str:
        return f"{self._root}/{sid}.pdf"


def _write_privately(path: str, document: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        # A file that an earlier process left may have another mode.
        Path(path).chmod(0o600)
        file.write(document)
        file.flush()
        os.fsync(descriptor)


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        while True:
            piece = file.read(_CHUNK)
            if not piece:
                return
            yield piece
