"""The backends: what each one is good for now, what it has, what it holds of the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from app.core.backends import Backend, BackendForgotten, Backends, BackendSeen
from app.core.coordinator_status import CoordinatorChanged, CoordinatorForgotten, CoordinatorState
from app.core.discovery import SweepGoing
from app.core.events import Event
from app.core.memory import memory_together
from app.core.placement import Placement, Share, share_of
from app.llama.command import worker_command_text
from app.text.address import Address, parse_address
from app.text.units import duration_text
from app.ui.clicks import open_by_two_clicks
from app.ui.commands import pane_bindings
from app.ui.panes.backend_order import BackendOrder, by_address
from app.ui.panes.backend_rows import (
    backend_row,
    columns,
    details,
    first_ports,
    passes,
    trend,
)
from app.ui.panes.node_rows import steady_latency
from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.plain import plain_line
from app.ui.steady import Steady
from app.ui.widgets.bars import bar
from app.ui.widgets.ledger import Cell, Column, Ledger, Row
from app.ui.widgets.said import Said
from app.ui.widgets.search import SearchLine

_BAR = 20


class BackendTable(Ledger):
    """The backends. The keys of the pane come before those of a table: Enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.BACKENDS)

    async def on_click(self, event: Click) -> None:
        """Open what was clicked twice."""
        await open_by_two_clicks(self, event, "backend")


