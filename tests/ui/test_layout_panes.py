"""The layout that a person makes: resized, moved, hidden, whole presets; kept for the next time."""

from __future__ import annotations

import pytest

from app.config.state import Layout, StateFile
from app.ui.layout import PRESETS
from app.ui.panes.pane import Pane
from app.ui.places import Place
from tests.support.console import Console, OpenConsole
from tests.support.waiting import until


async def test_a_column_and_a_pane_are_resized(open_console: OpenConsole) -> None:
    async with open_console(size=(200, 60)) as console:
        await console.press("escape", "2")
        width, height = _size(console, Place.BACKENDS)
        await console.press("greater_than_sign", "plus")
        await until(lambda: _size(console, Place.BACKENDS) > (width, height), "a larger pane")
        assert _size(console, Place.BACKENDS)[1] > height
        await console.press("less_than_sign", "minus")
        await until(lambda: _size(console, Place.BACKENDS) == (width, height), "the old size")


async def test_panes_move(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "2")
        await console.command("move down")
        await until(lambda: _side(console) == [Place.NODES, Place.BACKENDS, Place.COORDINATOR])
        await console.command("swap")
        await until(lambda: _pane(console, Place.CHAT).region.x > 0, "the chat at the right")
        await console.command("layout reset")
        await until(lambda: _side(console) == [Place.BACKENDS, Place.NODES, Place.COORDINATOR])
        await until(lambda: _pane(console, Place.CHAT).region.x == 0, "the chat at the left")


async def test_a_pane_is_hidden_and_shown(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "3")
        await console.command("hide")
        await until(lambda: not _pane(console, Place.NODES).region.area, "no node pane")
        assert console.main.place is not Place.NODES
        await console.command("show nodes")
        await until(lambda: bool(_pane(console, Place.NODES).region.area), "the node pane")
        assert console.main.place.value == "nodes"


async def test_the_last_pane_stays(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for name in ("backends", "nodes", "coordinator", "chat"):
            await console.command(f"hide {name}")
        await until(lambda: any("One pane has to stay." in toast for toast in console.toasts))
        assert _pane(console, Place.CHAT).region.width == 120


@pytest.mark.parametrize("name", PRESETS)
async def test_a_preset_is_kept(open_console: OpenConsole, name: str) -> None:
    async with open_console() as console:
        await console.command(f"layout {name}")
        kept = StateFile(console.cluster.places.state_file)
        await until(lambda: kept.read().layout == PRESETS[name], "the layout in the state")
    async with open_console() as console:
        assert console.cluster.appearance.layout == PRESETS[name]
        assert (_pane(console, Place.CHAT).region.x > 0) is PRESETS[name].swapped


async def test_a_hidden_pane_can_still_be_gone_to_where_there_are_tabs(open_console: OpenConsole) -> None:
    async with open_console(size=(80, 24)) as console:
        await console.command("hide nodes")
        await console.press("escape", "3")
        assert _pane(console, Place.NODES).region.area


@pytest.mark.parametrize(
    ("key", "place"), [("1", "chat"), ("2", "backends"), ("3", "nodes"), ("4", "coordinator")]
)
async def test_the_number_of_a_hidden_pane_shows_it_again(
    open_console: OpenConsole, key: str, place: str
) -> None:
    async with open_console() as console:
        await console.command(f"hide {place}")
        await until(lambda: not _pane(console, Place(place)).region.area, "one pane less")
        await console.press("escape", key)
        await until(lambda: bool(_pane(console, Place(place)).region.area), "the pane")
        await until(lambda: _pane(console, Place(place)).has_focus_within, "the focus in it")
        kept = StateFile(console.cluster.places.state_file)
        await until(lambda: kept.read().layout == Layout(), "the layout in the state")


async def test_a_pane_that_was_hidden_stays_so_where_it_was_only_gone_to_under_tabs(
    open_console: OpenConsole,
) -> None:
    async with open_console(size=(80, 24)) as console:
        await console.command("hide nodes")
        await console.press("escape", "3")
        assert console.cluster.appearance.layout.hidden == ("nodes",)


async def test_tab_passes_over_a_hidden_pane(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("hide nodes")
        await console.press("escape", "2", "tab")
        after = console.main.place
        await console.press("shift+tab")
        assert (after, console.main.place) == (Place.COORDINATOR, Place.BACKENDS)


async def test_names_that_are_unknown_are_passed_over(open_console: OpenConsole) -> None:
    async with open_console() as console:
        StateFile(console.cluster.places.state_file).update(
            lambda state: type(state)(layout=Layout(order=("new", "coordinator"), hidden=("other",)))
        )
    async with open_console() as console:
        assert _side(console) == [Place.COORDINATOR, Place.BACKENDS, Place.NODES]


def _pane(console: Console, place: Place) -> Pane:
    return console.main.query_one(f"#{place.value}", Pane)


def _size(console: Console, place: Place) -> tuple[int, int]:
    region = _pane(console, place).region
    return region.width, region.height


def _side(console: Console) -> list[Place]:
    panes = [pane for pane in console.main.query(Pane) if pane.PLACE is not Place.CHAT]
    return [pane.PLACE for pane in sorted(panes, key=lambda pane: pane.region.y)]
