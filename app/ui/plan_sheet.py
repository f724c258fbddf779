"""What the sheets of plans and of past placements show."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.placement_history import HeldDevice, PastPlacement
from app.core.plan import Misfit, Plan, PlannedDevice
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, plural, rate_text
from app.ui.sheets import Row, Section

HEADINGS = ("", "layers", "weights", "cache", "compute", "free after")


def plan_sheet(planned: Plan | Misfit) -> tuple[Section, ...]:
    """Device by device what would go there; then why, and who is left out."""
    if isinstance(planned, Misfit):
        verdict = (
            ("does not fit", f"{bytes_text(planned.short_by)} of it have no place"),
            *(("instead", str(each)) for each in planned.nearest),
        )
    else:
        verdict = (("fits", f"on {plural(len(planned.backends), 'backend')}, context {planned.context:,}"),)
    return (
        Section(verdict),
        Section((HEADINGS, *map(_device_row, planned.rows)), "Devices"),
        Section(tuple(("", reason) for reason in planned.reasons), "Why"),
        *(
            (Section(tuple((str(e.address), e.reason) for e in planned.excluded), "Left out"),)
            if planned.excluded
            else ()
        ),
    )


def history_sheet(past: Iterable[PastPlacement]) -> tuple[Section, ...]:
    """The last loads, the newest first."""
    headings = ("", "ms", "layers", "planned", "actual")
    return tuple(Section((headings, *map(_past_row, each.devices)), _past_title(each)) for each in past)


def _device_row(row: PlannedDevice) -> Row:
    return (
        str(row.backend),
        str(row.layers),
        bytes_text(row.weights_bytes),
        bytes_text(row.cache_bytes),
        bytes_text(row.compute_bytes),
        bytes_text(row.free_after),
    )


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
