"""What the top of the coordinator pane says: state, load or placement, failure."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from textual.content import Content

from app.core.coordinator_status import ENDED, LOADS, CoordinatorState, CoordinatorStatus
from app.core.loading import LoadProgress
from app.core.placement import Placement
from app.text.units import UNKNOWN, bytes_text, duration_text, plural
from app.ui.load_text import LoadLine, load_lines

_TONES = {
    CoordinatorState.READY: "$text-success",
    CoordinatorState.FAILED: "$text-error",
    CoordinatorState.STOPPED: "$text-muted",
}
_EMPTY = "No coordinator runs. A prompt whose route needs one starts it; S starts it now."


def summary(
    status: CoordinatorStatus | None, progress: LoadProgress | None, width: int, most: int
) -> Content:
    """All of it; of a load what has room in `width` cells and `most` lines."""
    if status is None:
        return Content.styled(_EMPTY, "$text-muted")
    lines = [_state_line(status)]
    if status.failure is not None and status.state is CoordinatorState.FAILED:
        failure = f"{status.failure.cause} {status.failure.remedy}".rstrip()
        lines.append(Content.styled(failure, "$text-error"))
    if status.state is CoordinatorState.READY:
        lines += map(_placed_line, status.placement)
    if status.state in LOADS and progress is not None:
        used = sum(ceil(line.cell_length / max(1, width)) for line in lines)
        lines += map(_load_line, load_lines(progress, width, most - used))
    return Content("\n").join(lines)


def _load_line(line: LoadLine) -> Content:
    return Content.assemble(line.before, (line.full, "$text-success"), (line.rest, "$text-muted"), line.after)


def _placed_line(placed: Placement) -> Content:
    layers = UNKNOWN if placed.layers is None else plural(placed.layers, "layer")
    held = bytes_text(placed.held_bytes)
    return Content(f"  {placed.where:<22}{placed.device:<7}{layers:<11}{held:>9}")


def _state_line(status: CoordinatorStatus) -> Content:
    is_ready = status.state is CoordinatorState.READY
    is_on_its_way = not is_ready and status.state not in ENDED
    since = f" since {_clock(status.since)}" if is_on_its_way and status.since is not None else ""
    ready = f" in {duration_text(status.ready_in_s)}" if is_ready and status.ready_in_s is not None else ""
    ends = f"  :{status.port}  pid {status.pid}" if status.pid is not None else ""
    tone = _TONES.get(status.state, "$text-warning")
    return Content.assemble((status.model, "bold"), "  ", (f"● {status.state}{ready}{since}", tone), ends)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
