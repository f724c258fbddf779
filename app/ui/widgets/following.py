"""Lines that keep coming: the newest is kept in view until one moves away from it."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from app.ui.keys import SCROLL_KEYS


class Following(ScrollView, can_focus=True):
    """Has a cursor on one of its lines, moved by the usual keys; past the last line it follows."""

    DEFAULT_CSS = """
    Following { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = SCROLL_KEYS
    LOOKS: ClassVar[str]
    """What the names of its component classes begin with."""

    class Moved(Message):
        """The cursor is elsewhere, it began or ceased to follow, or lines have come unseen."""

    following = True
    """Whether the newest line is kept in view."""

    @property
    def unseen(self) -> int:
        """Lines that have come since it ceased to follow."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """Lines that the cursor moves by at once."""
        return max(1, self.size.height - 1)

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        raise NotImplementedError

    def move_by(self, lines: int) -> None:
        """Move the cursor by so many lines."""
        raise NotImplementedError

    def move_to_start(self) -> None:
        """Move the cursor to the oldest line."""
        raise NotImplementedError

    def action_scroll_down(self) -> None:
        """One line further."""
        self.move_by(1)

    def action_scroll_up(self) -> None:
        """One line back."""
        self.move_by(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self.move_by(self.page)

    def action_page_up(self) -> None:
        """A page back."""
        self.move_by(-self.page)

    def action_scroll_home(self) -> None:
        """To the oldest line."""
        self.move_to_start()

    def action_scroll_end(self) -> None:
        """To the newest line, and follow."""
        self.follow()

    def look(self, kind: str) -> Style:
        """The style of one of its component classes."""
        return self.get_component_rich_style(f"{self.LOOKS}--{kind}", partial=True)

    def measure(self, rows: int) -> None:
        """Let the scrollbar know how many rows there are."""
        # Not by assignment, which would lay out the whole screen.
        self.set_reactive(Following.virtual_size, Size(self.size.width, rows))
        self.vertical_scrollbar.window_virtual_size = rows

    def tell(self) -> None:
        """Say that it has moved."""
        # Without it the sender would be whoever had this done, and what is above that would not be told.
        self.post_message(self.Moved().set_sender(self))
