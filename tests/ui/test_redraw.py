"""Another size is drawn whole, whatever is under way."""

from __future__ import annotations

import pytest
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.geometry import Size

from tests.support.console import OpenConsole
from tests.support.waiting import until


async def test_a_resize_while_widgets_are_being_mounted_is_drawn_whole(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Size] = []

    def draw(app: App[None], _screen: object, update: object) -> None:
        if isinstance(update, LayoutUpdate) and not app._batch_count:
            drawn.append(update.region.size)

    monkeypatch.setattr(App, "_display", draw)
    async with open_console(size=(120, 36)) as console:
        with console.app.batch_update():
            await console.pilot.resize_terminal(60, 20)
            await until(lambda: console.main.size == Size(60, 20))
            await console.pilot.pause()
            assert Size(60, 20) not in drawn
        await until(lambda: Size(60, 20) in drawn, "the whole screen at its new size")
