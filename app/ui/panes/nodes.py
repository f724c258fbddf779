"""This box and the Ollama nodes: how each one is, and what it has loaded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from app.box.vitals import Vitals
from app.core.events import Event
from app.core.pool import Node, NodeForgotten, NodeSeen, Pool
from app.core.vitals import VitalsRead
from app.ollama.client import LoadedModel
from app.text.units import GIB, UNKNOWN, bytes_text, milliseconds_text
from app.ui.commands import pane_bindings
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.plain import plain_line
from app.ui.widgets.ledger import Cell, Column, Ledger, Row
from app.ui.widgets.said import Said

_NODE = Column("node", "node", 22)
_BASIC = (
    Column("state", "state", 6),
    Column("ms", "ms", 5, right=True),
    Column("version", " version", 9),
    Column("requests", "reqs", 5, right=True),
)
_FIXED = 47
_MARGIN = 1
_LEAST_LOADED = 10
_MOST_LOADED = 60
_STATES = {True: Cell("up", "good"), False: Cell("down", "error"), None: Cell(UNKNOWN, "muted")}
_BARS = "▁▂▃▄▅▆▇█"
_HISTORY = 8


class NodesPane(Pane):
    """A line for this box, a row for each node, and all that is known of the one under the cursor."""

    PLACE = Place.NODES
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.NODES)

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool
        self._loads: deque[float] = deque(maxlen=_HISTORY)

    def compose(self) -> ComposeResult:
        """This box, the table or what to do while it is empty, the selected node."""
        yield Said(id="this-box")
        yield Static("No Ollama node is known.  a  adds one by its URL.", classes="empty", markup=False)
        yield Ledger(order=str)
        yield Said(classes="details")

    def on_mount(self) -> None:
        """Show what is known already."""
        self.query_one("#this-box", Said).say(_box_text(None, ()))
        self._lay_out()
        self._show(self._pool.nodes)

    @property
    def main(self) -> Widget:
        """The table."""
        return self.ledger

    @property
    def ledger(self) -> Ledger:
        """The table."""
        return self.query_one(Ledger)

    @property
    def selected(self) -> str | None:
        """The URL under the cursor."""
        return self.ledger.selected

    def take(self, events: Sequence[Event]) -> None:
        """Show what has changed."""
        for event in events:
            if isinstance(event, VitalsRead):
                self._show_box(event.vitals)
        seen = [event.node for event in events if isinstance(event, NodeSeen)]
        gone = [event.url for event in events if isinstance(event, NodeForgotten)]
        if seen or gone:
            self.ledger.drop(gone)
            self._show(seen)

    @on(DataTable.RowHighlighted)
    def show_details(self) -> None:
        """Say all that is known of the node under the cursor."""
        node = next((node for node in self._pool.nodes if node.url == self.selected), None)
        self.query_one(".details", Said).say(_details(node) if node is not None else "")

    def on_resize(self, _event: Resize) -> None:
        """Give the loaded models what room there is."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.content_size.width - _MARGIN
        loaded = max(_LEAST_LOADED, min(_MOST_LOADED, width - _FIXED))
        self.ledger.lay_out((_NODE, *_BASIC, Column("loaded", " loaded", loaded)))

    def _show(self, nodes: Iterable[Node]) -> None:
        self.ledger.show({node.url: _row(node) for node in nodes})
        self.set_class(not self._pool.nodes, "-empty")
        self.show_details()

    def _show_box(self, vitals: Vitals) -> None:
        if vitals.cpu_percent is not None:
            self._loads.append(vitals.cpu_percent)
        self.query_one("#this-box", Said).say(_box_text(vitals, self._loads))


def _row(node: Node) -> Row:
    loaded = ", ".join(_loaded_text(model) for model in node.loaded)
    return {
        "node": Cell(node.url.removeprefix("http://")),
        "state": _STATES[node.up],
        "ms": Cell(milliseconds_text(node.latency_ms)),
        "version": Cell(f" {node.version or UNKNOWN}"),
        "requests": Cell(str(node.in_flight)),
        "loaded": Cell(f" {loaded or UNKNOWN}"),
    }


def _loaded_text(model: LoadedModel) -> str:
    return f"{model.name} {bytes_text(model.vram_bytes)}"


def _details(node: Node) -> str:
    said = [f"from {node.origin}"]
    if node.up:
        said += [f"{len(node.models)} models"]
        said += [f"{model.name} {bytes_text(model.vram_bytes)} in VRAM" for model in node.loaded]
    elif node.detail:
        said.append(node.detail)
    return plain_line("  ".join(said))


def _box_text(vitals: Vitals | None, loads: Iterable[float]) -> Content:
    shown = ("this box", "bold")
    if vitals is None:
        return Content.assemble(shown, f"  cpu {UNKNOWN}  mem {UNKNOWN}  load {UNKNOWN}")
    cpu = UNKNOWN if vitals.cpu_percent is None else f"{vitals.cpu_percent:.0f} %"
    used, total = vitals.memory_used_bytes / GIB, vitals.memory_total_bytes / GIB
    load = UNKNOWN if vitals.load_1m is None else f"{vitals.load_1m:.1f}"
    heat = "" if vitals.temperature_c is None else f"  {vitals.temperature_c:.0f} °C"
    return Content.assemble(
        shown,
        "  cpu ",
        (_sparkline(loads), "$text-accent"),
        f" {cpu:>5}  mem {used:.1f}/{total:.1f} G  load {load}{heat}",
    )


def _sparkline(percents: Iterable[float]) -> str:
    return "".join(_BARS[min(len(_BARS) - 1, int(p * len(_BARS) / 100))] for p in percents).rjust(_HISTORY)
