"""What holds a load up, in one word, where the counters of the kernel show it.

A load is one thread that reads a tensor and sends it, then the next. So at any moment one thing holds it up:
the core that the thread is on, the disk that it waits for, or a connection that takes no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.box.process_work import ProcessWork
from app.box.sockets import Traffic
from app.text.address import Address

JUDGED_S = 2.0
JUDGED_LOOKS = 4
"""Over less time, or fewer looks, a hiccup would be taken for the rule."""
WHOLE_CORE = 0.9
"""So great a share of the time on a core, or in line for one, leaves none to wait for anything else."""
ALWAYS_BUSY = 0.8
"""A connection that has something on its way for so much of the time is not kept waiting by us."""
MOSTLY = 0.5


class Bottleneck(StrEnum):
    """What a load would be faster with more of."""

    ONE_CORE = "one core"
    """One thread of llama-server takes all of a core of this box, or would if the box had one free."""
    DISK = "disk"
    """llama-server waits for the disk of this box."""
    NETWORK = "network"
    """The way to a backend takes no more, though there is room at its end."""
    WORKER = "worker"
    """A backend's own program does not take what its box has received: the kernel there has no more room."""


@dataclass(frozen=True, slots=True)
class LoadReading:
    """The counters at one moment; None for what this box does not tell."""

    at_s: float
    """By a clock that only goes forward."""
    traffic: Mapping[Address, Traffic] | None
    work: ProcessWork | None

    @property
    def connections(self) -> Traffic | None:
        """All of them together."""
        return None if self.traffic is None else sum(self.traffic.values(), Traffic())


def bottleneck(readings: Sequence[LoadReading]) -> Bottleneck | None:
    """What held the load up between the first reading and the last; None where the numbers do not show it."""
    if len(readings) < JUDGED_LOOKS or readings[-1].at_s - readings[0].at_s < JUDGED_S:
        return None
    if _busiest_thread(readings) >= WHOLE_CORE:
        return Bottleneck.ONE_CORE
    return _full_connection(readings) or (Bottleneck.DISK if _waits_for_disk(readings) else None)


def _busiest_thread(readings: Sequence[LoadReading]) -> float:
    """What share of the time it was on a core, or in line for one."""
    first, last = readings[0], readings[-1]
    if first.work is None or last.work is None:
        return 0.0
    before = {thread.thread: thread.core_s for thread in first.work.threads}
    spent = (thread.core_s - before.get(thread.thread, 0.0) for thread in last.work.threads)
    return max(spent, default=0.0) / (last.at_s - first.at_s)


def _full_connection(readings: Sequence[LoadReading]) -> Bottleneck | None:
    """Where what was sent waited, if the connections were full nearly all the time.

    That something is on its way is not enough: over a long way it always is. So there must be bytes too that
    could not even set out.
    """
    first, last = readings[0].connections, readings[-1].connections
    looks = [reading.connections for reading in readings]
    if first is None or last is None:
        return None
    busy = last.busy_s - first.busy_s
    is_full = _mostly([look is not None and look.unsent_bytes > 0 for look in looks])
    if not is_full or busy < ALWAYS_BUSY * (readings[-1].at_s - readings[0].at_s):
        return None
    refused = last.refused_s - first.refused_s
    return Bottleneck.WORKER if refused >= MOSTLY * busy else Bottleneck.NETWORK


def _waits_for_disk(readings: Sequence[LoadReading]) -> bool:
    """Whether a thread waited at most looks, and the disk did read: other waits look the same."""
    looks = [reading.work for reading in readings if reading.work is not None]
    if not looks or looks[-1].read_bytes <= looks[0].read_bytes:
        return False
    return _mostly([look.waits_for_disk for look in looks])


def _mostly(looks: Sequence[bool]) -> bool:
    return sum(looks) >= MOSTLY * len(looks)
