"""Ctrl-C: copies, else ends what runs, else leaves when it is pressed twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widgets import Input, TextArea

from app.ui.command import Order
from app.ui.commands import BY_NAME

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen

AGAIN_WITHIN_S = 2.0


class Interrupt:
    """Knows when it was pressed last, because only the second time in a row leaves."""

    def __init__(self, main: MainScreen, now: Callable[[], float] = time.monotonic) -> None:
        self._main = main
        self._now = now
        self._leaves_until = 0.0

    def press(self) -> None:
        """Do what is nearest: copy, end, say how to leave, leave."""
        main, app = self._main, self._main.app
        selected = selected_text(app.screen)
        if selected:
            app.copy_to_clipboard(selected)
            app.notify("Copied.", markup=False)
        elif main.busy:
            main.cancel()
        elif self._now() < self._leaves_until:
            main.order(Order(BY_NAME["quit"]))
        else:
            self._leaves_until = self._now() + AGAIN_WITHIN_S
            app.notify("ctrl+c again quits.", timeout=AGAIN_WITHIN_S, markup=False)


def selected_text(screen: Screen[object]) -> str:
    """What is selected in the field that has the focus, else anywhere on the screen; "" where nothing is."""
    field = screen.focused
    if isinstance(field, (Input, TextArea)) and field.selected_text:
        return field.selected_text
    return screen.get_selected_text() or ""
