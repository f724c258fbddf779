"""The backends: what each one is good for now, what it has, what it holds of the model."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from app.core.backends import USABLE, Backend, BackendForgotten, Backends, BackendSeen
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState
from app.core.discovery import SweepGoing
from app.core.events import Event
from app.core.placement import Placement
from app.llama.command import worker_command_text
from app.rpc.probe import BackendState
from app.text.address import Address
from app.text.units import GIB, UNKNOWN, bytes_text, duration_text, milliseconds_text, plural
from app.ui.commands import pane_bindings
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.plain import plain_line
from app.ui.widgets.ledger import Cell, Column, Ledger, Row
from app.ui.widgets.said import Said

_BASIC = (
    Column("backend", "backend", 22),
    Column("state", "state", 10),
    Column("protocol", "proto", 6),
    Column("devices", "dev", 4, right=True),
    Column("memory", "free/total", 11, right=True),
    Column("ms", "ms", 4, right=True),
)
_SHARE = (Column("layers", "layers", 8, right=True), Column("holds", "holds", 10, right=True))
_ORIGIN = (Column("origin", "  from", 16),)
_MARGIN = 1
"""Left of the table."""
_BAR = 20
_TONES = {
    BackendState.FREE: "good",
    BackendState.OURS: "good",
    BackendState.BUSY: "warning",
    BackendState.MISMATCH: "error",
    BackendState.NOT_RPC: "error",
    BackendState.REFUSED: "error",
    BackendState.NO_ANSWER: "error",
}


class Share(NamedTuple):
    """What one backend holds of the model that is loaded."""

    layers: int | None
    held_bytes: int


class BackendsPane(Pane):
    """A row for each backend, and all that is known of the one under the cursor."""

    PLACE = Place.BACKENDS
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.BACKENDS)

    def __init__(self, backends: Backends) -> None:
        super().__init__()
        self._backends = backends
        self._placement: tuple[Placement, ...] = ()
        self._model = ""

    def compose(self) -> ComposeResult:
        """The table, or what to do while it is empty; then the selected one, and the sweep."""
        yield Static(_nothing_known(), classes="empty", markup=False)
        yield Ledger(order=_by_address)
        yield Said(classes="details")
        yield Said(id="sweep")

    def on_mount(self) -> None:
        """Show what is known already."""
        self._lay_out()
        self._show(self._backends.known)

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
        """The address under the cursor."""
        return self.ledger.selected

    def take(self, events: Sequence[Event]) -> None:
        """Show what has changed."""
        for event in events:
            match event:
                case CoordinatorChanged(status):
                    ready = status.state is CoordinatorState.READY
                    self._placement, self._model = status.placement if ready else (), status.model
                    self._show(self._backends.known)
                case SweepGoing():
                    self.query_one("#sweep", Said).say(_sweep_text(event))
                    self.query_one("#sweep").display = True
                case _:
                    pass
        seen = [event.backend for event in events if isinstance(event, BackendSeen)]
        gone = [str(event.address) for event in events if isinstance(event, BackendForgotten)]
        if seen or gone:
            self.ledger.drop(gone)
            self._show(seen)

    @on(DataTable.RowHighlighted)
    def show_details(self) -> None:
        """Say all that is known of the backend under the cursor."""
        backend = next((b for b in self._backends.known if str(b.address) == self.selected), None)
        share = self._share(backend.address) if backend is not None else None
        self.query_one(".details", Said).say(_details(backend, share, self._model) if backend else "")

    def on_resize(self, _event: Resize) -> None:
        """Show more columns where there is room for them."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.content_size.width - _MARGIN
        columns = (*_BASIC, *_SHARE) if width >= _width(*_BASIC, *_SHARE) else _BASIC
        wide = (*_BASIC, *_SHARE, *_ORIGIN)
        self.ledger.lay_out(wide if width >= _width(*wide) else columns)

    def _show(self, backends: Iterable[Backend]) -> None:
        self.ledger.show({str(b.address): _row(b, self._share(b.address)) for b in backends})
        self.set_class(not self._backends.known, "-empty")
        known = self._backends.known
        usable = sum(backend.state in USABLE for backend in known)
        self.border_subtitle = f"{usable} of {len(known)} usable" if known else ""
        self.show_details()

    def _share(self, address: Address) -> Share | None:
        held = [placed for placed in self._placement if placed.backend == address]
        if not held:
            return None
        layers = [placed.layers for placed in held]
        total = None if None in layers else sum(count for count in layers if count is not None)
        return Share(total, sum(placed.held_bytes for placed in held))


def _row(backend: Backend, share: Share | None) -> Row:
    tone = _TONES.get(backend.state, "muted") if backend.state is not None else "muted"
    return {
        "backend": Cell(str(backend.address)),
        "state": Cell(str(backend.state or UNKNOWN), tone),
        "protocol": Cell(str(backend.protocol or UNKNOWN)),
        "devices": Cell(str(len(backend.devices) or UNKNOWN)),
        "memory": Cell(_memory(backend)),
        "ms": Cell(milliseconds_text(backend.latency_ms)),
        "layers": Cell(str(share.layers) if share is not None and share.layers is not None else UNKNOWN),
        "holds": Cell(bytes_text(share.held_bytes if share is not None else None)),
        "origin": Cell(f"  {backend.origin}", "muted"),
    }


def _memory(backend: Backend) -> str:
    """Free and total GiB; what is free on one that is held was seen before it was, so it is not known."""
    if backend.total_bytes is None:
        return UNKNOWN
    free = backend.free_bytes if backend.state is BackendState.FREE else None
    return f"{_gib(free)}/{_gib(backend.total_bytes)}"


def _gib(size: int | None) -> str:
    if size is None:
        return UNKNOWN
    return f"{size / GIB:.1f}" if size < 100 * GIB else f"{size / GIB:.0f}"


def _details(backend: Backend, share: Share | None, model: str) -> str:
    said = [f"from {backend.origin}"]
    if share is not None:
        layers = f"{plural(share.layers, 'layer')}, " if share.layers is not None else ""
        said.append(f"holds {layers}{bytes_text(share.held_bytes)} of {model}")
    if backend.detail and share is None:
        said.append(backend.detail)
    return plain_line("  ".join(said))


def _sweep_text(sweep: SweepGoing) -> Content:
    done = _BAR if not sweep.total else _BAR * sweep.done // sweep.total
    bar = "" if sweep.ended else f"{'━' * done}{'─' * (_BAR - done)} "
    word = "swept" if sweep.ended else "sweeping"
    return Content(
        f"{bar}{word} {sweep.done}/{sweep.total}, found {sweep.found}, {duration_text(sweep.elapsed_s)}"
    )


def _nothing_known() -> str:
    return (
        "No backend is known yet.\n"
        "d  looks for some on your networks\n"
        "a  adds one by its address\n\n"
        "To make one, run this on another box:\n"
        f"{worker_command_text('THAT-HOST-IP')}\n"
        "Its port has no password: let only hosts that you trust reach it."
    )


def _by_address(text: str) -> tuple[int, object, str]:
    """Numeric addresses in their order, then names in theirs."""
    host, _, port = text.partition(":")
    try:
        return 0, int(ipaddress.IPv4Address(host)), port.zfill(5)
    except ValueError:
        return 1, host, port.zfill(5)


def _width(*columns: Column) -> int:
    return sum(column.width for column in columns)
