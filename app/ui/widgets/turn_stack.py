"""Turns one above the other, of which only those in view are drawn."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from textual.geometry import Offset
from textual.selection import Selection

from app.ui.widgets.lines import Line
from app.ui.widgets.turn import Canvas, TurnView

KEPT_LINES = 5_000
"""Drawn lines that are kept of turns that are out of view; those seen longest ago are dropped first."""
DRAW_S = 0.008
"""For one look at the turns: what takes longer is drawn on when others have had their turn."""


class Place(NamedTuple):
    """A line of a turn, by their numbers; it stays where it is while other turns change their heights."""

    turn: int
    line: int
    """Below zero: counted from the end, which is not known while the turn is still being drawn."""


class Row(NamedTuple):
    """One line as it is seen."""

    place: Place
    number: int
    """Among all lines of all turns."""
    line: Line


START = Place(0, 0)


class TurnStack:
    """Knows the height of every turn: exactly where it was drawn, about where it was not."""

    def __init__(self) -> None:
        self.views: list[TurnView] = []
        """Oldest first."""
        self._canvas: Canvas | None = None
        self._drawn: dict[TurnView, None] = {}
        """In the order in which they were seen."""
        self._looked_at: set[TurnView] = set()
        self._until = 0.0

    @property
    def width(self) -> int:
        """That it is drawn at; 0 before there is anything to draw on."""
        return self._canvas.width if self._canvas is not None else 0

    @property
    def height(self) -> int:
        """Lines of all turns."""
        return sum(view.height for view in self.views)

    @property
    def behind(self) -> bool:
        """Whether something that was looked at was not drawn to its end."""
        return any(view.behind for view in self._looked_at)

    def begin_look(self) -> None:
        """From now on there is time for drawing, once for each turn: its lines stay as they are then."""
        self._look(time.monotonic() + DRAW_S)

    def put(self, views: Sequence[TurnView]) -> None:
        """Hold these, and nothing else."""
        self.views = [*views]
        self._drawn = {}
        for view in views:
            view.guess(self.width)

    def add(self, view: TurnView) -> None:
        """One more at the end."""
        view.guess(self.width)
        self.views.append(view)

    def drop_last(self) -> None:
        """Take the newest away."""
        self._drawn.pop(self.views.pop(), None)

    def paint_on(self, canvas: Canvas, top: Place) -> Place:
        """Draw everything anew on this; where the line at `top` is then."""
        is_other_width = canvas.width != self.width
        before = self.views[top.turn].height if self.views else 0
        self._canvas, self._drawn = canvas, {}
        for view in self.views:
            view.forget()
            if is_other_width:
                view.guess(canvas.width)
        if not before or not is_other_width:
            return top
        return Place(top.turn, top.line * self.views[top.turn].height // before)

    def window(self, top: Place | None, rows: int) -> list[Row]:
        """So many rows from `top` on; the last ones where that is None, or too far down."""
        found = self._from(top, rows) if top is not None else []
        if len(found) < rows and self.views:
            found = self._from(self.moved(Place(len(self.views) - 1, self._draw(-1).height), -rows), rows)
        return found

    def moved(self, place: Place, by: int) -> Place:
        """The line so many further down, or up; turns on the way are drawn."""
        turn, line = place.turn, self._line_at(place) + by
        while line < 0 and turn > 0:
            turn -= 1
            if self._draw(turn).behind:
                return Place(turn, line)
            line += self.views[turn].height
        while turn < len(self.views) - 1 and line >= self._draw(turn).height:
            line -= self.views[turn].height
            turn += 1
        return Place(turn, max(0, line))

    def place_at(self, number: int) -> Place:
        """The line with that number among all lines."""
        tops = self._tops()
        turn = max(0, min(bisect_right(tops, number), len(self.views)) - 1)
        return Place(turn, max(0, number - tops[turn]))

    def number_of(self, place: Place) -> int:
        """The other way round."""
        return self._tops()[place.turn] + place.line

    def is_end(self, row: Row) -> bool:
        """Whether nothing comes after it."""
        return row.place.turn == len(self.views) - 1 and row.place.line == self.views[-1].height - 1

    def forget(self) -> None:
        """Drop drawn lines that nobody has seen for longest, beyond those that may be kept."""
        kept = sum(view.height for view in self._drawn)
        for view in [*self._drawn][:-1]:
            if kept <= KEPT_LINES:
                return
            kept -= view.height
            del self._drawn[view]
            view.forget()

    def whole_lines(self, turn: int) -> list[str]:
        """The lines of a turn, drawn to its end however long that takes."""
        self._look(inf)
        return self._draw(turn).texts

    def text(self, selection: Selection) -> str:
        """What is selected, by the numbers of lines; turns in the middle need not be drawn for it."""
        if not self.views:
            return ""
        start, end = selection
        first = self.place_at(start.y) if start is not None else START
        last = self.place_at(end.y) if end is not None else Place(len(self.views) - 1, 0)
        self._look(inf)
        for turn in (first.turn, last.turn):
            self._draw(turn)
        lines = [line for view in self.views[first.turn : last.turn] for line in view.texts]
        begin = Offset(start.x, first.line) if start is not None else None
        stop = Offset(end.x, len(lines) + last.line) if end is not None else None
        lines += self.views[last.turn].texts
        return Selection(begin, stop).extract("".join(f"{line}\n" for line in lines))

    def _look(self, until: float) -> None:
        self._until = until
        self._looked_at.clear()

    def _tops(self) -> list[int]:
        return [*accumulate((view.height for view in self.views), initial=0)]

    def _line_at(self, place: Place) -> int:
        return place.line if place.line >= 0 else max(0, place.line + self._draw(place.turn).height)

    def _from(self, top: Place, rows: int) -> list[Row]:
        found, turn, line = list[Row](), top.turn, self._line_at(top)
        number = self.number_of(Place(turn, line))
        while turn < len(self.views) and len(found) < rows:
            lines = self._draw(turn).lines[line : line + rows - len(found)]
            found += (Row(Place(turn, line + n), number + n, drawn) for n, drawn in enumerate(lines))
            number += len(lines)
            turn, line = turn + 1, 0
        return found

    def _draw(self, turn: int) -> TurnView:
        assert self._canvas is not None
        view = self.views[turn]
        if view not in self._looked_at:
            view.draw(self._canvas, self._until)
            self._drawn.pop(view, None)
            self._drawn[view] = None
            self._looked_at.add(view)
        return view
