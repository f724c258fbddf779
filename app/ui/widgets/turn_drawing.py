"""The lines of a turn: who said what, the numbers, the folded parts, the answer, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from app.core.chat import CANCELLED, Turn
from app.text.answer import Finish
from app.text.units import bytes_text, plural
from app.ui.plain import plain_line, plain_text
from app.ui.widgets.folding import fold
from app.ui.widgets.lines import EMPTY, Line, line_of, packed, with_end

PARTS = ("you", "model", "dim", "error", "warning", "heading", "code", "link")
_INDENT = 2

if TYPE_CHECKING:
    from app.ui.widgets.markdown import MarkdownLook


class Fold(StrEnum):
    """A part of a turn that is one line until it is unfolded."""

    WHY = "why"
    THINKING = "thinking"


@dataclass(frozen=True, slots=True)
class TurnLook:
    """How turns are drawn: a style for each of PARTS."""

    styles: Mapping[str, Style]
    dark: bool


@dataclass(slots=True)
class Shown:
    """What is shown of a turn beside the turn itself."""

    turn: Turn
    growing: bool = True
    """Whether more of the answer may come."""
    waiting: str = ""
    """What is waited for while nothing of the answer has come."""
    unfolded: frozenset[Fold] = frozenset()
    selected: bool = False
    """Whether it was walked to: keys are for this turn."""


class TurnDrawing:
    """Draws one turn again and again as it grows, at one width."""

    def __init__(self, console: Console, look: TurnLook, width: int) -> None:
        # Here and not above: the parser and the highlighter are not needed before the first answer.
        from app.ui.widgets.markdown import GrowingMarkdown

        self._styles = look.styles
        self._width = width
        self._answer = GrowingMarkdown(console, _markdown_look(look, width - _INDENT))
        self._asked: list[Line] = []
        self.lines: list[Line] = []
        self.folds: dict[int, Fold] = {}
        """The lines that unfold a part, by their numbers."""

    @property
    def behind(self) -> bool:
        """Whether there was no time for all of the answer; then `draw` goes on where it was."""
        return self._answer.behind

    def draw(self, shown: Shown, until: float = inf) -> None:
        """Make the lines of the turn as it is now, as far as there is time until then."""
        turn = shown.turn
        self.lines, self.folds = [], {}
        self._say("you", "you", "◂ selected" if shown.selected else "")
        for file in turn.attachments:
            self._paragraph(f"with {file.name} ({bytes_text(len(file.text.encode()))})", "dim")
        self._ask(turn.prompt)
        self._empty()
        self._say(turn.model, "model", _numbers(turn))
        if turn.route is not None:
            self._fold(Fold.WHY, " ".join(turn.route.reasons), turn.route.reasons, shown)
        if turn.thinking:
            thought = "".join(turn.thinking).strip()
            self._fold(Fold.THINKING, plural(len(thought.split()), "word"), (thought,), shown)
        self._add_answer(turn.text, shown.growing, until)
        self._end(shown)
        self._empty()

    def _ask(self, prompt: str) -> None:
        """The prompt, which is always the same: a long one is folded once."""
        first = len(self.lines)
        if not self._asked:
            self._paragraph(prompt)
            self._asked = self.lines[first:]
        else:
            self.lines += self._asked

    def _empty(self) -> None:
        self.lines.append(EMPTY)

    def _say(self, who: str, style: str, numbers: str = "") -> None:
        """A name, with the numbers beside it or, where they do not fit, under it."""
        name = Segment(plain_line(who), self._styles[style])
        if len(who) + len(numbers) + 2 <= self._width:
            self.lines.append(packed((name, Segment(f"  {numbers}".rstrip(), self._styles["dim"]))))
        else:
            self.lines.append(packed((name,)))
            self._paragraph(numbers, "dim")

    def _paragraph(self, text: str, style: str = "") -> None:
        look = self._styles[style] if style else None
        margin = " " * _INDENT
        for line in plain_text(text).split("\n"):
            for row in fold(line, self._width - _INDENT):
                self.lines.append(line_of(margin + row, look))

    def _fold(self, part: Fold, brief: str, whole: tuple[str, ...], shown: Shown) -> None:
        unfolded = part in shown.unfolded
        line = f"▾ {part}" if unfolded else f"▸ {part}  {plain_line(brief)}"
        text = line if len(line) <= self._width else f"{line[: self._width - 1]}…"
        self.folds[len(self.lines)] = part
        self.lines.append(line_of(text, self._styles["dim"]))
        if unfolded:
            for text in whole:
                self._paragraph(text, "dim")

    def _add_answer(self, text: str, growing: bool, until: float) -> None:
        if not text.strip():
            return
        lines = self._answer.lines(plain_text(text), until)
        if growing and lines:
            lines[-1] = with_end(lines[-1], Segment("▌", self._styles["dim"]))
        self.lines += lines

    def _end(self, shown: Shown) -> None:
        ending = shown.turn.ending
        if shown.growing:
            self._remark("" if shown.turn.answer else shown.waiting, "dim")
        elif ending == CANCELLED:
            self._remark(ending, "warning")
        else:
            self._remark(ending, "error") if ending else self._remark(_whole_but_short(shown.turn), "dim")

    def _remark(self, text: str, style: str) -> None:
        if text:
            self._paragraph(text, style)


def _whole_but_short(turn: Turn) -> str:
    ended_early = turn.finish is Finish.LENGTH
    return "It ended at the limit of its context or of its tokens. C lets it go on." if ended_early else ""


def _numbers(turn: Turn) -> str:
    """Where the answer came from, and how fast, as measured."""
    words = [turn.route.summary] if turn.route is not None else []
    return "  ".join((*words, *(turn.measured.words if turn.measured is not None else ())))


def _markdown_look(look: TurnLook, width: int) -> MarkdownLook:
    from app.ui.widgets.code import CodeLook
    from app.ui.widgets.markdown import MarkdownLook

    heading, code, link, dim = (look.styles[part] for part in ("heading", "code", "link", "dim"))
    styles = dict.fromkeys((f"markdown.h{level}" for level in range(1, 8)), heading)
    styles |= {
        "markdown.code": code,
        "markdown.link": link,
        "markdown.link_url": dim,
        "markdown.item.bullet": dim,
        "markdown.item.number": dim,
        "markdown.block_quote": dim,
        "markdown.hr": dim,
        "markdown.table.border": dim,
        "markdown.table.header": heading,
    }
    return MarkdownLook(
        width=width,
        styles=styles,
        code=CodeLook(
            theme="monokai" if look.dark else "default",
            background=code.bgcolor.get_truecolor().hex if code.bgcolor else "default",
        ),
        indent=_INDENT,
    )
