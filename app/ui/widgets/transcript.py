"""The turns of a conversation, the newest at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.events import Click, Resize, Show
from textual.geometry import Offset, Region
from textual.selection import Selection
from textual.strip import Strip
from textual.theme import Theme

from app.core.chat import Turn
from app.ui.widgets.following import Following
from app.ui.widgets.lines import unpacked
from app.ui.widgets.selectable import selectable, with_matches
from app.ui.widgets.turn import Canvas, TurnView
from app.ui.widgets.turn_drawing import PARTS, TurnLook
from app.ui.widgets.turn_search import TurnSearch
from app.ui.widgets.turn_stack import START, Place, Row, TurnStack

JUMP_PAGES = 4
"""Beyond that one has not scrolled but jumped: what lies between is not drawn to know how high it is."""
DRAW_ON_S = 0.03
"""Until what there was no time for is drawn on: keys come before."""


class Transcript(Following):
    """Draws the turns in view, however many there are; stays at the end until one scrolls up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"turn--match", *(f"turn--{part}" for part in PARTS)}
    DEFAULT_CSS = """
    Transcript {
        & > .turn--you { text-style: bold; color: $text-accent; }
        & > .turn--model { text-style: bold; color: $text-primary; }
        & > .turn--dim { color: $text-muted; }
        & > .turn--error { color: $text-error; }
        & > .turn--warning { color: $text-warning; }
        & > .turn--heading { text-style: bold; color: $text-primary; }
        & > .turn--code { color: $text-accent; background: $surface-lighten-1; }
        & > .turn--link { text-style: underline; color: $text-secondary; }
        & > .turn--match { background: $warning 60%; color: $foreground; text-style: bold; }
    }
    """
    LOOKS = "turn"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._stack = TurnStack()
        self._top = START
        """The first line in view."""
        self._rows: list[Row] = []
        """Those in view."""
        self.search: TurnSearch | None = None
        """What is looked for."""
        self._ground = Style.null()
        """That all rows have; to ask for it takes as long as to draw a row."""
        self._draws_on = False
        """Whether what there was no time for is going to be drawn."""

    def on_mount(self) -> None:
        """Take the colours of every theme that is chosen."""
        self.app.theme_changed_signal.subscribe(self, self._take_look)

    @property
    def turns(self) -> list[TurnView]:
        """All turns, oldest first."""
        return self._stack.views

    @property
    def newest(self) -> TurnView | None:
        """The last turn."""
        return self.turns[-1] if self.turns else None

    @property
    def selected(self) -> TurnView | None:
        """The turn that keys are for: the one that was walked to, else the newest."""
        return next((view for view in self.turns if view.shown.selected), self.newest)

    def begin(self, turn: Turn) -> TurnView:
        """Show a turn at the end, and go there."""
        view = TurnView(turn, self.settle)
        self._stack.add(view)
        self._select(len(self.turns))
        self.follow()
        return view

    def show(self, turns: Sequence[Turn]) -> None:
        """Show these turns, and nothing else."""
        self._stack.put([TurnView(turn, self.settle) for turn in turns])
        for view in self.turns:
            view.shown.growing = False
        self._top = START
        self.follow()

    def clear(self) -> None:
        """Show nothing."""
        self.show(())

    def drop_last(self) -> None:
        """Take the newest turn away."""
        self._stack.drop_last()
        self.follow()

    def walk(self, by: int) -> None:
        """Select the turn that is so many further down, and show where it begins."""
        if self.selected is None:
            return
        wanted = max(0, min(len(self.turns) - 1, self.turns.index(self.selected) + by))
        self._select(wanted)
        if wanted < len(self.turns) - 1:
            self._go_to(Place(wanted, 0))
        else:
            self.follow()

    def seek(self, pattern: re.Pattern[str] | None) -> None:
        """Mark a text wherever it stands; none: no more."""
        self.search = TurnSearch(pattern) if pattern is not None else None
        self.refresh()

    def step(self, by: int) -> None:
        """Go to the next match, or the one before."""
        if self.search is None:
            return
        self.search.look(self.turns)
        match = self.search.step(by, self._top.turn)
        if match is not None:
            line = self.search.line_of(match, self._stack.whole_lines(match.turn))
            self._go_to(self._stack.moved(Place(match.turn, line), -self.size.height // 3))

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self.settle()

    def move_by(self, lines: int) -> None:
        """Scroll; past the last line it follows."""
        if self._rows:
            self._stack.begin_look()
            self._go_to(self._stack.moved(self._top, lines))

    def move_to_start(self) -> None:
        """Scroll to the first line."""
        self._go_to(START)

    def on_resize(self, _event: Resize) -> None:
        """The lines are others."""
        self.settle()

    def on_show(self, _event: Show) -> None:
        """What has changed meanwhile was not drawn."""
        self.settle()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """The wheel, the scrollbar and the page keys of the prompt."""
        if self.following and new >= self.max_scroll_y:
            return  # nobody has scrolled: there is more room, or there are fewer lines than was guessed
        by = round(new) - round(old)
        if abs(by) > JUMP_PAGES * self.size.height:
            self._go_to(self._stack.place_at(round(new)))
        elif by:
            self.move_by(by)

    def on_click(self, event: Click) -> None:
        """A click on the line of a folded part unfolds it; a double one selects the text of the turn."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= len(self._rows):
            return
        turn, line = self._rows[offset.y].place
        view = self.turns[turn]
        if event.chain == 2:
            event.prevent_default()
            self._select_text(turn)
        elif event.chain == 1 and line in view.folds:
            view.toggle(view.folds[line])

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some rows."""
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, base = self.scrollable_content_region.width, self._ground
        if y >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[y]
        strip = Strip(unpacked(row.line)).crop_extend(0, width, None).apply_style(base)
        if self.search is not None:
            strip = with_matches(strip, self.search.pattern, self.look("match"))
        return selectable(strip, row.number, self)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected."""
        return self._stack.text(selection), "\n"

    def settle(self) -> None:
        """Draw what is in view, and only those rows of it that are others than before."""
        width, height = self.scrollable_content_region.size
        if width <= 0 or height <= 0:
            return
        self._stack.begin_look()
        if width != self._stack.width:
            self._paint_on(width)
        rows = self._stack.window(None if self.following else self._top, height)
        if self.following or not self._is_coming(self._top):
            self._top = rows[0].place if rows else START
        self._place(rows)
        self._stack.forget()
        if self._stack.behind and not self._draws_on and not self._grows:
            self._draws_on = True
            self.set_timer(DRAW_ON_S, self._draw_on)

    @property
    def _grows(self) -> bool:
        """Whether it is going to be settled anyway: an answer that is not drawn to its end is drawn on."""
        return self.newest is not None and self.newest.shown.growing and self.newest.behind

    def _is_coming(self, place: Place) -> bool:
        """Whether that line may be one of those that there was no time for."""
        return place.turn < len(self.turns) and self.turns[place.turn].behind

    def _draw_on(self) -> None:
        self._draws_on = False
        self.settle()

    def _place(self, rows: list[Row]) -> None:
        """Show these rows, and bring the scrollbar in line with them."""
        before, self._rows = self._rows, rows
        self.measure(self._stack.height)
        self._put_scroll(rows[0].number if rows else 0)
        others = [y for y in range(max(len(before), len(rows))) if before[y : y + 1] != rows[y : y + 1]]
        if others:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in others))

    def _put_scroll(self, number: int) -> None:
        # Not by assignment, which would be taken for scrolling by a person.
        self.set_reactive(Transcript.scroll_y, number)
        self.set_reactive(Transcript.scroll_target_y, number)
        self.vertical_scrollbar.position = number

    def _go_to(self, top: Place) -> None:
        """Show the lines from there on; where they reach the end, stay there."""
        is_further = top > self._top
        self._top, self.following = top, False
        self.settle()
        if is_further and self._rows and self._stack.is_end(self._rows[-1]):
            self.following = True

    def _select(self, wanted: int) -> None:
        for at, view in enumerate(self.turns):
            selected = at == wanted < len(self.turns) - 1
            if view.shown.selected != selected:
                view.shown.selected = selected
                view.change()

    def _select_text(self, turn: int) -> None:
        first = self._stack.number_of(Place(turn, 0))
        lines = self.turns[turn].texts
        last = max(at for at, line in enumerate(lines) if line)
        span = Selection(Offset(0, first), Offset(len(lines[last]), first + last))
        self.screen.selections = {self: span}

    def _paint_on(self, width: int) -> None:
        styles = {part: self.get_component_rich_style(f"turn--{part}") for part in PARTS}
        look = TurnLook(styles, self.app.current_theme.dark)
        self._top = self._stack.paint_on(Canvas(self.app.console, look, width), self._top)

    def _take_look(self, _theme: Theme) -> None:
        self.call_after_refresh(self._show_in_new_look)

    def _show_in_new_look(self) -> None:
        if self._stack.width:
            self._paint_on(self._stack.width)
            self.settle()
