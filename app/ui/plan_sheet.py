"""What the sheet of past placements shows."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.placement_history import HeldDevice, PastPlacement
from app.text.units import UNKNOWN, bytes_text
from app.ui.sheets import Row, Section


def history_sheet(past: Iterable[PastPlacement]) -> tuple[Section, ...]:
    """The last loads, the newest first."""
    return tuple(
        Section(
            (("", "layers", "planned", "actual"), *map(_past_row, each.devices)),
            f"{each.at.astimezone():%Y-%m-%d %H:%M}  {each.model}  context {each.context:,}",
        )
        for each in past
    )


def _past_row(device: HeldDevice) -> Row:
    actual = device.actual
    return (
        device.backend,
        str(device.planned.layers),
        bytes_text(device.planned.weights_bytes + device.planned.cache_bytes),
        UNKNOWN if actual is None else bytes_text(actual.weights_bytes + actual.cache_bytes),
    )
