"""A line at the foot of a pane for what is searched for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class SearchLine(Horizontal):
    """Hidden until it is opened; tells each change, and what was entered at last."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "close", "give the search up")]

    class Typed(Message):
        """The text so far."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Entered(Message):
        """The text that is wanted; empty where the search was given up."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, wanted: str = "text or regular expression") -> None:
        super().__init__()
        self._wanted = wanted

    def compose(self) -> ComposeResult:
        """A sign, and the text."""
        yield Static("/", id="search-sign")
        line = Input(compact=True, placeholder=self._wanted)
        line.cursor_blink = False
        yield line

    def on_mount(self) -> None:
        """Hide."""
        self.display = False

    def open(self) -> None:
        """Ask for a text; the last one can be taken again."""
        self.display = True
        self.query_one(Input).focus()

    def action_close(self) -> None:
        """Hide it and forget what was searched for."""
        self.display = False
        self.post_message(self.Entered(""))

    @on(Input.Changed)
    def _tell(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        self.display = False
        self.post_message(self.Entered(event.value))
