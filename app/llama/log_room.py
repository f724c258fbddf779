"""How much of the disk a log may take while its writer goes on with it."""

from __future__ import annotations

import os
from pathlib import Path

from app.llama.log import HEAD_BYTES

BYTES_KEPT = 256 << 20
"""Of the newest lines; what is before them, but for the start, is given back to the disk."""
MARGIN_BYTES = BYTES_KEPT // 8
"""More than the kept bytes by this before anything is done."""

_BLOCK_BYTES = 512
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


def keep_newest(log: Path, kept: int = BYTES_KEPT, margin: int = MARGIN_BYTES) -> int:
    """Give the disk back what a log has too much; returns where its newest part begins, 0 where it is whole.

    llama-server holds the file open and appends to it, so it can be neither moved nor replaced. Its middle is
    cut out where it is: every line stays at its place, and none that is being written can be lost. The start
    tells the placement, and stays. A file system that cannot do so loses the whole text instead.

    Blocks on the disk.

    Raises:
        OSError: the log cannot be written.
    """
    with log.open("rb+", buffering=0) as file:
        now = os.fstat(file.fileno())
        newest = now.st_size - kept
        if newest <= max(margin, HEAD_BYTES):
            return 0
        if now.st_blocks * _BLOCK_BYTES > kept + margin and not _cut_out(file.fileno(), HEAD_BYTES, newest):
            file.truncate(0)
            return 0
        return newest


def _cut_out(descriptor: int, start: int, end: int) -> bool:
    """Free the blocks between two places of a file, which reads as zeros there; whether that is possible."""
    # Only now: few logs ever become so large.
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "fallocate"):
        return False
    arguments = (ctypes.c_int(descriptor), ctypes.c_int(_KEEP_SIZE | _PUNCH_HOLE))
    span = (ctypes.c_int64(start), ctypes.c_int64(end - start))
    return int(libc.fallocate(*arguments, *span)) == 0
