"""What a process has done so far, as the kernel counts it: on the processor, and from the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_STATE, _USER_TICKS, _KERNEL_TICKS = 0, 11, 12
"""Of what follows the name in `stat` (proc_pid_stat(5), whose fields 3, 14 and 15 they are)."""
_WAITS_FOR_DISK = "D"
"""It sleeps and cannot be woken, which a thread does while a page or a block is read for it."""


@dataclass(frozen=True, slots=True)
class ThreadWork:
    """One thread."""

    thread: int
    core_s: float
    """On a core, since it began."""
    waits_for_disk: bool
    """At this moment."""


@dataclass(frozen=True, slots=True)
class ProcessWork:
    """All threads of a process that live."""

    threads: tuple[ThreadWork, ...]
    read_bytes: int
    """Fetched from a disk for it; what the page cache had does not count."""

    @property
    def waits_for_disk(self) -> bool:
        """Whether any thread does at this moment."""
        return any(thread.waits_for_disk for thread in self.threads)


def process_work(pid: int) -> ProcessWork | None:
    """What it has done so far; None where this box does not tell."""
    process = Path(f"/proc/{pid}")
    try:
        read = _read_bytes((process / "io").read_text())
        threads = list[ThreadWork]()
        for task in (process / "task").iterdir():
            # A thread may end meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                threads.append(_thread(int(task.name), (task / "stat").read_text()))
    except (OSError, ValueError, IndexError):
        return None
    return ProcessWork(tuple(threads), read)


def _read_bytes(text: str) -> int:
    """Of `/proc/PID/io` (proc_pid_io(5)).

    Raises:
        ValueError: it is not told.
    """
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        if name == "read_bytes":
            return int(value)
    raise ValueError("read_bytes is not told")


def _thread(number: int, stat: str) -> ThreadWork:
    """Raises ValueError or IndexError where it says something else than expected."""
    # The name in parentheses may have any character in it, parentheses too.
    fields = stat[stat.rindex(")") + 1 :].split()
    ticks = int(fields[_USER_TICKS]) + int(fields[_KERNEL_TICKS])
    return ThreadWork(number, ticks / os.sysconf("SC_CLK_TCK"), fields[_STATE] == _WAITS_FOR_DISK)
