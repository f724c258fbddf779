"""Keys: how they are written for people, and those that scroll."""

from __future__ import annotations

from textual.binding import BindingType

SCROLL_KEYS: list[BindingType] = [
    ("j", "scroll_down", "down"),
    ("k", "scroll_up", "up"),
    ("g", "scroll_home", "to the start"),
    ("G", "scroll_end", "to the end"),
    ("ctrl+d", "page_down", "a page down"),
    ("ctrl+u", "page_up", "a page up"),
]
"""For whatever scrolls, beside the arrows and the page keys."""

_SIGNS = {
    "question_mark": "?",
    "colon": ":",
    "escape": "esc",
    "slash": "/",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_text(key: str) -> str:
    """A key as it is shown: `?`, `esc`, `ctrl+r`."""
    return _SIGNS.get(key, key)
