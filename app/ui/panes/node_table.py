"""The table of nodes, with the line of this box above it: one list for the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click

from app.ui.clicks import open_by_two_clicks
from app.ui.commands import pane_bindings
from app.ui.places import Place
from app.ui.widgets.ledger import Ledger
from app.ui.widgets.said import Said


class BoxRow(Said, can_focus=True):
    """This box, in one line that the cursor can stand on."""

    BINDINGS: ClassVar[list[BindingType]] = [("down,j", "leave", "")]

    def action_leave(self) -> None:
        """Let the cursor go down, to the nodes."""
        table = self.screen.query_one(NodeTable)
        if table.row_count:
            # At once: the next key is for the table already.
            self.screen.set_focus(table)

    async def on_click(self, event: Click) -> None:
        """Open it by two clicks."""
        await open_by_two_clicks(self, event, "node")


class NodeTable(Ledger):
    """The nodes. The keys of the pane come before those of a table: Enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings(Place.NODES)

    def action_cursor_up(self) -> None:
        """Go up; from the first row, to this box."""
        if self.cursor_row == 0:
            self.screen.set_focus(self.screen.query_one(BoxRow))
        else:
            super().action_cursor_up()

    async def on_click(self, event: Click) -> None:
        """Open what was clicked twice."""
        await open_by_two_clicks(self, event, "node")
