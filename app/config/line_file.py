"""A private file of lines that grows at its end, and forgets its oldest lines where it grows too large."""

from __future__ import annotations

import os
from pathlib import Path

from app.config.disk import locked, write_private
from app.text.problem import Problem

READ_BYTES = 1 << 20
"""Of the end of the file, where the newest lines are: no more is ever read."""
LIMIT_BYTES = 4 * READ_BYTES
"""A larger file is cut down to what is read of it."""

Stamp = tuple[int, int, int]


class LineFile:
    """Several processes may add to it at once. Its methods block on the disk: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: bytes) -> None:
        """Add a line. One before it that a full disk or a crash has cut off spoils no other.

        Raises:
            Problem: the file cannot be written.
        """
        with locked(self._path):
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "a+b", buffering=0) as file:
                    size = file.seek(0, os.SEEK_END)
                    is_cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                    file.write((b"\n" if is_cut_off else b"") + line + b"\n")
            except OSError as error:
                raise Problem(
                    f"{self._path} cannot be written: {error.strerror}.", "Make room, or make it writable."
                ) from None
            if size > LIMIT_BYTES:
                write_private(self._path, b"".join(line + b"\n" for line in reversed(self.newest())))

    def newest(self) -> list[bytes]:
        """The last lines, the newest first; none where there is no file.

        Raises:
            Problem: the file cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - READ_BYTES)
                file.seek(start)
                lines = file.read(READ_BYTES).split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Problem(f"{self._path} cannot be read: {error.strerror}.", "Make it readable.") from None
        # The first one begins somewhere before.
        return [line for line in reversed(lines[1:] if start else lines) if line]

    @property
    def stamp(self) -> Stamp | None:
        """Another one where the file has changed; None where there is none, or nobody may look."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns
