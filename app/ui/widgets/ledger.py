"""A table whose rows are shown again and again: only what differs is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Region
from textual.timer import Timer
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey, RowKey

from app.ui.plain import plain_line

_REORDERED_EVERY_S = 1.0
"""Where the order goes with what is shown: nobody can read rows that jump more often."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; its width holds whatever its cells say."""

    key: str
    title: str
    width: int
    right: bool = False
    """Numbers stand at the right of their column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one cell."""

    text: str
    tone: str = ""
    """good, warning, error or muted: a colour beside the word, never instead of it."""


Row = Mapping[str, Cell]


class _Named(Text):
    """The text of a first cell, which tells what row it is of."""

    row = ""


class Ledger(DataTable[Text]):
    """Rows by a key of their own, in fixed columns."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ledger--good",
        "ledger--warning",
        "ledger--error",
        "ledger--muted",
    }
    DEFAULT_CSS = """
    Ledger {
        overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .ledger--good { color: $text-success; }
        & > .ledger--warning { color: $text-warning; }
        & > .ledger--error { color: $text-error; }
        & > .ledger--muted { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("j", "cursor_down", "down"),
        ("k", "cursor_up", "up"),
        ("g,home", "scroll_top", "to the start"),
        ("G,end", "scroll_bottom", "to the end"),
        ("ctrl+d", "page_down", "a page down"),
        ("ctrl+u", "page_up", "a page up"),
    ]

    def __init__(self, order: Callable[[str], Any]) -> None:
        """`order` makes what rows are sorted by out of their keys."""
        super().__init__(
            cursor_type="row", zebra_stripes=False, cell_padding=0, cursor_foreground_priority="renderable"
        )
        self._order = order
        self._reverse = False
        self._sorted_by_value = False
        self._sorting: Timer | None = None
        self._in_order: list[str] = []
        self._shown: dict[str, Row] = {}
        self._layout: tuple[Column, ...] = ()

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor; None where there is no row, or no column yet to be in."""
        if not (self._shown and self._layout):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the rows that are shown."""
        return tuple(self._shown)

    def order_by(self, order: Callable[[str], Any], *, reverse: bool = False) -> None:
        """Sort by another thing from now on, which may change with what is shown."""
        self._order, self._reverse, self._sorted_by_value = order, reverse, True
        if self._shown:
            self._sort()

    def lay_out(self, columns: Sequence[Column]) -> None:
        """Show these columns from now on."""
        if tuple(columns) == self._layout:
            return
        selected, self._layout = self.selected, tuple(columns)
        self.clear(columns=True)
        for column in self._layout:
            title = column.title.rjust(column.width - 1) if column.right else column.title
            self.add_column(Text(title, no_wrap=True), width=column.width, key=column.key)
        rows, self._shown, self._in_order = self._shown, {}, []
        self.show(rows)
        self._select(selected)

    def show(self, rows: Mapping[str, Row]) -> None:
        """Add or change these rows; others stay as they are."""
        new = rows.keys() - self._shown.keys()
        for key, row in rows.items():
            if key in self._shown:
                self._change(key, row)
            else:
                self.add_row(*(self._cell(key, row, column) for column in self._layout), key=key)
            self._shown[key] = row
        if new:
            self._in_order += [key for key in rows if key in new]
            self._sort()
        elif rows and self._sorted_by_value and self._sorting is None:
            self._sorting = self.set_timer(_REORDERED_EVERY_S, self._sort, name="sort")

    def drop(self, keys: Iterable[str]) -> None:
        """Take rows away."""
        for key in keys:
            if self._shown.pop(key, None) is not None:
                self._in_order.remove(key)
                self.remove_row(key)

    def _render_cell(
        self,
        row_index: int,
        column_index: int,
        base_style: Style,
        width: int,
        cursor: bool = False,
        hover: bool = False,
    ) -> list[list[Segment]]:
        """A line in one style, which is all that a cell is here; much faster than for any renderable."""
        is_header, column = row_index < 0, ColumnKey(self._layout[column_index].key)
        row = self._data[RowKey(self._in_order[row_index])] if not is_header else None
        text = row[column] if row is not None else self.columns[column].label
        over, last = self._get_styles_to_render_cell(
            is_header, False, False, hover, cursor, self.show_cursor, self._show_hover_cursor, False, True
        )
        # A click on a row means all of it: cells that look alike are sent to the terminal as one.
        where = {"row": row_index, "column": column_index if is_header else 0}
        style = base_style + Style.from_meta(where) + over
        tone = self.app.console.get_style(text.style)
        said = set_cell_size(text.plain, min(width, text.cell_len))
        parts = ((said, style + tone + last), (" " * (width - cell_len(said)), style + last))
        return [[Segment(part, style) for part, style in parts if part]]

    def _sort(self) -> None:
        if self._sorting is not None:
            self._sorting.stop()
            self._sorting = None
        in_order = sorted(self._shown, key=self._order, reverse=self._reverse)
        if in_order == self._in_order:
            return
        self._in_order, selected = in_order, self.selected
        places = {key: place for place, key in enumerate(in_order)}
        self.sort(self._layout[0].key, key=lambda cell: places[cell.row])
        self._select(selected)

    def _select(self, key: str | None) -> None:
        if key in self._shown:
            self.move_cursor(row=self.get_row_index(key), animate=False)

    def _change(self, key: str, row: Row) -> None:
        """Draw a row anew where it differs, if it can be seen; a DataTable by itself would draw them all."""
        before, cells = self._shown[key], self._data[RowKey(key)]
        end = drawn = 0
        for column in self._layout:
            end += column.width
            if row.get(column.key) != before.get(column.key):
                cells[ColumnKey(column.key)] = self._cell(key, row, column)
                drawn = end
        if drawn:
            self._update_count += 1
            # Kept under the count before, these are never asked for again.
            self._row_render_cache.clear()
            self._line_cache.clear()
            self._draw_row(key, drawn)

    def _draw_row(self, key: str, width: int) -> None:
        y = self.header_height + self.get_row_index(key) - round(self.scroll_y)
        if self.header_height <= y < self.size.height:
            self.refresh(Region(0, y, width, 1))

    def _cell(self, key: str, row: Row, column: Column) -> Text:
        cell = row.get(column.key, Cell(""))
        style = self.get_component_rich_style(f"ledger--{cell.tone}", partial=True) if cell.tone else ""
        text = _Named(plain_line(cell.text), style, no_wrap=True, overflow="ellipsis")
        text.row = key
        if column.right:
            text.align("right", column.width - 1)
        else:
            text.truncate(max(1, column.width - 1), overflow="ellipsis")
        return text
