"""Every pane and every screen at every size: nothing is outside; one sentence where there is no room."""

from __future__ import annotations

from typing import Any

import pytest
from textual.geometry import Size

from app.ui.places import Place
from app.ui.screens.modal import Modal
from app.ui.widgets.key_hints import KeyHints
from app.ui.widgets.prompt import Prompt
from tests.support.console import Console, OpenConsole, narrate, people
from tests.support.waiting import until
from tests.ui.modals import MODALS

SIZES = [(99, 29), (100, 30), (60, 20), (40, 10), (300, 90)]
TOO_LITTLE = [(20, 5), (39, 10), (200, 9)]

every_modal = pytest.mark.parametrize("kind", MODALS, ids=lambda kind: kind.__name__)


@pytest.mark.parametrize("size", SIZES)
async def test_every_pane_is_inside(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console("model: llama3.1:405b", size=size, before=people) as console:
        narrate(console.cluster)
        for place in Place:
            await console.press("escape", str(place.number))
            _assert_inside(console)
            assert console.main._pane(place).main.region.area, f"{place} cannot be seen"
            assert "quit" in console.text.splitlines()[-1]
            assert len(str(console.main.query_one(KeyHints).render())) <= size[0] - 2
        await console.press("1")
        assert console.main.query_one(Prompt).region.area


@pytest.mark.parametrize("size", [*SIZES, (20, 5)])
@every_modal
async def test_every_screen_is_inside(
    open_console: OpenConsole, kind: type[Modal[Any]], size: tuple[int, int]
) -> None:
    async with open_console("mode: distributed", size=size, before=people) as console:
        await console.app.push_screen(MODALS[kind](console))
        await console.pilot.pause()
        _assert_inside(console)


@pytest.mark.parametrize("size", TOO_LITTLE)
async def test_too_little_room_is_said_and_all_is_back_afterwards(
    open_console: OpenConsole, size: tuple[int, int]
) -> None:
    async with open_console(before=people, size=(120, 36)) as console:
        await console.type("half a prompt")
        before = console.text
        await console.pilot.resize_terminal(*size)
        said = f"40\N{MULTIPLICATION SIGN}10 is needed; this is {size[0]}\N{MULTIPLICATION SIGN}{size[1]}."
        await until(
            lambda: "".join(console.text.split()) == "".join(said.split()), "nothing but the sentence"
        )
        await console.pilot.resize_terminal(120, 36)
        await until(lambda: console.text == before, "the picture of before")
        await console.press("x")
        await console.shows("half a promptx")


async def test_a_screen_that_comes_while_there_is_too_little_room_is_covered_too(
    open_console: OpenConsole,
) -> None:
    async with open_console(before=people, size=(20, 5)) as console:
        await console.shows("is needed")
        await console.press("ctrl+r")
        await until(lambda: console.app.screen is not console.main)
        await console.shows("is needed")
        await console.pilot.resize_terminal(80, 24)
        await console.shows("qwen3") if console.cluster.models() else await console.shows("No model is known")
        assert "is needed" not in console.text


def _assert_inside(console: Console) -> None:
    """No widget sticks out of the screen, but what scrolls in a frame."""
    screen = console.app.screen
    assert screen.size == Size(*console.app.size)
    for widget in screen._compositor.visible_widgets:
        assert not widget.show_horizontal_scrollbar, widget
        assert widget.region.x >= 0, widget
        assert widget.region.right <= screen.size.width, widget
    framed = [child for child in screen.children if child.display and not child.styles.layer.startswith("_")]
    assert all(screen.region.contains_region(child.region) for child in framed), framed
