"""One prompt with its answer, as one widget."""

from __future__ import annotations

from textual.events import Click
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from app.core.chat import Turn
from app.ui.widgets.selectable import selectable
from app.ui.widgets.turn_drawing import Fold, Shown, TurnDrawing, TurnLook


class TurnView(Widget):
    """Shows a turn; change `shown`, then call `grow`.

    The turn keeps the text as it came: whoever copies or exports takes it from there.
    """

    DEFAULT_CSS = "TurnView { height: auto; }"

    def __init__(self, turn: Turn, look: TurnLook) -> None:
        super().__init__()
        self.shown = Shown(turn)
        self._look = look
        self._copied = 0
        """So many blocks of code were asked for."""
        self._width = 0
        self._drawing: TurnDrawing | None = None

    @property
    def lines(self) -> list[str]:
        """The lines as they are drawn, without their colours."""
        return [strip.text.rstrip() for strip in self._strips]

    @property
    def _strips(self) -> list[Strip]:
        return self._drawing.strips if self._drawing is not None else []

    def grow(self) -> None:
        """Show the turn as it is now."""
        before = len(self._strips)
        if self._drawing is not None:
            self._drawing.draw(self.shown)
        self.refresh(layout=len(self._strips) != before)

    def take_look(self, look: TurnLook) -> None:
        """Show the turn in other colours."""
        self._look, self._drawing = look, None
        self.refresh(layout=True)

    def toggle(self, part: Fold) -> None:
        """Fold or unfold a part."""
        self.shown.unfolded ^= {part}
        self.grow()

    def next_code(self) -> tuple[str, int, int] | None:
        """One block of code after the other: its text, which it is, of how many; None where there is none."""
        from app.ui.widgets.markdown import code_blocks

        blocks = code_blocks(self.shown.turn.text)
        if not blocks:
            return None
        at = self._copied % len(blocks)
        self._copied += 1
        return blocks[at], at + 1, len(blocks)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the turn has at this width."""
        if self._drawing is None or width != self._width:
            self._width = width
            self._drawing = TurnDrawing(self.app.console, self._look, width)
            self._drawing.draw(self.shown)
        return len(self._strips)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        base, strips = self.rich_style, self._strips
        if y >= len(strips):
            return Strip.blank(self.size.width, base)
        strip = strips[y].crop_extend(0, self.size.width, None).apply_style(base)
        return selectable(strip, y, self)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected."""
        return selection.extract("\n".join(self.lines)), "\n"

    def on_click(self, event: Click) -> None:
        """A click on the line of a folded part unfolds it."""
        part = self._drawing.folds.get(event.y) if self._drawing is not None else None
        if part is not None:
            self.toggle(part)
