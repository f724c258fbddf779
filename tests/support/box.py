"""Readings of a box that never was."""

from __future__ import annotations

from app.box.gpus import Gpu
from app.box.vitals import Vitals
from app.text.units import GIB


def reading(
    cpu_percent: float | None = 63.0,
    per_core: tuple[float | None, ...] | None = None,
    gpus: tuple[Gpu, ...] | None = (),
    temperature_c: float | None = 51.0,
) -> Vitals:
    """One reading; a quarter of the memory is in use."""
    return Vitals(cpu_percent, per_core, 32 * GIB, 128 * GIB, 0, 0, 6.1, temperature_c, gpus)
