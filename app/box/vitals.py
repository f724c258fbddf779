"""How this box is doing: processor, memory, load, temperature."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from app.box.gpus import Gpu

_PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "acpitz")
"""Names of the sensors that sit on a processor, the most exact ones first."""


@dataclass(frozen=True, slots=True)
class CoreTime:
    """How long a core, or several together, has been at work and at rest since the box started."""

    busy_s: float
    idle_s: float

    def share_since(self, before: CoreTime) -> float | None:
        """Percent of the time in between at work; None where no time has passed."""
        busy, idle = self.busy_s - before.busy_s, self.idle_s - before.idle_s
        # The kernel's counters may go back a little.
        return max(0.0, min(100.0, 100 * busy / (busy + idle))) if busy + idle > 0 else None


@dataclass(frozen=True, slots=True)
class Vitals:
    """One reading; None for what this box does not tell."""

    cpu_percent: float | None
    """Of all cores together, since the reading before; None for the first, and where cores came or went."""
    per_core: tuple[float | None, ...] | None
    """The same for each core."""
    memory_used_bytes: int
    """All that a new program could not have."""
    memory_total_bytes: int
    swap_used_bytes: int
    swap_total_bytes: int
    load_1m: float | None
    temperature_c: float | None
    """Of the hottest part of the processor."""
    gpus: tuple[Gpu, ...] | None = None
    """As `read_gpus` told."""
    times: tuple[CoreTime, ...] = ()
    """What the next reading counts from; by core."""


def read_vitals(previous: Vitals | None, gpus: tuple[Gpu, ...] | None = None) -> Vitals:
    """Read this box, in about a millisecond; the processor's share is counted from the reading before."""
    times = _times()
    before = previous.times if previous else ()
    comparable = len(times) == len(before)
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Vitals(
        cpu_percent=_together(times).share_since(_together(before)) if comparable else None,
        per_core=tuple(map(CoreTime.share_since, times, before)) if comparable else None,
        memory_used_bytes=memory.total - memory.available,
        memory_total_bytes=memory.total,
        swap_used_bytes=swap.used,
        swap_total_bytes=swap.total,
        load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        temperature_c=_temperature(),
        gpus=gpus,
        times=times,
    )


def _times() -> tuple[CoreTime, ...]:
    return tuple(_time(core._asdict()) for core in psutil.cpu_times(percpu=True))


def _time(spent: dict[str, float]) -> CoreTime:
    idle = spent["idle"] + spent.get("iowait", 0.0)
    # Linux counts the time of guests in user time too.
    guests = spent.get("guest", 0.0) + spent.get("guest_nice", 0.0)
    return CoreTime(busy_s=sum(spent.values()) - idle - guests, idle_s=idle)


def _together(cores: tuple[CoreTime, ...]) -> CoreTime:
    return CoreTime(sum(core.busy_s for core in cores), sum(core.idle_s for core in cores))


def _temperature() -> float | None:
    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    for name in _PROCESSOR_SENSORS:
        # A sensor that is broken says zero.
        if readings := [sensor.current for sensor in sensors.get(name, ()) if sensor.current > 0]:
            return max(readings)
    return None
