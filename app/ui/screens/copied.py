"""A text that is there to be copied."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from app.ui.screens.modal import Modal


class CopyScreen(Modal[None]):
    """Shows the text whole; a key copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "copy", "copy"),
        ("q,enter", "close", "close"),
    ]

    def __init__(self, title: str, text: str, remark: str = "") -> None:
        super().__init__()
        self._heading = title
        self._text = text
        self._remark = remark

    def compose(self) -> ComposeResult:
        """The text, folded, in a frame that scrolls."""
        with VerticalScroll(id="copied") as frame:
            frame.border_title = self._heading
            frame.border_subtitle = self.keys_line
            yield Static(self._text, markup=False, id="copied-text")
            if self._remark:
                yield Static(self._remark, markup=False, classes="empty")

    def action_copy(self) -> None:
        """Copy it."""
        self.app.copy_to_clipboard(self._text)
        self.app.notify("Copied.", markup=False)
