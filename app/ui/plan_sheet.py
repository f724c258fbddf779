"""What the sheets of plans and of past placements show."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.placement_history import HeldDevice, PastPlacement
from app.core.plan import Misfit, Plan, PlannedDevice
from app.text.units import UNKNOWN, bytes_text, plural
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
    return tuple(
        Section(
            (("", "layers", "planned", "actual"), *map(_past_row, each.devices)),
            f"{each.at.astimezone():%Y-%m-%d %H:%M}  {each.model}  context {each.context:,}",
        )
        for each in past
    )


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
        str(device.planned.layers),
        bytes_text(device.planned.weights_bytes + device.planned.cache_bytes),
        UNKNOWN if actual is None else bytes_text(actual.weights_bytes + actual.cache_bytes),
    )