class BackendsPane(Pane):
    """A row for each backend, and all that is known of the one under the cursor."""

    PLACE = Place.BACKENDS
    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.BACKENDS)

    def __init__(self, backends: Backends) -> None:
        super().__init__(*(() if backends.known else ("-empty",)))
        self._backends = backends
        self._placements: dict[str, tuple[Placement, ...]] = {}
        """What is loaded, by model."""
        self._firsts: dict[str, int] = {}
        self._filter = ""
        self._marks: frozenset[str] = frozenset()
        self._order = BackendOrder()
        self._latencies: defaultdict[Address, Steady] = defaultdict(steady_latency)

    def compose(self) -> ComposeResult:
        """The table, or what to do while it is empty; then the selected one, and the sweep."""
        yield Static(_nothing_known(), classes="empty", markup=False)
        yield BackendTable(order=by_address)
        yield Said(classes="details")
        yield Said(id="sweep")
        yield SearchLine("part of an address, name, state, origin or note")

    def on_mount(self) -> None:
        """Show what is known already."""
        self._lay_out()
        self._show_all()

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

    @property
    def chosen(self) -> tuple[str, ...]:
        """The marked addresses; where none is, the one under the cursor."""
        known = (str(backend.address) for backend in self._backends.known)
        marked = tuple(address for address in known if address in self._marks)
        return marked or ((self.selected,) if self.selected else ())

    def mark(self) -> None:
        """Mark the backend under the cursor, or no more, and go on to the next."""
        if self.selected:
            self._marks ^= {self.selected}
            self._show_all()
            self.ledger.action_cursor_down()

    def mark_all(self) -> None:
        """Mark every backend that is shown; none, where all are."""
        shown = frozenset(str(backend.address) for backend in self._passing)
        self._marks = frozenset() if shown <= self._marks else self._marks | shown
        self._show_all()

    def sort_by_next(self) -> None:
        """Sort by the next column that is shown."""
        self._order.go_on(self._columns())
        self._sort()

    def reverse(self) -> None:
        """Sort the other way round."""
        self._order.reverse = not self._order.reverse
        self._sort()

    @on(DataTable.HeaderSelected)
    def sort_by_clicked(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column whose heading was clicked; the other way round, where it does so already."""
        event.stop()
        self._order.choose(event.column_key.value or "")
        self._sort()

    def ask_filter(self) -> None:
        """Ask for what the backends that are shown have in them."""
        self.query_one(SearchLine).open()

    def filter(self, text: str) -> None:
        """Show the backends with `text` in what is said of them; all, where it is empty."""
        self._filter = text
        self._show_all()

    @on(SearchLine.Typed)
    def _filter_while_typed(self, event: SearchLine.Typed) -> None:
        event.stop()
        self.filter(event.text)

    @on(SearchLine.Entered)
    def _filter_for_good(self, event: SearchLine.Entered) -> None:
        event.stop()
        self.filter(event.text)
        self.ledger.focus()

    def take(self, events: Sequence[Event]) -> None:
        """Show what has changed."""
        for event in events:
            match event:
                case CoordinatorChanged(status):
                    ready = status.state is CoordinatorState.READY
                    self._placements[status.model] = status.placement if ready else ()
                    self._show_all()
                case CoordinatorForgotten():
                    self._placements.pop(event.of, None)
                case SweepGoing():
                    self.query_one("#sweep", Said).say(_sweep_text(event))
                    self.query_one("#sweep").display = True
                case _:
                    pass
        seen = [event.backend for event in events if isinstance(event, BackendSeen)]
        gone = [event.address for event in events if isinstance(event, BackendForgotten)]
        if seen or gone:
            self._marks -= {str(address) for address in gone}
            self.ledger.drop(str(address) for address in gone)
            self._show((*seen, *self._regrouped()))

    @on(DataTable.RowHighlighted)
    def show_details(self) -> None:
        """Say all that is known of the backend under the cursor."""
        backend = next((b for b in self._backends.known if str(b.address) == self.selected), None)
        told = self.query_one(".details", Said)
        if backend is not None:
            told.say(details(backend, *self._holding(backend.address)))
        else:
            told.say(_nothing_passes(self._filter) if self._filter else "")

    def on_resize(self, _event: Resize) -> None:
        """Show more columns where there is room for them."""
        self._lay_out()

    def _columns(self) -> tuple[Column, ...]:
        named = any(backend.remark.name for backend in self._backends.known)
        return columns(self.content_size.width, named=named)

    def _lay_out(self) -> None:
        self.ledger.lay_out(self._order.titled(self._columns()))

    def _sort(self) -> None:
        self._show_all()
        self.ledger.order_by(self._place, reverse=self._order.reverse)

    def _place(self, text: str) -> tuple[object, ...]:
        """By the round trip that is shown: what moves less than that moves no row either."""
        backend = self._backends.get(parse_address(text))
        if backend is None:
            return ()
        shown = replace(backend, latency_ms=self._latencies[backend.address].shown)
        return self._order.place(shown, self._share(backend.address))

    @property
    def _passing(self) -> tuple[Backend, ...]:
        return tuple(backend for backend in self._backends.known if passes(backend, self._filter))

    def _show_all(self) -> None:
        self._regrouped()
        self._show(self._backends.known)

    def _regrouped(self) -> tuple[Backend, ...]:
        """The backends of the hosts where another port stands first now; in no order but theirs each does."""
        known, before = self._backends.known, self._firsts
        self._firsts = first_ports(known) if self._order.is_by_host else {}
        changed = {host for host, _ in before.items() ^ self._firsts.items()}
        return tuple(backend for backend in known if backend.address.host in changed)

    def _show(self, backends: Iterable[Backend]) -> None:
        self._lay_out()
        shown = {str(backend.address): backend for backend in backends}
        passing = {key: backend for key, backend in shown.items() if passes(backend, self._filter)}
        self.ledger.drop(shown.keys() - passing.keys())
        self.ledger.show({key: self._row(backend) for key, backend in passing.items()})
        known = self._backends.known
        self.set_class(not known, "-empty")
        told = (
            f"{len(self._backends.usable)} of {len(known)} usable" if known else "",
            f"{len(self._marks)} marked" if self._marks else "",
            f"/{self._filter}" if self._filter else "",
            str(memory_together(known) or ""),
        )
        self.remark("  ".join(part for part in told if part))
        self.show_details()

    def _row(self, backend: Backend) -> Row:
        address = backend.address
        first = self._firsts.get(address.host, address.port)
        return {
            "mark": Cell("●" if str(address) in self._marks else "", "good"),
            **backend_row(backend, self._share(address), self._latencies[address]),
            "backend": Cell(str(address) if first == address.port else f"└ :{address.port}"),
            "trend": Cell(trend(self._backends.looks(address))),
        }

    def _share(self, address: Address) -> Share | None:
        return self._holding(address)[0]

    def _holding(self, address: Address) -> tuple[Share | None, str]:
        """What a backend holds, and of which model."""
        for model, placement in self._placements.items():
            share = share_of(address, placement)
            if share is not None:
                return share, model
        return None, ""


def _sweep_text(sweep: SweepGoing) -> Content:
    share = sweep.done / sweep.total if sweep.total else 1.0
    going = "" if sweep.ended else f"{''.join(bar(share, _BAR))} "
    word = "swept" if sweep.ended else "sweeping"
    return Content(
        f"{going}{word} {sweep.done}/{sweep.total}, found {sweep.found}, {duration_text(sweep.elapsed_s)}"
    )


def _nothing_passes(text: str) -> str:
    return f"No backend has '{plain_line(text)}' in what is said of it.  / and escape shows them all."


def _nothing_known() -> str:
    return (
        "No backend is known yet.\n"
        "d  looks for some on your networks\n"
        "a  adds one by its address\n"
        "To make one, run this on another box:\n"
        f"{worker_command_text('THAT-HOST-IP')}\n"
        "Its port has no password: let only hosts that you trust reach it."
    )
