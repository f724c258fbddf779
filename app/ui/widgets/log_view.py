"""Lines that keep coming: only those that can be seen are drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from app.ui.keys import SCROLL_KEYS
from app.ui.plain import plain_line
from app.ui.widgets.folding import fold
from app.ui.widgets.selectable import selectable

LINES_KEPT = 12_000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line, and how it looks."""

    text: str
    kind: str = "info"
    """The component class without its prefix: info, good, warning, error or dim."""
    lead: int = 0
    """So many characters at its start are dim, such as a time; further rows are indented by them."""


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    kind: str
    dim: int


class LogView(ScrollView, can_focus=True):
    """A log that follows its end until one scrolls up; keeps the newest lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--info",
        "log--good",
        "log--warning",
        "log--error",
        "log--dim",
    }
    DEFAULT_CSS = """
    LogView {
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        & > .log--good { color: $text-success; }
        & > .log--warning { color: $text-warning; }
        & > .log--error { color: $text-error; }
        & > .log--dim { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = SCROLL_KEYS

    class Moved(Message):
        """It began or ceased to follow, or lines have come unseen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._entries: deque[LogEntry] = deque(maxlen=LINES_KEPT)
        self._rows: deque[_Row] = deque(maxlen=2 * LINES_KEPT)
        self._width = 0
        self.following = True
        """Whether the newest line is kept in view."""
        self.unseen = 0
        """Rows that have come since it ceased to follow."""

    @property
    def text(self) -> str:
        """Every line that is kept."""
        return "\n".join(entry.text for entry in self._entries)

    def feed(self, entries: Iterable[LogEntry]) -> None:
        """Add lines."""
        new = [LogEntry(plain_line(entry.text), entry.kind, entry.lead) for entry in entries]
        self._entries.extend(new)
        if self._width:
            dropped, added = self._add_rows(new)
            self._settle(dropped, added)

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        self.scroll_end(animate=False, immediate=True)
        self._set_following(now=True)

    def on_resize(self, event: Resize) -> None:
        """Fold every line anew where the width is another; the end stays in view whatever the height."""
        width = self.scrollable_content_region.width
        if width and width != self._width:
            self._width = width
            self._rows.clear()
            self._add_rows(self._entries)
            self._settle(0, 0)
        elif self.following:
            self.follow()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Scrolling up ends following; scrolling to the end begins it again."""
        super().watch_scroll_y(old, new)
        self._set_following(now=self.is_vertical_scroll_end)

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        index = self.scroll_offset.y + y
        width, base = self.size.width, self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        style = self.get_component_rich_style(f"log--{row.kind}")
        dim = self.get_component_rich_style("log--dim")
        segments = [Segment(row.text[: row.dim], dim), Segment(row.text[row.dim :], style)]
        return selectable(Strip(segments).crop_extend(0, width, base), index, self)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected."""
        return selection.extract("\n".join(row.text for row in self._rows)), "\n"

    def _add_rows(self, entries: Iterable[LogEntry]) -> tuple[int, int]:
        """Fold entries into rows; how many old rows had to go, and how many new ones came."""
        before, added = len(self._rows), 0
        for entry in entries:
            for place, text in enumerate(fold(entry.text, self._width, entry.lead)):
                self._rows.append(_Row(text, entry.kind, 0 if place else entry.lead))
                added += 1
        return before + added - len(self._rows), added

    def _settle(self, dropped: int, added: int) -> None:
        following = self.following
        self.virtual_size = Size(self._width, len(self._rows))
        if following:
            self.follow()
        else:
            self.unseen += added
            if dropped:
                self.scroll_to(y=max(0, self.scroll_y - dropped), animate=False, immediate=True)
            self.post_message(self.Moved())
        self.refresh()

    def _set_following(self, *, now: bool) -> None:
        if now:
            self.unseen = 0
        if now != self.following:
            self.following = now
            self.post_message(self.Moved())
