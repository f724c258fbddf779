"""The tables of backends and nodes: right, and changed no more than needed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region

from app.core.backends import BackendSeen
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState
from app.core.discovery import SweepGoing
from app.core.pool import NodeSeen
from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from app.ui.panes.backend_rows import tone_of
from app.ui.panes.backends import BackendsPane
from app.ui.panes.nodes import NodesPane
from app.ui.widgets.ledger import Cell, Column, Ledger, Row
from tests.support.console import NARROW, OTHER, UP, Console, OpenConsole, free, narrate, people, ready_status
from tests.support.waiting import until

ROWS = [Address(f"127.0.2.{n}", 50052) for n in range(1, 255)]


class LedgerApp(App[None]):
    """Nothing but a table."""

    def compose(self) -> ComposeResult:
        """The table."""
        yield Ledger(int)


async def test_rows_may_come_before_there_are_columns() -> None:
    """As the requests of a coordinator do that is adopted, and has answered before."""
    app = LedgerApp()
    async with app.run_test():
        ledger = app.query_one(Ledger)
        ledger.show({"1": {"task": Cell("1")}, "2": {"task": Cell("2")}})
        assert (ledger.row_count, ledger.selected) == (2, None)
        ledger.lay_out([Column("task", "task", 6)])
        assert (ledger.row_count, ledger.selected) == (2, "1")
        assert ledger.get_cell("2", "task").plain.strip() == "2"


async def test_a_sweep_changes_only_the_cells_that_differ(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        _see(console, *(free(address) for address in ROWS))
        await until(lambda: _ledger(console).row_count == len(ROWS))
        made: list[tuple[str, str]] = []
        make = Ledger._cell

        def counted(ledger: Ledger, key: str, row: Row, column: Column) -> Text:
            made.append((key, column.key))
            return make(ledger, key, row, column)

        monkeypatch.setattr(Ledger, "_cell", counted)
        slower = ROWS[::10]
        _see(console, *(free(a, latency_ms=9.0 if a in slower else 0.4) for a in ROWS))
        last = str(slower[-1])
        await until(lambda: _ledger(console).get_cell(last, "ms").plain.strip() == "9.0")
        assert made == [(str(address), "ms") for address in slower]


async def test_only_the_rows_that_differ_and_can_be_seen_are_drawn(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        _see(console, *(free(address) for address in ROWS))
        await until(lambda: _ledger(console).row_count == len(ROWS))
        await console.pilot.pause(0.2)
        drawn: list[tuple[Region, ...]] = []
        refresh = Ledger.refresh

        def counted(ledger: Ledger, *regions: Region, **how: bool) -> Ledger:
            drawn.append(regions)
            return refresh(ledger, *regions, **how)

        monkeypatch.setattr(Ledger, "refresh", counted)
        _see(console, *(free(address, latency_ms=9.0) for address in (ROWS[1], ROWS[3], *ROWS[100:])))
        await until(lambda: _ledger(console).get_cell(str(ROWS[-1]), "ms").plain.strip() == "9.0")
        assert drawn == [(Region(0, 2, 58, 1),), (Region(0, 4, 58, 1),)]
        await console.shows(f"{ROWS[3]}       free      8.0.0   1  22.0/24.0 9.0")


async def test_rows_change_places_together_a_little_later(open_console: OpenConsole) -> None:
    async with open_console() as console:
        _see(console, *(free(address, latency_ms=float(n)) for n, address in enumerate(ROWS[:9])))
        await console.press("escape", "2", "o", "o", "o", "o", "o")
        await console.shows("ms▲")
        pane, ledger = console.main.backends, _ledger(console)
        for n, address in enumerate(ROWS[:9]):
            backend = console.cluster.backends.take(free(address, latency_ms=90.0 - n), "sweep")
            pane.take([BackendSeen(backend)])
            assert ledger.get_row_index(str(ROWS[0])) == 0
        await until(lambda: ledger.get_row_index(str(ROWS[0])) == 8)
        assert [ledger.get_row_index(str(address)) for address in ROWS[:9]] == [*range(8, -1, -1)]


async def test_rows_stay_where_their_round_trips_differ_by_less_than_is_shown(
    open_console: OpenConsole,
) -> None:
    async with open_console() as console:
        _see(console, free(ROWS[0], latency_ms=0.2), free(ROWS[1], latency_ms=0.3))
        await console.press("escape", "2", "o", "o", "o", "o", "o")
        await console.shows("ms▲")
        ledger = _ledger(console)
        _see(console, free(ROWS[0], latency_ms=0.5), free(ROWS[2], latency_ms=0.4))
        await until(lambda: ledger.row_count == 3)
        ledger._sort()
        assert [ledger.get_row_index(str(address)) for address in ROWS[:3]] == [0, 1, 2]


async def test_rows_are_in_the_order_of_their_addresses(open_console: OpenConsole) -> None:
    async with open_console() as console:
        shuffled = [*ROWS]
        random.Random(1).shuffle(shuffled)
        for at in range(0, len(shuffled), 50):
            _see(console, *(free(address) for address in shuffled[at : at + 50]))
            await console.pilot.pause(0.12)
        ledger = _ledger(console)
        await until(lambda: ledger.row_count == len(ROWS))
        assert [ledger.get_row_at(n)[1].plain for n in range(len(ROWS))] == [str(address) for address in ROWS]


async def test_the_cursor_stays_on_its_row(open_console: OpenConsole) -> None:
    async with open_console() as console:
        _see(console, free(ROWS[9]), free(ROWS[20]))
        await console.press("escape", "2", "j")
        assert console.main.selected_backend == str(ROWS[20])
        _see(console, free(ROWS[1]), free(ROWS[15]))
        await until(lambda: _ledger(console).row_count == 4)
        assert console.main.selected_backend == str(ROWS[20])


@pytest.mark.parametrize("state", BackendState)
async def test_every_state_is_a_word(open_console: OpenConsole, state: BackendState) -> None:
    async with open_console(size=NARROW) as console:
        console.cluster.backends.take(Probe(OTHER, state, detail="so it is"), "command line")
        await console.press("escape", "2")
        await console.shows(f"{OTHER}      {state}")
        await console.shows("from command line  so it is")


def test_one_with_nothing_on_it_is_an_error_by_colour_too() -> None:
    assert tone_of(BackendState.UNUSED) == "error"


async def test_what_is_held_is_shown_with_its_share(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW, before=people) as console:
        narrate(console.cluster)
        await console.press("escape", "2")
        await console.shows("—/24.0 0.4      42  77.5 GiB")
        await console.shows("holds 42 layers, 77.5 GiB of llama3.1:405b")


async def test_nothing_is_held_once_the_coordinator_has_stopped(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW, before=people) as console:
        narrate(console.cluster)
        await console.press("escape", "2")
        await console.shows("77.5 GiB")
        stopped = replace(ready_status(), state=CoordinatorState.STOPPED)
        console.cluster.bus.publish(CoordinatorChanged(stopped))
        await until(lambda: "77.5 GiB" not in console.text)
        await console.press("4")
        assert "77.5 GiB" not in console.text


async def test_a_forgotten_backend_goes(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        console.cluster.backends.forget(OTHER)
        await until(lambda: str(OTHER) not in console.text)
        await console.shows("3 of 3 usable")


async def test_a_sweep_under_way_is_told(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.bus.publish(SweepGoing(127, 254, 2, 1.4, ended=False))
        await console.shows("━━━━━━━━━━────────── sweeping 127/254, found 2, 1.4 s")
        console.cluster.bus.publish(SweepGoing(254, 254, 2, 2.8, ended=True))
        await console.shows("swept 254/254, found 2, 2.8 s")
        assert "━" not in console.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30), (120, 36), (200, 60)])
async def test_no_column_is_cut_off(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size, before=people) as console:
        for digit, pane in (("2", BackendsPane), ("3", NodesPane)):
            await console.press("escape", digit)
            ledger = console.main.query_one(pane).query_one(Ledger)
            width = sum(column.get_render_width(ledger) for column in ledger.columns.values())
            assert width <= ledger.content_size.width
            assert not ledger.show_horizontal_scrollbar


async def test_nodes_say_how_they_are(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW, before=people) as console:
        await console.press("escape", "3")
        await console.shows("127.0.1.21:11434  up      12            0.32.15    1  llama3.2:3b 5.1 GiB —")
        await console.shows("from state  2 models  llama3.2:3b 5.1 GiB VRAM")
        await console.shows("127.0.1.22:11434  down")
        await console.press("j")
        await console.shows("from config file  Nothing listens at 127.0.1.22:11434.")


async def test_this_box_is_unknown_until_it_was_read(open_console: OpenConsole) -> None:
    async with open_console() as console:
        assert "this box  cpu —  mem —  load —" in console.text
        narrate(console.cluster)
        await console.shows("63 %  mem 41.0/128.0 G  load 6.1")


async def test_a_hostile_name_cannot_steer_the_terminal(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        console.cluster.bus.publish(NodeSeen(UP))
        bad = Probe(ROWS[0], BackendState.NOT_RPC, detail="\x1b[2Jnot [bold]markup[/]\x07")
        console.cluster.backends.take(bad, "sweep")
        console.cluster.bus.publish(BackendSeen(console.cluster.backends.known[-1]))
        await console.press("escape", "2", "G")
        await console.shows("not [bold]markup[/]")
        assert not any(sign in console.text for sign in "\x1b\x07")


def _see(console: Console, *probes: Probe) -> None:
    for probe in probes:
        console.cluster.backends.take(probe, "sweep")


def _ledger(console: Console) -> Ledger:
    return console.main.query_one(BackendsPane).ledger
