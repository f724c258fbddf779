"""What the top of the coordinator pane says: state, load or placement, failure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from app.core.coordinator_status import ENDED, CoordinatorState, CoordinatorStatus
from app.core.loading import LoadProgress, LoadShare
from app.core.placement import Placement
from app.text.units import UNKNOWN, bytes_text, duration_text, plural
from app.ui.widgets.bars import bar

_BAR = 24
_TONES = {
    CoordinatorState.READY: "$text-success",
    CoordinatorState.FAILED: "$text-error",
    CoordinatorState.STOPPED: "$text-muted",
}
_LOADS = (CoordinatorState.STARTING, CoordinatorState.LOADING)
_EMPTY = "No coordinator runs. A prompt whose route needs one starts it; S starts it now."


def summary(status: CoordinatorStatus | None, progress: LoadProgress | None) -> Content:
    """All of it."""
    if status is None:
        return Content.styled(_EMPTY, "$text-muted")
    lines = [_state_line(status)]
    if status.failure is not None and status.state is CoordinatorState.FAILED:
        failure = f"{status.failure.cause} {status.failure.remedy}".rstrip()
        lines.append(Content.styled(failure, "$text-error"))
    if status.state is CoordinatorState.READY:
        lines += map(_placed_line, status.placement)
    if status.state in _LOADS and progress is not None:
        lines += _progress_lines(progress)
    return Content("\n").join(lines)


def _progress_lines(progress: LoadProgress) -> Iterator[Content]:
    parts = [f"  {progress.phase}", f"{duration_text(progress.elapsed_s)} so far"]
    if progress.left_s is not None:
        parts.append(f"about {duration_text(progress.left_s)} left")
    share = progress.share
    if share is not None:
        yield Content.assemble("  ", *_bar(share), f" {share:4.0%}")
    yield Content.styled("  ".join(parts), "$text-muted")
    yield from map(_share_line, progress.shares)


def _share_line(share: LoadShare) -> Content:
    sent = f"{bytes_text(share.sent):>9} of {bytes_text(share.whole)} sent"
    return Content.assemble(f"  {share.backend!s:<22}", *_bar(share.sent / share.whole), sent)


def _bar(share: float) -> tuple[tuple[str, str], ...]:
    full, rest = bar(share, _BAR)
    return (full, "$text-success"), (rest, "$text-muted")


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
