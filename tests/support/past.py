"""Loads of before, to be kept or learnt from."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.placement_history import Held, HeldDevice, PastPlacement
from app.text.units import GIB

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC).replace(tzinfo=None).astimezone()
"""By the clock of this box, wherever it is."""


def device(
    backend: object, excess_bytes: int = 0, *, planned_bytes: int = 10 * GIB, layers: int = 8, index: int = 0
) -> HeldDevice:
    """One that took so much more than planned, all of it to compute with."""
    planned = Held(layers, planned_bytes, GIB, GIB)
    return HeldDevice(str(backend), index, planned, Held(layers, planned_bytes, GIB, GIB + excess_bytes))


def load(
    *devices: HeldDevice,
    at: datetime = NOON,
    engine: str | None = "b1",
    coordinator: str | None = None,
    model: str = "llama3.1:70b",
) -> PastPlacement:
    """One load on these."""
    return PastPlacement(at, model, 8192, devices, 12.5, engine, coordinator)
