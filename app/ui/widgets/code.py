"""Blocks of code that grow at their end: what is settled is highlighted once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from rich.console import Console
from rich.syntax import Syntax

from app.ui.widgets.lines import Line, indented

FEWEST_LINES, MOST_LINES = 20, 40
"""Of a portion of code: it ends where something new begins, or at the most lines it may have."""

_FENCE = re.compile(r"\s*^(?P<sign>`{3,}|~{3,})(?P<info>[^\n`]*)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CodeLook:
    """How code is drawn."""

    theme: str
    """Name of a Pygments style."""
    background: str


class OpenFence:
    """A fence whose end may not have come yet."""

    def __init__(self, language: str, sign: str, start: int) -> None:
        self.language = language
        self._start = self._looked = start
        self._closing = re.compile(rf"^ {{0,3}}{re.escape(sign)}{sign[0]}*[ \t]*$", re.MULTILINE)

    def look(self, source: str) -> tuple[str, int | None]:
        """The code in the fence, and where in `source` it ended for good, if it has.

        Each line is looked at once it is whole; a last line that looks like the end is not code.
        """
        closing = self._closing.search(source, self._looked)
        if closing is None:
            self._looked = max(self._looked, source.rfind("\n") + 1)
            return source[self._start :], None
        ended = closing.end() + 1
        return source[self._start : closing.start()], ended if ended <= len(source) else None


def open_fence(source: str, start: int) -> OpenFence | None:
    """The fence that begins at `start` in `source`."""
    begin = _FENCE.match(source, start)
    if begin is None:
        return None
    language = begin["info"].strip().partition(" ")[0]
    return OpenFence(language or "text", begin["sign"], begin.end())


class GrowingCode:
    """The lines of code that only ever grows."""

    def __init__(self, console: Console, look: CodeLook, language: str, width: int) -> None:
        self._console = console
        self._look = look
        self._language = language
        self._options = console.options.update(width=max(1, width), height=None)
        self._settled = 0
        """So many characters are settled."""
        self._lines: list[Line] = []
        self.behind = False
        """Whether there was no time for all of it."""

    def lines(self, code: str, indent: int, until: float = inf) -> list[Line]:
        """The lines of `code`, which begins with what was given before; as far as there is time."""
        self.behind = False
        *done, last = [*portions(code[self._settled :].rstrip())] or [""]
        for portion in done:
            self._lines += self._draw(portion, indent)
            self._settled += len(portion) + 1
            if time.monotonic() > until:
                self.behind = True
                return [*self._lines]
        return [*self._lines, *(self._draw(last, indent) if last else [])]

    def _draw(self, portion: str, indent: int) -> list[Line]:
        made = syntax(portion, self._language, self._look)
        return [indented(line, indent) for line in self._console.render_lines(made, self._options)]


def syntax(portion: str, language: str, look: CodeLook) -> Syntax:
    """A portion of code on a ground of its own, folded where it is too long."""
    return Syntax(
        portion,
        language,
        theme=look.theme,
        word_wrap=True,
        padding=(0, 1),
        background_color=look.background,
    )


def portions(code: str) -> Iterator[str]:
    """`code` in portions that are highlighted each by itself; joined by line ends they are the code.

    Where they end depends on nothing that comes later than the next line.
    """
    portion = list[str]()
    for line in code.split("\n"):
        if _is_whole(portion, line):
            yield "\n".join(portion)
            portion = []
        portion.append(line)
    yield "\n".join(portion)


def _is_whole(portion: list[str], following: str) -> bool:
    if len(portion) >= MOST_LINES:
        return True
    begins_anew = following[:1].strip() and not portion[-1].strip() if portion else False
    return len(portion) >= FEWEST_LINES and bool(begins_anew)
