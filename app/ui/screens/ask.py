"""One line to be typed, checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from app.text.problem import Problem
from app.ui.screens.modal import Modal
from app.ui.widgets.completer import problem_text
from app.ui.widgets.said import Said


class AskScreen(Modal[str]):
    """Answered with what was typed; `check` raises a Problem where that cannot be an answer."""

    def __init__(self, title: str, hint: str, check: Callable[[str], object]) -> None:
        super().__init__()
        self._heading = title
        self._hint = hint
        self._check = check

    def compose(self) -> ComposeResult:
        """The line, and what is to be typed or is wrong with it."""
        with Vertical(id="ask") as frame:
            frame.border_title = self._heading
            frame.border_subtitle = "enter accepts · esc cancels"
            line = Input(compact=True)
            line.cursor_blink = False
            yield line
            yield Said(id="ask-hint")

    def on_mount(self) -> None:
        """Say what is to be typed."""
        self.query_one("#ask-hint", Said).say(self._hint)

    @on(Input.Changed)
    def show_problem(self, event: Input.Changed) -> None:
        """Say what is wrong so far."""
        problem = self._problem(event.value)
        self.query_one("#ask-hint", Said).say(problem_text(problem) if problem else self._hint)

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Answer, if it can be one."""
        if event.value.strip() and self._problem(event.value) is None:
            self.dismiss(event.value.strip())

    def _problem(self, typed: str) -> Problem | None:
        if not typed.strip():
            return None
        try:
            self._check(typed.strip())
        except Problem as problem:
            return problem
        return None
