"""This box and the Ollama nodes: how each one is, what it has loaded, and what is on its way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import DataTable, Static

from app.core.events import Event
from app.core.pool import Node, NodeForgotten, NodeSeen, Pool
from app.core.pulls import PullEnded, Pulls, PullSeen
from app.core.vitals import BoxWatch, VitalsRead
from app.ui.box_text import BoxLine
from app.ui.commands import pane_bindings
from app.ui.expiry import next_change_s
from app.ui.panes.node_rows import columns, node_details, node_row, steady_latency
from app.ui.panes.node_table import BoxRow, NodeTable
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.pull_text import pull_line
from app.ui.steady import Steady
from app.ui.widgets.said import Said

_MARGIN = 1
_BOX_EVERY_S = 5.0


class NodesPane(Pane):
    """A line for this box, a row for each node, and all that is known of the one under the cursor."""

    PLACE = Place.NODES
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.NODES)

    def __init__(self, pool: Pool, pulls: Pulls, box: BoxWatch) -> None:
        super().__init__(*(() if pool.nodes else ("-empty",)))
        self._pool = pool
        self._pulls = pulls
        self._box = box
        self._vitals = box.latest
        self._box_line = BoxLine(box.history)
        self._latencies: defaultdict[str, Steady] = defaultdict(steady_latency)
        self._look = ExitStack()
        self._countdown: Timer | None = None

    def compose(self) -> ComposeResult:
        """This box, the table or what to do while it is empty, the selected node, the pulls."""
        yield BoxRow(id="this-box")
        yield Static("No Ollama node is known.  a  adds one by its URL.", classes="empty", markup=False)
        yield NodeTable(order=str)
        yield Said(classes="details")
        yield Said(id="pulls")

    def on_mount(self) -> None:
        """Show what is known already."""
        self._show(self._pool.nodes)
        self._show_box()
        self._show_pulls()

    def on_show(self) -> None:
        """Have this box read more often while it is to be seen."""
        self._look.close()
        self._look.enter_context(self._box.looked_at(_BOX_EVERY_S))

    def on_hide(self) -> None:
        """Nobody looks any more."""
        self._look.close()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._look.close()

    @property
    def main(self) -> Widget:
        """The table; this box while there is no node."""
        return self.ledger if self._pool.nodes else self.query_one(BoxRow)

    @property
    def ledger(self) -> NodeTable:
        """The table."""
        return self.query_one(NodeTable)

    @property
    def selected(self) -> str | None:
        """The URL under the cursor; None while that is on this box."""
        return None if self.query_one(BoxRow).has_focus else self.ledger.selected

    def take(self, events: Sequence[Event]) -> None:
        """Show what has changed."""
        for event in events:
            if isinstance(event, VitalsRead):
                self._vitals = event.vitals
                self._show_box()
        if any(isinstance(event, PullSeen | PullEnded) for event in events):
            self._show_pulls()
        seen = [event.node for event in events if isinstance(event, NodeSeen)]
        gone = [event.url for event in events if isinstance(event, NodeForgotten)]
        if seen or gone:
            for url in gone:
                self._latencies.pop(url, None)
            self.ledger.drop(gone)
            self._show(seen)

    @on(DataTable.RowHighlighted)
    def show_details(self) -> None:
        """Say all that is known of the node under the cursor."""
        node = self._pool.get(self.ledger.selected or "")
        self.query_one(".details", Said).say("" if node is None else node_details(node, datetime.now(UTC)))

    def on_resize(self, _event: Resize) -> None:
        """Give the loaded models what room there is."""
        self._lay_out()
        self._show_box()

    def _lay_out(self) -> None:
        self.ledger.lay_out(columns(self.content_size.width - _MARGIN, self._pool.nodes))

    def _show(self, nodes: Iterable[Node]) -> None:
        now = datetime.now(UTC)
        self._lay_out()
        self.ledger.show({node.url: node_row(node, self._latencies[node.url], now) for node in nodes})
        known = self._pool.nodes
        self.set_class(not known, "-empty")
        self.remark(f"{sum(node.up is True for node in known)} of {len(known)} up" if known else "")
        self.show_details()
        self._count_down(now)

    def _count_down(self, now: datetime) -> None:
        """Show all again when the first text would change by itself."""
        if self._countdown is not None:
            self._countdown.stop()
        wait_s = next_change_s((model.expires for node in self._pool.nodes for model in node.loaded), now)
        again = partial(self._show, self._pool.nodes)
        self._countdown = None if wait_s is None else self.set_timer(wait_s, again, name="expiry")

    def _show_box(self) -> None:
        width = self.content_size.width - 2 * _MARGIN
        self.query_one(BoxRow).say(self._box_line.text(self._vitals, width))

    def _show_pulls(self) -> None:
        told = self.query_one("#pulls", Said)
        told.say("\n".join(pull_line(pull) for pull in self._pulls.now))
        told.display = bool(self._pulls.now)
