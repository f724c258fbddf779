"""The coordinator: what it is doing, where its model went, what happened, its requests, and its own log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widget import Widget

from app.core.coordinator_status import CoordinatorStatus
from app.core.coordinators import Coordinators
from app.core.events import Event, LifecycleLine, Severity
from app.core.log_watch import LogGrew
from app.core.requests import Request
from app.text.units import plural
from app.ui.commands import pane_bindings
from app.ui.panes.coordinator_summary import summary
from app.ui.panes.coordinators_seen import CoordinatorsSeen
from app.ui.panes.pane import Pane
from app.ui.panes.requests_table import columns, row_of, row_text
from app.ui.places import Place
from app.ui.views import View
from app.ui.widgets.following import Following
from app.ui.widgets.ledger import Ledger
from app.ui.widgets.log_panel import LogPanel
from app.ui.widgets.said import Said
from app.ui.widgets.timeline import Timeline, whole_text

_MARGIN = 2
"""What padding and scrollbar take of the width of the requests."""
_SUMMARY_MARGIN = 3
"""The same of the summary, which has two thirds of the height at most."""


class CoordinatorPane(Pane):
    """The state at the top; under it what happened, the raw log, or the requests."""

    PLACE = Place.COORDINATOR
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.COORDINATOR)

    def __init__(self, coordinators: Coordinators) -> None:
        super().__init__(f"-{View.EVENTS}")
        self._seen = CoordinatorsSeen(coordinators.known)
        self._requests: dict[str, Request] = {}
        self._lost = 0
        self.shown = View.EVENTS
        """What is under the summary now."""

    def compose(self) -> ComposeResult:
        """The summary, and the three views in one place."""
        with VerticalScroll(id="summary", can_focus=False):
            yield Said()
        yield Timeline()
        yield LogPanel()
        yield Ledger(int)

    def on_resize(self, _event: Resize) -> None:
        """Use the room that there is."""
        self.query_one(Ledger).lay_out(columns(self.content_size.width - _MARGIN))
        self._summarize()

    def on_mount(self) -> None:
        """Begin with what happened, and with what an earlier process left behind."""
        self._show_seen()
        self.show(View.EVENTS)

    @property
    def status(self) -> CoordinatorStatus | None:
        """The coordinator that is shown; None where there was none."""
        return self._seen.shown.status

    @property
    def count(self) -> int:
        """How many coordinators one can go through."""
        return self._seen.place(self._seen.shown).total

    def leading_to(self, model: str | None) -> tuple[CoordinatorStatus | None, str]:
        """The coordinator of a model, else the one that is shown; and which of how many it is."""
        seen = self._seen.of(model) if model else self._seen.shown
        return seen.status, str(self._seen.place(seen))

    @property
    def main(self) -> Widget:
        """The view that is shown."""
        match self.shown:
            case View.EVENTS:
                return self.timeline
            case View.LOG:
                return self.log_panel.view
            case View.REQUESTS:
                return self.query_one(Ledger)

    @property
    def timeline(self) -> Timeline:
        """What happened."""
        return self.query_one(Timeline)

    @property
    def log_panel(self) -> LogPanel:
        """The raw log."""
        return self.query_one(LogPanel)

    def take(self, events: Sequence[Event], lost: int) -> None:
        """Show what has happened; `lost` counts the lifecycle lines that could not be kept up with so far."""
        self._seen.take(events)
        if any(isinstance(event, LogGrew) for event in events):
            self.log_panel.look(self._seen.shown.book)
        self._show_seen()
        if lost > self._lost:
            notice = f"{plural(lost - self._lost, 'line')} lost: they came faster than they could be shown"
            now = datetime.now().astimezone()
            self.timeline.feed([LifecycleLine(now, "console", notice, Severity.WARNING)])
            self._lost = lost
        self.timeline.feed(event for event in events if isinstance(event, LifecycleLine))

    def show(self, view: View) -> None:
        """Show another view."""
        focused = self.main.has_focus
        self.shown = view
        for each in View:
            self.set_class(each is view, f"-{each}")
        if focused:
            self.main.focus()
        self._show_titles()

    def go_by(self, step: int) -> None:
        """Show the coordinator so many places further on."""
        self._seen.go_by(step)
        self._show_seen()

    def toggle(self, view: View) -> None:
        """Show a view, or what happened where it is shown already."""
        self.show(View.EVENTS if self.shown is view else view)

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        if self.shown is View.REQUESTS:
            self.query_one(Ledger).action_scroll_bottom()
        else:
            (self.log_panel.view if self.shown is View.LOG else self.timeline).follow()

    async def copied(self) -> str:
        """What is to be copied: the marked lines, else what is under the cursor, an incident as a whole."""
        match self.shown:
            case View.EVENTS:
                line = self.timeline.selected
                return whole_text(line) if line is not None else ""
            case View.LOG:
                view = self.log_panel.view
                return await view.text_of(view.marked)
            case View.REQUESTS:
                request = self._requests.get(self.query_one(Ledger).selected or "")
                return row_text(request) if request is not None else ""

    @on(Following.Moved)
    def _show_titles(self) -> None:
        if self.shown is View.REQUESTS:
            self.remark(str(self.shown))
            return
        view = self.log_panel.view if self.shown is View.LOG else self.timeline
        new = f" +{plural(view.unseen, 'line')}" if view.unseen else ""
        self.remark(f"{self.shown} · {'follow' if view.following else f'paused{new}'}")

    def _show_requests(self, requests: Sequence[Request]) -> None:
        table, rows = self.query_one(Ledger), {str(request.task): request for request in requests}
        if rows == self._requests:
            return
        table.drop(self._requests.keys() - rows.keys())
        table.show({task: row_of(r) for task, r in rows.items() if r != self._requests.get(task)})
        self._requests = rows

    def _show_seen(self) -> None:
        seen = self._seen.shown
        if seen.book is not self.log_panel.book:
            self.log_panel.look(seen.book)
        self._show_requests(seen.requests)
        self._summarize()
        self.entitle(str(self._seen.place(seen)))

    def _summarize(self) -> None:
        seen, room = self._seen.shown, self.content_size
        width, most = room.width - _SUMMARY_MARGIN, room.height * 2 // 3
        self.query_one("#summary Said", Said).say(summary(seen.status, seen.progress, width, most))
