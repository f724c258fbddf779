"""What happened, line by line; an incident is one line that opens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.events import Click, Resize
from textual.selection import Selection
from textual.strip import Strip

from app.core.events import Incident, LifecycleLine
from app.ui.plain import plain_line
from app.ui.widgets.folding import fold
from app.ui.widgets.following import Following
from app.ui.widgets.selectable import selectable

LINES_KEPT = 2_000
_TIME = len("12:01:10 ")
_FOLDED, _OPENED = "▸ ", "▾ "


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    """Of the line, counted from the first that ever came."""
    text: str
    kind: str
    dim: int = 0
    """So many characters at its start are dim."""


def whole_text(line: LifecycleLine) -> str:
    """A line with all that is folded away in it."""
    details = (f"  {name:<8} {text}" for name, text in _details(line))
    return "\n".join((plain_line(str(line)), *details))


class Timeline(Following):
    """The newest line is at the end, which it follows until one moves away from it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--info",
        "timeline--good",
        "timeline--warning",
        "timeline--error",
        "timeline--dim",
        "timeline--cursor",
    }
    DEFAULT_CSS = """
    Timeline {
        & > .timeline--good { color: $text-success; }
        & > .timeline--warning { color: $text-warning; }
        & > .timeline--error { color: $text-error; }
        & > .timeline--dim { color: $text-muted; }
        & > .timeline--cursor { background: $surface-lighten-1; }
        &:focus > .timeline--cursor { background: $primary 40%; }
    }
    """
    LOOKS = "timeline"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._lines: deque[LifecycleLine] = deque(maxlen=LINES_KEPT)
        self._came = 0
        """Lines that ever came."""
        self._opened = set[int]()
        self._rows: Sequence[_Row] = ()
        self._cursor = 0
        self._seen = 0
        """Lines that had come when it ceased to follow."""

    @property
    def unseen(self) -> int:
        """Lines that have come since it ceased to follow."""
        return 0 if self.following else self._came - self._seen

    @property
    def selected(self) -> LifecycleLine | None:
        """The line under the cursor."""
        place = self._cursor - self._first
        return self._lines[place] if 0 <= place < len(self._lines) else None

    @property
    def text(self) -> str:
        """Every line that is kept, with what is folded away in it."""
        return "\n".join(map(whole_text, self._lines))

    def feed(self, lines: Iterable[LifecycleLine]) -> None:
        """Add lines."""
        before = self._came
        for line in lines:
            self._lines.append(line)
            self._came += 1
        if self._came > before:
            self._lay_out()
            self.tell()

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        self._set_following(now=True)
        self._lay_out()

    def toggle(self) -> None:
        """Open the incident under the cursor, or fold it again."""
        if isinstance(self.selected, Incident):
            # A fold that moved as others arrive could not be read.
            self._set_following(now=False)
            self._opened ^= {self._cursor}
            self._lay_out()
            self._reveal()

    def on_resize(self, event: Resize) -> None:
        """Fold every line anew."""
        self._lay_out()

    def on_click(self, event: Click) -> None:
        """Put the cursor there; a click on the first row of an incident opens or folds it."""
        offset = event.get_content_offset(self)
        row = None if offset is None else offset.y + self.scroll_offset.y
        if row is None or row >= len(self._rows):
            return
        self._move_to(self._rows[row].place)
        if row == self._first_row(self._cursor):
            self.toggle()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Scrolling up ends following; scrolling to the end begins it again."""
        super().watch_scroll_y(old, new)
        if self._rows:
            self._set_following(now=self.is_vertical_scroll_end and self._cursor == self._came - 1)

    def move_by(self, lines: int) -> None:
        """Move the cursor; past the last line it follows."""
        self._move_to(self._cursor + lines)

    def move_to_start(self) -> None:
        """Move the cursor to the oldest line."""
        self._move_to(self._first)

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        index = self.scroll_offset.y + y
        width, base = self.size.width, self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        ground = base
        if row.place == self._cursor and self._shows_cursor:
            ground = base + self.look("cursor")
        dim, style = ground + self.look("dim"), ground + self.look(row.kind)
        drawn = Strip([Segment(row.text[: row.dim], dim), Segment(row.text[row.dim :], style)])
        return selectable(drawn.crop_extend(0, width, ground), index, self)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected."""
        return selection.extract("\n".join(row.text for row in self._rows)), "\n"

    @property
    def _first(self) -> int:
        return self._came - len(self._lines)

    @property
    def _shows_cursor(self) -> bool:
        """While it follows, only an incident is worth a mark: it can be opened."""
        return not self.following or isinstance(self.selected, Incident)

    def _move_to(self, place: int) -> None:
        if place >= self._came:
            self.follow()
            return
        self._set_following(now=False)
        self._cursor = max(place, self._first)
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        """Bring the line under the cursor into view, its first row rather than its last."""
        rows = [index for index, row in enumerate(self._rows) if row.place == self._cursor]
        top, height = round(self.scroll_y), self.size.height
        if rows:
            top = min(max(top, rows[-1] - height + 1), rows[0])
            self.scroll_to(y=top, animate=False, immediate=True)

    def _set_following(self, *, now: bool) -> None:
        if now != self.following:
            self.following, self._seen = now, self._came
            self.tell()

    def _lay_out(self) -> None:
        width = self.size.width
        if not width:
            return
        numbered = enumerate(self._lines, self._first)
        self._rows = [row for place, line in numbered for row in self._rows_of(place, line, width)]
        self._opened = {place for place in self._opened if place >= self._first}
        self.measure(len(self._rows))
        if self.following:
            self._cursor = self._came - 1
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        self._cursor = max(self._cursor, self._first)
        self.refresh()

    def _rows_of(self, place: int, line: LifecycleLine, width: int) -> Iterable[_Row]:
        text, kind = plain_line(str(line)), str(line.severity)
        opened = place in self._opened
        if isinstance(line, Incident):
            text = f"{text[:_TIME]}{_OPENED if opened else _FOLDED}{text[_TIME:]}"
        for index, part in enumerate(fold(text, width, _TIME)):
            yield _Row(place, part, kind, 0 if index else _TIME)
        for name, detail in _details(line) if opened else ():
            lead = f"{'':<{_TIME}}  {name:<8} "
            for index, part in enumerate(fold(lead + detail, width, len(lead))):
                yield _Row(place, part, "info", 0 if index else len(lead))

    def _first_row(self, place: int) -> int:
        return next(index for index, row in enumerate(self._rows) if row.place == place)


def _details(line: LifecycleLine) -> Iterable[tuple[str, str]]:
    if not isinstance(line, Incident):
        return
    failure = line.failure
    if failure.suspect is not None:
        yield "suspect", str(failure.suspect)
    if failure.remedy:
        yield "remedy", plain_line(failure.remedy)
    for index, evidence in enumerate(failure.evidence):
        yield "" if index else "log", plain_line(evidence)
