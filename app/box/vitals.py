"""How this box is doing: processor, memory, load, temperature."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

_PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "acpitz")
"""Names of the sensors that sit on a processor, the most exact ones first."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """One reading; None for what this box does not tell."""

    cpu_percent: float | None
    """Of all cores together, since the reading before; None for the first one."""
    memory_used_bytes: int
    memory_total_bytes: int
    swap_used_bytes: int
    swap_total_bytes: int
    load_1m: float | None
    cores: int | None
    temperature_c: float | None
    busy_s: float
    """Processor time since the start, for the next reading."""
    idle_s: float


def read_vitals(before: Vitals | None) -> Vitals:
    """Read this box; `before` is the last reading, which the processor's share is counted from."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of guests in user time too.
    busy = sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Vitals(
        cpu_percent=_share(before, busy, idle),
        memory_used_bytes=memory.total - memory.available,
        memory_total_bytes=memory.total,
        swap_used_bytes=swap.used,
        swap_total_bytes=swap.total,
        load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        cores=psutil.cpu_count(),
        temperature_c=_temperature(),
        busy_s=busy,
        idle_s=idle,
    )


def _share(before: Vitals | None, busy: float, idle: float) -> float | None:
    if before is None:
        return None
    spent, rested = busy - before.busy_s, idle - before.idle_s
    return max(0.0, min(100.0, 100 * spent / (spent + rested))) if spent + rested > 0 else None


def _temperature() -> float | None:
    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    for name in _PROCESSOR_SENSORS:
        if readings := [sensor.current for sensor in sensors.get(name, ())]:
            return max(readings)
    return None
