"""A log of any length: only the lines in view are read and drawn."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.events import Click, Resize
from textual.selection import Selection
from textual.strip import Strip

from app.llama.log import LogLine
from app.llama.log_book import LogBook
from app.ui.widgets.following import Following
from app.ui.widgets.log_rows import Row, line_text, rows_of, segments
from app.ui.widgets.selectable import selectable

SHIFT_STEP = 20
COPIED_AT_MOST = 10_000
"""Lines; a terminal takes no more than some hundred kilobytes."""


class LogView(Following):
    """The wanted lines of a log; it follows their end until one moves away from it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--info",
        "log--warning",
        "log--error",
        "log--dim",
        "log--match",
        "log--cursor",
        "log--marked",
    }
    DEFAULT_CSS = """
    LogView {
        & > .log--warning { color: $text-warning; }
        & > .log--error { color: $text-error; }
        & > .log--dim { color: $text-muted; }
        & > .log--match { background: $warning 60%; color: $foreground; text-style: bold; }
        & > .log--cursor { background: $surface-lighten-1; }
        &:focus > .log--cursor { background: $primary 40%; }
        & > .log--marked { background: $secondary 30%; }
    }
    """
    LOOKS = "log"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._book: LogBook | None = None
        self._numbers: Sequence[int] = ()
        self._lines: dict[int, LogLine] = {}
        """Those around the ones in view."""
        self._rows: list[Row] = []
        self._top: int | None = None
        """The number of the first line in view."""
        self._left_at = 0
        """The newest line when it ceased to follow."""
        self._shift = 0
        self._reading: asyncio.Task[None] | None = None
        self.wrap = False
        """Whether long lines are folded, rather than cut off."""
        self.cursor = 0
        """The number of the line that it is about."""
        self.mark: int | None = None
        """The other end of the marked range."""
        self.sought: re.Pattern[str] | None = None
        """What is marked wherever it stands."""

    @property
    def unseen(self) -> int:
        """Lines that have come since it ceased to follow."""
        return 0 if self.following else len(self._numbers) - bisect_right(self._numbers, self._left_at)

    @property
    def page(self) -> int:
        """As many lines as are in view."""
        return max(1, len(self.in_view) - 1)

    @property
    def marked(self) -> range:
        """The lines from the mark to the cursor; the one under the cursor where there is no mark."""
        other = self.cursor if self.mark is None else self.mark
        return range(min(self.cursor, other), max(self.cursor, other) + 1)

    @property
    def in_view(self) -> list[int]:
        """The lines in view."""
        return list(dict.fromkeys(row.number for row in self._rows))

    def show(self, book: LogBook | None, numbers: Sequence[int]) -> None:
        """Show these lines of `book`, which may be more than before, or others; None: there is no log."""
        if book is not self._book:
            self._book, self._lines, self._top, self.mark = book, {}, None, None
            self.following = True
        self._numbers = numbers
        if self.following and len(numbers):
            self.cursor = numbers[-1]
        self._settle()
        if not self.following:
            self.tell()

    def seek(self, pattern: re.Pattern[str] | None) -> None:
        """Mark a text wherever it stands in view."""
        self.sought = pattern
        self.refresh()

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        self._set_following(now=True)
        self.show_again()

    def go_to(self, number: int) -> None:
        """Put the cursor on a line, or on the next one that is shown, and bring it into view."""
        if len(self._numbers):
            self._move_to(bisect_left(self._numbers, number), middle=True)

    def toggle_wrap(self) -> None:
        """Fold long lines, or cut them off."""
        self.wrap, self._shift = not self.wrap, 0
        self.show_again()

    def toggle_mark(self) -> None:
        """Begin a marked range at the cursor, or give it up."""
        self.mark = self.cursor if self.mark is None else None
        self._set_following(now=False)
        self.refresh()

    async def text_of(self, numbers: Sequence[int]) -> str:
        """The shown ones among these lines, as they are shown."""
        if self._book is None or not len(numbers):
            return ""
        first, end = bisect_left(self._numbers, numbers[0]), bisect_right(self._numbers, numbers[-1])
        lines = await self._book.read(self._numbers[first:end][:COPIED_AT_MOST])
        return "\n".join(map(line_text, lines))

    def show_again(self) -> None:
        """Lay the lines out anew."""
        if self.following and len(self._numbers):
            self.cursor = self._numbers[-1]
        self._settle()

    def on_resize(self, event: Resize) -> None:
        """The rows are others."""
        self.show_again()

    def on_unmount(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """The wheel and the scrollbar move the view and leave the cursor; the end follows."""
        super().watch_scroll_y(old, new)
        top = round(new)
        if not len(self._numbers) or self._top == self._numbers[min(top, len(self._numbers) - 1)]:
            return
        self._top = self._numbers[min(top, len(self._numbers) - 1)]
        self._set_following(now=top >= self.max_scroll_y)
        self._lay_out()

    def on_click(self, event: Click) -> None:
        """Put the cursor there."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self._rows):
            self._move_to(bisect_left(self._numbers, self._rows[offset.y].number))

    def action_scroll_right(self) -> None:
        """See more of lines that are cut off."""
        self._shift += 0 if self.wrap else SHIFT_STEP
        self._lay_out()

    def action_scroll_left(self) -> None:
        """Back to the start of the lines."""
        self._shift = max(0, self._shift - SHIFT_STEP)
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, base = self.size.width, self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[y]
        ground = base + self._ground(row.number)
        style, lead = ground + self.look(row.kind), ground + self.look("dim")
        drawn = Strip(segments(row, style, lead, self.sought, self.look("match")))
        return selectable(drawn.crop_extend(0, width, ground), y, self)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected."""
        return selection.extract("\n".join(row.text for row in self._rows)), "\n"

    def _ground(self, number: int) -> Style:
        if number == self.cursor and not self.following:
            return self.look("cursor")
        return self.look("marked") if self.mark is not None and number in self.marked else Style.null()

    def move_by(self, lines: int) -> None:
        """Move the cursor; past the last line it follows."""
        place = bisect_left(self._numbers, self.cursor) + lines
        if place >= len(self._numbers):
            self.follow()
        else:
            self._move_to(max(0, place))

    def move_to_start(self) -> None:
        """Move the cursor to the oldest line."""
        self._move_to(0)

    def _move_to(self, place: int, *, middle: bool = False) -> None:
        if not len(self._numbers):
            return
        place = min(place, len(self._numbers) - 1)
        self._set_following(now=False)
        self.cursor = self._numbers[place]
        first = bisect_left(self._numbers, self._top or 0)
        height = max(1, self.size.height)
        if middle and self.cursor not in self.in_view:
            first = place - height // 2
        first = max(0, min(first, place))
        while first < place and sum(map(self._height, self._numbers[first : place + 1])) > height:
            first += 1 if place - first <= height else place - first - height
        self._top = self._numbers[first]
        self._settle()
        self.refresh()
        self.tell()

    def _height(self, number: int) -> int:
        return len(self._rows_of(number)) if self.wrap else 1

    def _rows_of(self, number: int) -> list[Row]:
        line = self._lines.get(number)
        if line is None:
            return [Row(number)]
        return rows_of(number, line, self.size.width, wrap=self.wrap, shift=self._shift)

    def _set_following(self, *, now: bool) -> None:
        if now == self.following:
            return
        self.following = now
        self.mark = None if now else self.mark
        self._left_at = self._numbers[-1] if len(self._numbers) else 0
        self.tell()

    def _settle(self) -> None:
        """Bring the scrollbar in line with the lines, and lay out those in view."""
        height = self.size.height
        # Folded lines need room after the last one, as it may be the only one in view.
        whole = len(self._numbers) + (height - 1 if self.wrap else 0)
        self.measure(whole)
        self._lay_out()
        if not len(self._numbers):
            return
        first = bisect_left(self._numbers, self._top or 0)
        if self.following and self._rows:
            first = bisect_left(self._numbers, self._rows[0].number)
        first = max(0, min(first, whole - height, len(self._numbers) - 1))
        self._top = self._numbers[first]
        self.scroll_to(y=first, animate=False, immediate=True)

    def _lay_out(self) -> None:
        """Make the rows in view; while some of their lines are being read, what was in view stays."""
        if not self.size.height:
            return
        rows = self._rows_at_end() if self.following else self._rows_from_top()
        known = all(row.number in self._lines for row in rows)
        if not known and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(), name="lines in view")
        if known and rows != self._rows:
            self._rows = rows
            self.refresh()

    def _rows_at_end(self) -> list[Row]:
        height, rows = self.size.height, list[Row]()
        for place in range(len(self._numbers) - 1, max(-1, len(self._numbers) - 1 - height), -1):
            rows[:0] = self._rows_of(self._numbers[place])
            if len(rows) >= height:
                break
        return rows[-height:]

    def _rows_from_top(self) -> list[Row]:
        height, rows = self.size.height, list[Row]()
        first = bisect_left(self._numbers, self._top or 0)
        for number in self._numbers[first : first + height]:
            rows += self._rows_of(number)
            if len(rows) >= height:
                break
        return rows[:height]

    async def _read(self) -> None:
        """Read the lines in view and a page on either side, until nothing in view is missing."""
        while self._book is not None:
            book, height = self._book, self.size.height
            top = len(self._numbers) - height
            if not self.following:
                top = bisect_left(self._numbers, self._top or 0)
            wanted = self._numbers[max(0, top - height) : max(0, top) + 2 * height]
            lines = await book.read(wanted)
            if book is self._book:
                self._lines = dict(zip(wanted, lines, strict=False))
                self._reading = None
                self._settle()
                return
