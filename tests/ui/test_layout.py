"""Every size: the panes that have room, one bottom line that fits, nothing mounted twice."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from app.ui.panes.pane import Pane
from app.ui.places import Place
from app.ui.widgets.header import HeaderLine
from app.ui.widgets.key_hints import KeyHints
from app.ui.widgets.pane_tabs import PaneTabs
from tests.support.console import Console, OpenConsole, narrate, people

SIZES = [(40, 10), (60, 20), (80, 24), (100, 30), (120, 29), (120, 36), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
async def test_panes_and_tabs(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console("model: llama3.1:405b", size=size, before=people) as console:
        four = size[0] >= 100 and size[1] >= 30
        assert len(_shown(console)) == (4 if four else 1)
        assert bool(console.main.query_one(PaneTabs).region.area) is not four
        assert [pane.PLACE for pane in console.main.query(Pane)] == list(Place)


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_wider_than_the_screen(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console("model: llama3.1:405b", size=size, before=people) as console:
        narrate(console.cluster)
        for place in Place:
            await console.press("escape", str(place.number))
            shown = [w for w in console.main.walk_children(Widget) if w.display and w.region.area]
            assert not [widget for widget in shown if widget.show_horizontal_scrollbar]
            assert not [w for w in shown if w.region.x < 0 or w.region.right > console.main.region.right]


@pytest.mark.parametrize("size", SIZES)
async def test_help_and_quit_are_always_at_the_end(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size, before=people) as console:
        for keys in ((), ("escape",), ("2",), ("4",), ("colon",)):
            await console.press(*keys)
            line = console.main.query_one(KeyHints).render().plain
            assert len(line) <= size[0] - 2
            assert line.endswith(("? help  q quit", "f1 help  ctrl+q quit"))


@pytest.mark.parametrize(
    "model", ["m", "llama3.1:405b", "hf.co/someone/A-Model-With-A-Long-Name-GGUF:Q4_K_M"]
)
async def test_the_header_fits(open_console: OpenConsole, model: str) -> None:
    async with open_console(f"model: {model}", size=(160, 24), before=people) as console:
        narrate(console.cluster)
        await console.shows("ready")
        for width in (160, 120, 100, 80, 66):
            await _resize(console.pilot, width, 24)
            line = console.main.query_one(HeaderLine).render().plain
            assert len(line) <= width - 2
            assert "3/4 backends  1/2 nodes" in line
            assert model[:11] in line


async def test_another_size_keeps_focus_and_place(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await console.press("escape", "3")
        focused = console.main.focused
        await _resize(console.pilot, 80, 24)
        assert [pane.PLACE for pane in _shown(console)] == [Place.NODES]
        assert console.main.focused is focused
        await _resize(console.pilot, 120, 36)
        assert len(_shown(console)) == 4
        assert console.main.focused is focused


async def test_tabs_are_clicked(open_console: OpenConsole) -> None:
    async with open_console(size=(80, 24)) as console:
        tabs = console.main.query_one(PaneTabs)
        await console.pilot.click(tabs, offset=(tabs.render().plain.index("Nodes") + 1, 0))
        await console.pilot.pause()
        assert [pane.PLACE for pane in _shown(console)] == [Place.NODES]


async def test_nothing_blinks(open_console: OpenConsole) -> None:
    async with open_console() as console:
        assert not console.main.chat.prompt.cursor_blink
        await console.press("escape", "colon")
        assert not console.main.query_one("#command-line Input", Input).cursor_blink


async def test_an_idle_console_draws_nothing(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console(before=people) as console:
        await console.pilot.pause(0.3)
        drawn: list[object] = []
        monkeypatch.setattr(console.app, "_display", lambda *args: drawn.append(args))
        monkeypatch.setattr(console.main, "_on_timer_update", _counted(console, drawn))
        await console.pilot.pause(1.0)
        assert not drawn


def _counted(console: Console, drawn: list[object]) -> object:
    update = console.main._on_timer_update

    def counted() -> None:
        drawn.extend(console.main._dirty_widgets)
        update()

    return counted


def _shown(console: Console) -> list[Pane]:
    return [pane for pane in console.main.query(Pane) if pane.region.area]


async def _resize(pilot: Pilot[None], width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    await pilot.pause()
