"""Small files: read with a limit, written so that a crash leaves the old content or the new, never a half."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from app.text.problem import Problem

FILE_LIMIT = 1 << 20
"""A larger file is none that people or this program write, in bytes."""


def read_small(path: Path) -> bytes:
    """The content of a file that is small by its nature.

    Raises:
        OSError: it cannot be read, or is larger than FILE_LIMIT.
    """
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its user can enter; one that exists stays as it is.

    Raises:
        Problem: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Problem(f"The folder {folder} cannot be made: {error.strerror}.", "Make it writable.") from None


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at once and for good, mode 0600.

    Raises:
        Problem: it cannot be written; the old content is still there.
    """
    make_private_folder(path.parent)
    staged: str | None = None
    try:
        # mkstemp makes it 0600 from the start.
        descriptor, staged = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
        _sync_folder(path.parent)
    except OSError as error:
        if staged is not None:
            Path(staged).unlink(missing_ok=True)
        raise Problem(
            f"{path} cannot be written: {error.strerror}. What it held before is unchanged.",
            "Make room on the disk, or make the folder writable.",
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
