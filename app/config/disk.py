"""Small files: read with a limit, written so that a crash leaves the old content or the new, never a half."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.text.problem import Problem

FILE_LIMIT = 1 << 20
"""A larger file is none that people or this program write, in bytes."""


def read_small(path: Path, limit: int = FILE_LIMIT) -> bytes:
    """The content of a file that is small by its nature.

    Raises:
        OSError: it cannot be read, or is larger than `limit` bytes.
    """
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
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


def write_new(path: Path, content: bytes) -> None:
    """Write a file that a person has asked for, for that person alone.

    Raises:
        Problem: it exists already, or cannot be written.
    """
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(content)
    except OSError as error:
        raise not_written(path, error) from None


def not_written(path: Path, error: OSError) -> Problem:
    """Why a file that a person has asked for is not there."""
    if isinstance(error, FileExistsError):
        return Problem(f"{path} exists already.", "Name another file.")
    return Problem(f"{path} cannot be written: {error.strerror}.", "Name another file.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process that is between reading and writing `path`. Its folder is made where there is none.

    The lock is on a file beside it that stays: `path` itself is replaced on every write.

    Raises:
        Problem: the folder cannot be made or written.
    """
    make_private_folder(path.parent)
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Problem(
            f"The folder {path.parent} cannot be written: {error.strerror}.", "Make it writable."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def move_aside(path: Path) -> Path:
    """Give a damaged file another name, beside those that were damaged before; returns its new path.

    Raises:
        OSError: it cannot be moved.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.damaged-{number}")):
        number += 1
    path.rename(aside)
    return aside


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
