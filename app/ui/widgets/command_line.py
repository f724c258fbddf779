"""The `:` line: a command typed by name, with completion, history and errors in place."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from app.text.problem import Problem
from app.ui.history import History
from app.ui.widgets.completer import Complete, Completer, Obey
from app.ui.widgets.said import Said


class CommandLine(Vertical):
    """Opens over the footer; closes when a command was given, or on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", "close"),
        ("tab", "complete", "complete"),
        ("up", "older", "older"),
        ("down", "newer", "newer"),
    ]

    def __init__(self, complete: Complete, obey: Obey) -> None:
        super().__init__(id="command-line")
        self._obey = obey
        self._completer = Completer(complete)
        self._history = History()
        self._before: Widget | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """How the line can go on, over the line."""
        yield Said(id="command-hint")
        with Horizontal():
            yield Static(":", id="colon")
            line = Input(compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line

    @property
    def line(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def open(self, text: str = "") -> None:
        """Appear with `text` typed already, and take the focus."""
        self._before = self.screen.focused
        self.display = True
        self._type(text)
        self.hint()
        self.query_one(Input).focus()

    def action_close(self) -> None:
        """Disappear, and give the focus back."""
        if self.query_one(Input).has_focus:
            self.screen.set_focus(self._before)
        self.display = False

    def action_complete(self) -> None:
        """Complete the line, or go on to its next completion."""
        line = self._completer.next(self.line)
        if line is not None:
            self._type(line)

    def action_older(self) -> None:
        """Bring back the line before this one."""
        line = self._history.older(self.line)
        if line is not None:
            self._type(line)

    def action_newer(self) -> None:
        """Bring back the line after this one."""
        line = self._history.newer()
        if line is not None:
            self._type(line)

    @on(Input.Changed)
    def hint(self) -> None:
        """Say how the line can go on, as far as that is known now."""
        self.query_one("#command-hint", Said).say(self._completer.hint(self.line))

    @on(Input.Submitted)
    def _enter(self) -> None:
        line = self.line.strip()
        if not line:
            self.action_close()
            return
        before = self._before
        self._history.keep(line)
        try:
            self.action_close()
            self._obey(line)
        except Problem as problem:
            self._completer.refuse(line, problem)
            self.open(line)
            self._before = before

    def _type(self, text: str) -> None:
        line = self.query_one(Input)
        line.value = text
        line.cursor_position = len(text)
