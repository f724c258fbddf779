"""Toasts: where they are, and how many there are at once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual.command import CommandInput
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets._toast import Toast, ToastRack

from app.text.address import parse_node_url
from app.ui.app import TOASTS
from app.ui.screens.ask import AskScreen
from app.ui.widgets.command_line import CommandLine
from app.ui.widgets.header import HeaderLine
from app.ui.widgets.key_hints import KeyHints
from app.ui.widgets.pane_tabs import PaneTabs
from tests.support.console import NARROW, WIDE, Console, OpenConsole
from tests.support.waiting import until

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW, (60, 20)], ids=["wide", "narrow", "small"])
LONG = (
    "No model is called 'no-such-model' in the stores and folders of this box or on a node that is up. "
    "Run 'synaptic-tui models' to see the names, or give the path of a GGUF file."
)


async def tell(console: Console, text: str = LONG) -> None:
    """Tell more than may be shown at once."""
    for number in range(TOASTS + 1):
        console.app.notify(f"{number} {text}", severity="error", markup=False)
    newest = f"{TOASTS} {text}"
    await until(lambda: newest in console.toasts and len(shown(console)) == TOASTS, "the toasts")
    await console.pilot.pause()


def shown(console: Console) -> list[Toast]:
    return [toast for toast in console.app.screen.query(Toast) if toast.region.area]


def covered(console: Console, widgets: Iterable[Widget]) -> list[Widget]:
    """Those of the widgets that a toast covers."""
    rack = console.app.screen.query_one(ToastRack).region
    drawn = [toast.region.intersection(rack) for toast in shown(console)]
    return [widget for widget in widgets if any(widget.region.overlaps(region) for region in drawn if region)]


@SIZES
async def test_they_cover_no_prompt_and_no_bar(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size, toasts=True) as console:
        await console.type("a prompt\n" * 8)
        await tell(console)
        main = console.main
        bars = (main.query_one(bar) for bar in (HeaderLine, PaneTabs, KeyHints))
        assert covered(console, [main.chat.prompt, *bars]) == []
        await console.press("escape", "colon")
        await until(lambda: isinstance(console.app.focused, Input), "the line for commands")
        assert covered(console, [main.query_one(CommandLine)]) == []


@SIZES
@pytest.mark.parametrize("key", ["m", "ctrl+p"])
async def test_they_cover_no_field_of_another_screen(
    open_console: OpenConsole, size: tuple[int, int], key: str
) -> None:
    async with open_console(size=size, toasts=True) as console:
        await console.press("escape", key)
        await until(lambda: isinstance(console.app.focused, Input | CommandInput), "a field")
        await tell(console)
        assert covered(console, console.app.screen.query(Input)) == []


@SIZES
async def test_they_cover_no_question(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size, toasts=True) as console:
        await console.app.push_screen(AskScreen("Add a node", "Its URL.", parse_node_url))
        await tell(console)
        assert covered(console, console.app.screen.query(Input)) == []


async def test_a_toast_is_as_wide_as_its_text(open_console: OpenConsole) -> None:
    async with open_console(toasts=True) as console:
        await tell(console, "Copied.")
        assert all(toast.region.width < len("2 Copied.") + 6 for toast in shown(console))
        assert all(toast.region.height == 1 for toast in shown(console))


async def test_there_is_but_one_place_for_them(open_console: OpenConsole) -> None:
    async with open_console(toasts=True) as console:
        await tell(console)
        await console.press("escape", "s")
        await until(lambda: console.app.screen is not console.main, "the sheet")
        await until(lambda: not console.main.query_one(ToastRack).display, "none below it")
        assert len(shown(console)) == TOASTS
        await console.press("escape")
        await until(lambda: console.app.screen is console.main and console.main.query_one(ToastRack).display)
