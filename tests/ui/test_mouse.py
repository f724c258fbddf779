"""The mouse does what the keys do: panes, header, hints, lists."""

from __future__ import annotations

import pytest
from textual.widget import Widget

from app.text.address import Address, parse_address
from app.ui.panes.backends import BackendTable
from app.ui.places import Place
from app.ui.screens.backend import BackendScreen
from app.ui.screens.models import ModelScreen
from app.ui.screens.sheet import SheetScreen
from app.ui.widgets.header import HeaderLine
from app.ui.widgets.key_hints import KeyHints
from tests.support.console import HELD, OTHER, Console, OpenConsole, free, people
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("text", "place"), [("backends", Place.BACKENDS), ("nodes", Place.NODES), ("1/2", Place.NODES)]
)
async def test_a_part_of_the_header_goes_to_its_pane(
    open_console: OpenConsole, text: str, place: Place
) -> None:
    async with open_console(before=people) as console:
        await console.shows("1/2 nodes")
        await _click(console, console.main.query_one(HeaderLine), text)
        await until(lambda: console.main.place is place)


async def test_the_model_in_the_header_opens_the_picker(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await _click(console, console.main.query_one(HeaderLine), "no model")
        await until(lambda: isinstance(console.app.screen, ModelScreen))


async def test_a_hint_presses_its_key(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await _click(console, console.main.query_one(KeyHints), "f1 help")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        await console.press("escape", "escape")
        await _click(console, console.main.query_one(KeyHints), "? help")
        await until(lambda: isinstance(console.app.screen, SheetScreen))


@pytest.mark.parametrize("place", Place)
async def test_the_title_of_a_pane_focuses_it(open_console: OpenConsole, place: Place) -> None:
    async with open_console(before=people) as console:
        await console.press("escape", "2" if place is Place.CHAT else "1")
        await console.pilot.click(f"#{place.value}", offset=(4, 0))
        await until(lambda: console.main.place is place)
        assert console.main.focused is console.main._pane(place).main


async def test_a_model_is_chosen_by_a_click(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", before=people) as console:
        await console.press("escape", "m")
        await console.shows("qwen3:8b")
        options = console.app.screen.query_one("OptionList", Widget)
        await console.pilot.click(options, offset=(6, 1))
        await console.shows("1 Chat ─ qwen3:8b")


async def test_a_heading_sorts_and_sorts_the_other_way_round(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for n, latency_ms in enumerate((5.0, 1.0, 9.0), 1):
            console.cluster.backends.take(free(Address("127.0.1.1", n), latency_ms), "sweep")
        await console.shows("ms")
        table = console.main.query_one(BackendTable)
        await _click_heading(console, table, "ms")
        await until(lambda: _ports(table) == [2, 1, 3])
        await console.shows("ms▲")
        await _click_heading(console, table, "ms▲")
        await until(lambda: _ports(table) == [3, 1, 2])
        await console.shows("ms▼")
        await _click_heading(console, table, "backend")
        await until(lambda: _ports(table) == [1, 2, 3])
        assert console.app.screen is console.main


async def test_a_heading_that_nothing_is_sorted_by_does_nothing(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        table = console.main.query_one(BackendTable)
        await console.shows("backend▲")
        await console.pilot.click(table, offset=(0, 0))
        await console.shows("backend▲")


async def test_a_click_selects_a_backend_and_two_open_it(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        table = console.main.query_one(BackendTable)
        await console.shows(str(OTHER))
        await console.pilot.click(table, offset=(4, 2))
        await until(lambda: console.main.selected_backend == str(HELD[1]))
        assert console.app.screen is console.main
        assert table.has_focus
        await console.pilot.click(table, offset=(4, 4), times=2)
        await until(lambda: isinstance(console.app.screen, BackendScreen))
        await console.shows(f"Backend {OTHER}")


def _ports(table: BackendTable) -> list[int]:
    return [parse_address(key).port for key in sorted(table.keys, key=table.get_row_index)]


async def _click_heading(console: Console, table: BackendTable, title: str) -> None:
    await console.pilot.click(table, offset=(table.render_line(0).text.index(title), 0))


async def _click(console: Console, line: Widget, text: str) -> None:
    content = line.render()
    at = str(content).index(text)
    await console.pilot.click(line, offset=(at + 1, 0))
