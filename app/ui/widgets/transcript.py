"""The turns of a conversation, the newest at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.theme import Theme
from textual.widgets import Static

from app.core.chat import Turn
from app.text.units import plural
from app.ui.keys import SCROLL_KEYS
from app.ui.widgets.turn import TurnView
from app.ui.widgets.turn_drawing import PARTS, TurnLook

TURNS_SHOWN = 200
"""Layout walks every widget of the screen: older turns are in the conversation, but not on the screen."""


class Transcript(VerticalScroll):
    """Shows the newest turns, and stays at the end until one scrolls up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"turn--{part}" for part in PARTS}
    DEFAULT_CSS = """
    Transcript {
        scrollbar-size-vertical: 1;
        & > .turn--you { text-style: bold; color: $text-accent; }
        & > .turn--model { text-style: bold; color: $text-primary; }
        & > .turn--dim { color: $text-muted; }
        & > .turn--error { color: $text-error; }
        & > .turn--warning { color: $text-warning; }
        & > .turn--heading { text-style: bold; color: $text-primary; }
        & > .turn--code { color: $text-accent; background: $surface-lighten-1; }
        & > .turn--link { text-style: underline; color: $text-secondary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = SCROLL_KEYS

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._hidden = 0
        self.turns: list[TurnView] = []
        """The turns on the screen, oldest first."""

    def on_mount(self) -> None:
        """Stay at the end, and take the colours of every theme that is chosen."""
        self.anchor()
        self.app.theme_changed_signal.subscribe(self, self._take_look)

    @property
    def newest(self) -> TurnView | None:
        """The last turn."""
        return self.turns[-1] if self.turns else None

    @property
    def selected(self) -> TurnView | None:
        """The turn that keys are for: the one that was walked to, else the newest."""
        return next((view for view in self.turns if view.shown.selected), self.newest)

    def walk(self, by: int) -> None:
        """Select the turn that is so many further down, and show where it begins."""
        if self.selected is None:
            return
        at = self.turns.index(self.selected)
        wanted = max(0, min(len(self.turns) - 1, at + by))
        self._select(wanted)
        if wanted < len(self.turns) - 1:
            self.scroll_to_widget(self.turns[wanted], top=True, animate=False)
        else:
            self.anchor()

    def _select(self, wanted: int) -> None:
        for at, view in enumerate(self.turns):
            selected = at == wanted < len(self.turns) - 1
            if view.shown.selected != selected:
                view.shown.selected = selected
                view.grow()

    def begin(self, turn: Turn) -> TurnView:
        """Show a turn at the end, and go there."""
        self._select(len(self.turns))
        view = TurnView(turn, self._look())
        self.turns.append(view)
        self.mount(view)
        if len(self.turns) > TURNS_SHOWN:
            self._hidden += 1
            self.turns.pop(0).remove()
            self._tell_hidden()
        self.anchor()
        return view

    def show(self, turns: Sequence[Turn]) -> None:
        """Show these turns, and nothing else."""
        self.turns.clear()
        self._hidden = 0
        self.query("TurnView, .hidden-turns").remove()
        for turn in turns:
            self.begin(turn).shown.growing = False

    def _tell_hidden(self) -> None:
        text = f"{plural(self._hidden, 'older turn')} not shown; the model still gets them"
        notes = self.query(".hidden-turns").results(Static)
        note = next(iter(notes), None)
        if note is None:
            self.mount(Static(text, classes="hidden-turns", markup=False), before=0)
        else:
            note.update(text)

    def _look(self) -> TurnLook:
        styles = {part: self.get_component_rich_style(f"turn--{part}") for part in PARTS}
        return TurnLook(styles, self.app.current_theme.dark)

    def _take_look(self, _theme: Theme) -> None:
        self.call_after_refresh(self._show_in_new_look)

    def _show_in_new_look(self) -> None:
        look = self._look()
        for view in self.turns:
            view.take_look(look)
