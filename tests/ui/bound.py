"""What the keys do where the focus is: which are bound more than once on the way from it to the app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea

from app.ui.app import IN_EVERY_SCREEN

STEPS = {
    "move('down')": ("cursor_down", "scroll_down"),
    "move('up')": ("cursor_up", "scroll_up"),
    "move('start')": ("first", "scroll_top", "scroll_home"),
    "move('end')": ("last", "scroll_bottom", "scroll_end"),
    "move('page down')": ("page_down",),
    "move('page up')": ("page_up",),
    "choose": ("select",),
}
"""What a screen calls a step, and what the lists, tables and texts call it that have it as well."""

ON_PURPOSE = {
    ("CommandLine", "escape"): "escape leaves the innermost thing first: here the line itself",
    ("CommandLine", "tab"): "tab completes what is typed there",
}
"""Keys that a widget takes from the main screen, and why."""


@dataclass(frozen=True, slots=True)
class Twice:
    """A key with two meanings: that which counts, and that which it hides."""

    key: str
    near: DOMNode
    does: Binding
    far: DOMNode
    hides: Binding

    @property
    def reason(self) -> str | None:
        """Why that is so on purpose; None where it is a mistake."""
        if self.does.action in STEPS.get(self.hides.action, ()) or self.does.action == self.hides.action:
            return "both mean the same step"
        if (type(self.near).__name__, self.key) in ON_PURPOSE:
            return ON_PURPOSE[type(self.near).__name__, self.key]
        if isinstance(self.near, Input | TextArea):
            return "while a line is typed, the keys that edit it go before"
        if self.key in IN_EVERY_SCREEN:
            return "the app's own keys have priority over whatever a field makes of them"
        if self.does.priority or self.hides.priority:
            return "said so where it is bound"
        if type(self.far) in (Screen, ModalScreen) or self.hides in Screen.BINDINGS:
            return "Textual's own focus keys, for which the table has commands"
        return None

    def __str__(self) -> str:
        near, far = type(self.near).__name__, type(self.far).__name__
        return f"{self.key}: {near} '{self.does.action}' hides {far} '{self.hides.action}'"


def twice_bound(screen: Screen[Any]) -> Iterator[Twice]:
    """The keys that are bound more than once for the widget that has the focus."""
    seen: dict[str, tuple[DOMNode, Binding]] = {}
    for node, bindings in screen._binding_chain:
        for key, bound in bindings:
            if key in seen:
                near, does = seen[key]
                yield Twice(key, near, does, node, bound)
            else:
                seen[key] = (node, bound)
