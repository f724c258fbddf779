"""A sheet: text to be read, over the main screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid, VerticalScroll
from textual.widgets import Static

from app.ui.screens.modal import Modal
from app.ui.sheets import Section


class SheetScreen(Modal[None]):
    """Shows sections of rows under a title; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("q,enter", "close", "close")]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._heading = title
        self._sections = sections

    def compose(self) -> ComposeResult:
        """The rows, in a frame that scrolls."""
        with VerticalScroll(id="sheet") as frame:
            frame.border_title = self._heading
            frame.border_subtitle = "esc closes"
            for section in self._sections:
                if section.title:
                    yield Static(section.title, classes="section", markup=False)
                if section.rows:
                    columns = len(section.rows[0])
                    yield Grid(*_cells(section), classes=f"-columns-{columns}")


def _cells(section: Section) -> list[Static]:
    return [
        Static(cell, classes="name" if place == 0 else "", markup=False)
        for row in section.rows
        for place, cell in enumerate(row)
    ]
