"""One process at a time, for work on a folder that several may want to do."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_S = 0.2


class Turn:
    """The right to work on a folder; the kernel takes it back from a process that dies."""

    def __init__(self, folder: Path) -> None:
        self._lock = folder.with_name(f"{folder.name}.lock").open("w")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.close()

    def taken(self) -> bool:
        """Take it now if nobody has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def wait(self) -> None:
        """Wait until it is ours."""
        while not self.taken():  # noqa: ASYNC110  no other process can set an event of ours
            await asyncio.sleep(POLL_S)
