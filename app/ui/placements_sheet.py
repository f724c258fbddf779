"""What the sheet of past placements shows."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.placement_history import HeldDevice, PastPlacement
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, rate_text
from app.ui.sheets import Row, Section


def history_sheet(past: Iterable[PastPlacement]) -> tuple[Section, ...]:
    """The last loads, the newest first."""
    headings = ("", "ms", "layers", "planned", "actual")
    return tuple(Section((headings, *map(_past_row, each.devices)), _past_title(each)) for each in past)


def _past_row(device: HeldDevice) -> Row:
    actual = device.actual
    return (
        device.backend,
        milliseconds_text(device.round_trip_ms),
        str(device.planned.layers),
        bytes_text(device.planned.weights_bytes + device.planned.cache_bytes),
        UNKNOWN if actual is None else bytes_text(actual.weights_bytes + actual.cache_bytes),
    )


def _past_title(past: PastPlacement) -> str:
    return (
        f"{past.at.astimezone():%Y-%m-%d %H:%M}  {past.model}  context {past.context:,}  "
        f"speed {rate_text(past.generation_rate)}, prompt {rate_text(past.prompt_rate)}"
    )
