"""The list of themes, each shown on the whole console while the cursor is on it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.ui.screens.modal import Modal


class ThemeScreen(Modal[str]):
    """Answered with a name; Escape brings back the theme that was there before."""

    def __init__(self, names: Sequence[str], now: str) -> None:
        super().__init__()
        self._names = names
        self._before = now

    def compose(self) -> ComposeResult:
        """The names, the cursor on the theme that is there."""
        with Vertical(id="themes") as frame:
            frame.border_title = "Theme"
            frame.border_subtitle = "enter keeps · esc brings the old one back"
            yield OptionList(*(Option(name, id=name) for name in self._names), markup=False, compact=True)

    def on_mount(self) -> None:
        """Begin where we are."""
        self.query_one(OptionList).highlighted = self._names.index(self._before)

    @on(OptionList.OptionHighlighted)
    def show(self, event: OptionList.OptionHighlighted) -> None:
        """Show the whole console in this theme."""
        self.app.theme = event.option_id or self._before

    @on(OptionList.OptionSelected)
    def keep(self, event: OptionList.OptionSelected) -> None:
        """Answer with this theme."""
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Bring the theme back that was there before."""
        self.app.theme = self._before
        self.dismiss(None)
