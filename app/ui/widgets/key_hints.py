"""The line at the bottom: keys that work where the focus is, as many as fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

_GAP = "  "


class KeyHint(NamedTuple):
    """One key and what it does."""

    key: str
    """As it is shown."""
    label: str
    press: str = ""
    """What a click on it presses, by Textual's name; empty where it is no single key."""


class KeyHints(Widget):
    """Shows the hints of `hints`, which it asks anew whenever it is refreshed.

    The last ones are shown whatever the width; of the others, the first ones that fit.
    """

    auto_links = var(False)

    def __init__(self, hints: Callable[[], Iterable[KeyHint]], last: Callable[[], Iterable[KeyHint]]) -> None:
        super().__init__(id="key-hints")
        self._hints = hints
        self._last = last
        self._shown = Content()

    def look_again(self) -> None:
        """Show what works now, and draw only where that is something else."""
        if self._made() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """One line."""
        self._shown = self._made()
        return self._shown

    def _made(self) -> Content:
        last = [_content(hint) for hint in self._last()]
        room = self.size.width - 2 - sum(part.cell_length + len(_GAP) for part in last)
        shown = list[Content]()
        for part in map(_content, self._hints()):
            room -= part.cell_length + len(_GAP)
            if room < 0:
                break
            shown.append(part)
        return Content(_GAP).join((*shown, *last))


def _content(hint: KeyHint) -> Content:
    content = Content.assemble((hint.key, "bold $text-accent"), f" {hint.label}")
    return content.stylize(f"@click=app.simulate_key('{hint.press}')") if hint.press else content
