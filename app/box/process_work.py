"""What a process has done so far, as the kernel counts it: on the processor, and from the disk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_STATE = 0
"""Of what follows the name in `stat` (proc_pid_stat(5), whose field 3 it is)."""
_PER_SECOND = 1_000_000_000
_WAITS_FOR_DISK = "D"
"""It sleeps and cannot be woken, which a thread does while a page or a block is read for it."""


@dataclass(frozen=True, slots=True)
class ThreadWork:
    """One thread."""

    thread: int
    core_s: float
    """On a core, or in line for one, since it began: so long it did not wait for anything else."""
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
                state, spent = (task / "stat").read_text(), (task / "schedstat").read_text()
                threads.append(_thread(int(task.name), state, spent))
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


def _thread(number: int, stat: str, schedstat: str) -> ThreadWork:
    """From its `stat`, and its `schedstat` in nanoseconds (Documentation/scheduler/sched-stats.rst).

    Raises:
        ValueError, IndexError: they say something else than expected.
    """
    # The name in parentheses may have any character in it, parentheses too.
    state = stat[stat.rindex(")") + 1 :].split()[_STATE]
    on_core, in_line, _ = map(int, schedstat.split())
    return ThreadWork(number, (on_core + in_line) / _PER_SECOND, state == _WAITS_FOR_DISK)
