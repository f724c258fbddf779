"""The coordinator: what it is doing, where its model went, what happened, and its own log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from app.core.coordinator import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import Event, LifecycleLine, LogLine
from app.core.placement import Placement
from app.llama.log import Level, parse_line
from app.text.units import UNKNOWN, bytes_text, duration_text, plural
from app.ui.commands import pane_bindings
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.widgets.log_view import LogEntry, LogView
from app.ui.widgets.said import Said

_TIME = len("12:01:10 ")
_LEVELS = {Level.ERROR: "error", Level.WARN: "warning", Level.DEBUG: "dim"}
_TONES = {
    CoordinatorState.READY: "$text-success",
    CoordinatorState.FAILED: "$text-error",
    CoordinatorState.STOPPED: "$text-muted",
}
_EMPTY = "No coordinator runs. A prompt whose route needs one starts it; S starts it now."


class CoordinatorPane(Pane):
    """The state at the top; under it what happened, or the raw log."""

    PLACE = Place.COORDINATOR
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.COORDINATOR)

    def __init__(self, status: CoordinatorStatus | None) -> None:
        super().__init__()
        self._status = status
        self._lost = 0
        self._shows_log = False

    def compose(self) -> ComposeResult:
        """The summary, and the two logs in one place."""
        with VerticalScroll(id="summary", can_focus=False):
            yield Said()
        yield LogView(id="lifecycle")
        yield LogView(id="raw-log")

    def on_mount(self) -> None:
        """Begin with what happened."""
        self._summarize()
        self._show_titles()

    @property
    def main(self) -> Widget:
        """The log that is shown."""
        return self.view

    @property
    def view(self) -> LogView:
        """The log that is shown."""
        return self.query_one("#raw-log" if self._shows_log else "#lifecycle", LogView)

    def take(self, events: Sequence[Event], lost: int) -> None:
        """Show what has happened; `lost` counts the lines that could not be kept up with so far."""
        for event in events:
            if isinstance(event, CoordinatorChanged):
                self._status = event.status
                self._summarize()
        happened = [_entry(event) for event in events if isinstance(event, LifecycleLine)]
        logged = [_log_entry(event.text) for event in events if isinstance(event, LogLine)]
        if lost > self._lost:
            notice = f"… {plural(lost - self._lost, 'line')} lost: they came faster than they could be shown"
            self._lost = lost
            logged.insert(0, LogEntry(notice, "warning"))
        self._feed("#lifecycle", happened)
        self._feed("#raw-log", logged)

    def toggle_log(self) -> None:
        """Show the raw log instead of what happened, or the other way round."""
        focused = self.view.has_focus
        self._shows_log = not self._shows_log
        self.set_class(self._shows_log, "-raw")
        if focused:
            self.view.focus()
        self._show_titles()

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        self.view.follow()

    @on(LogView.Moved)
    def _show_titles(self) -> None:
        view = self.view
        place = "follow" if view.following else f"paused, {view.unseen} new · f follows"
        self.border_subtitle = f"{'log' if self._shows_log else 'events'} · {place}"

    def _summarize(self) -> None:
        self.query_one("#summary Said", Said).say(_summary(self._status))

    def _feed(self, selector: str, entries: list[LogEntry]) -> None:
        if entries:
            self.query_one(selector, LogView).feed(entries)


def _entry(line: LifecycleLine) -> LogEntry:
    return LogEntry(str(line), str(line.severity), lead=_TIME)


def _log_entry(raw: str) -> LogEntry:
    line = parse_line(raw)
    kind = _LEVELS.get(line.level, "info") if line.level is not None else "info"
    if line.time_s is None:
        return LogEntry(line.text, kind)
    since_start = f"{line.time_s:8.2f} "
    return LogEntry(since_start + line.text, kind, lead=len(since_start))


def _summary(status: CoordinatorStatus | None) -> Content:
    if status is None:
        return Content.styled(_EMPTY, "$text-muted")
    lines = [_state_line(status)]
    if status.failure is not None and status.state is CoordinatorState.FAILED:
        failure = f"{status.failure.cause} {status.failure.remedy}".rstrip()
        lines.append(Content.styled(failure, "$text-error"))
    placement = status.placement if status.state is CoordinatorState.READY else ()
    return Content("\n").join((*lines, *map(_placed_line, placement)))


def _placed_line(placed: Placement) -> Content:
    layers = UNKNOWN if placed.layers is None else plural(placed.layers, "layer")
    held = bytes_text(placed.held_bytes)
    return Content(f"  {placed.where:<22}{placed.device:<7}{layers:<11}{held:>9}")


def _state_line(status: CoordinatorStatus) -> Content:
    since = ""
    if status.state not in (CoordinatorState.READY, CoordinatorState.STOPPED) and status.since is not None:
        since = f" since {_clock(status.since)}"
    ready = f" in {duration_text(status.ready_in_s)}" if status.ready_in_s is not None else ""
    ends = f"  :{status.port}  pid {status.pid}" if status.pid is not None else ""
    tone = _TONES.get(status.state, "$text-warning")
    return Content.assemble((status.model, "bold"), "  ", (f"● {status.state}{ready}{since}", tone), ends)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
