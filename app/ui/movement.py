"""Movement: the same steps in every list, table and scrolling text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from textual.binding import Binding
from textual.containers import ScrollableContainer
from textual.widget import Widget
from textual.widgets import DataTable, Input, OptionList, TextArea

Step = Literal["down", "up", "start", "end", "page down", "page up"]

MOVES = tuple(
    Binding(keys, f"move('{step}')", what, show=False)
    for keys, step, what in (
        ("down,j", "down", "a line down"),
        ("up,k", "up", "a line up"),
        ("home,g", "start", "to the start"),
        ("end,G", "end", "to the end"),
        ("pagedown,ctrl+d", "page down", "a page down"),
        ("pageup,ctrl+u", "page up", "a page up"),
    )
)
"""For whatever has an `action_move`; where a line is being typed, its own keys go before."""

_BY_LIST: Mapping[Step, str] = {
    "down": "cursor_down",
    "up": "cursor_up",
    "start": "first",
    "end": "last",
    "page down": "page_down",
    "page up": "page_up",
}
_BY_TABLE: Mapping[Step, str] = {**_BY_LIST, "start": "scroll_top", "end": "scroll_bottom"}
_BY_TEXT: Mapping[Step, str] = {
    "down": "scroll_down",
    "up": "scroll_up",
    "start": "scroll_home",
    "end": "scroll_end",
    "page down": "page_down",
    "page up": "page_up",
}
_KINDS: tuple[tuple[type[Widget], Mapping[Step, str]], ...] = (
    (OptionList, _BY_LIST),
    (DataTable, _BY_TABLE),
    (ScrollableContainer, _BY_TEXT),
)


def can_move(widget: Widget) -> bool:
    """Whether it is a list, a table or a text that scrolls, and to be seen; what is typed into is none."""
    is_one = isinstance(widget, tuple(kind for kind, _ in _KINDS))
    return is_one and widget.display and not isinstance(widget, Input | TextArea)


def move(widget: Widget, step: Step) -> None:
    """Move the cursor of a list or table, or scroll a text."""
    actions = next(actions for kind, actions in _KINDS if isinstance(widget, kind))
    getattr(widget, f"action_{actions[step]}")()
