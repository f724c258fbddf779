"""One prompt with its answer, as a part of the transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console

from app.core.chat import Turn
from app.ui.plain import plain_text
from app.ui.widgets.lines import Line, text_of
from app.ui.widgets.turn_drawing import Fold, Shown, TurnDrawing, TurnLook

_AROUND = 6
"""Lines of a turn that are neither prompt nor answer, about."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What turns are drawn on."""

    console: Console
    look: TurnLook
    width: int


class TurnView:
    """Shows a turn; change `shown`, then call `grow`. It is drawn when it is seen.

    The turn keeps the text as it came: whoever copies or exports takes it from there.
    """

    def __init__(self, turn: Turn, tell: Callable[[], None]) -> None:
        self.shown = Shown(turn)
        self.height = 0
        """Lines that it takes; a guess until it is drawn."""
        self._tell = tell
        self._drawing: TurnDrawing | None = None
        self._is_old = True
        """Whether the drawing does not show all that there is."""
        self._copied = 0
        """So many blocks of code were asked for."""

    @property
    def lines(self) -> list[Line]:
        """The lines as they were drawn last."""
        return self._drawing.lines if self._drawing is not None else []

    @property
    def texts(self) -> list[str]:
        """The lines as they were drawn, without their colours; where not all were, the text as it came."""
        if self._drawing is not None and not self._drawing.behind:
            return [text_of(line) for line in self.lines]
        turn = self.shown.turn
        return [
            "you",
            *plain_text(turn.prompt).split("\n"),
            "",
            turn.model,
            *plain_text(turn.text).split("\n"),
            "",
        ]

    @property
    def folds(self) -> Mapping[int, Fold]:
        """The lines that unfold a part."""
        return self._drawing.folds if self._drawing is not None else {}

    @property
    def behind(self) -> bool:
        """Whether there is more to be drawn than there was time for."""
        return self._drawing is not None and self._drawing.behind

    def grow(self) -> None:
        """Show the turn as it is now."""
        self.change()
        self._tell()

    def change(self) -> None:
        """Be drawn anew when it is seen next."""
        self._is_old = True

    def toggle(self, part: Fold) -> None:
        """Fold or unfold a part."""
        self.shown.unfolded ^= {part}
        self.grow()

    def draw(self, canvas: Canvas, until: float) -> None:
        """Bring the lines up to date, as far as there is time until then (of `time.monotonic`)."""
        if self._drawing is None:
            self._drawing = TurnDrawing(canvas.console, canvas.look, canvas.width)
        if self._is_old or self._drawing.behind:
            self._drawing.draw(self.shown, until)
            self._is_old = False
            self.height = len(self.lines)

    def forget(self) -> None:
        """Keep no lines, only how many there are."""
        self._drawing, self._is_old = None, True

    def guess(self, width: int) -> None:
        """Take the height from how much text there is: nearly right, and for thousands of turns at once."""
        turn, room = self.shown.turn, max(1, width)
        texts = (turn.prompt, turn.text)
        self.height = _AROUND + sum(text.count("\n") + len(text) // room for text in texts)

    def next_code(self) -> tuple[str, int, int] | None:
        """One block of code after the other: its text, which it is, of how many; None where there is none."""
        from app.ui.widgets.markdown import code_blocks

        blocks = code_blocks(self.shown.turn.text)
        if not blocks:
            return None
        at = self._copied % len(blocks)
        self._copied += 1
        return blocks[at], at + 1, len(blocks)
