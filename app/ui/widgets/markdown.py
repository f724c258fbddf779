"""Markdown that grows at its end: what is settled is drawn once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import ClassVar, NamedTuple, Self

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.style import Style
from rich.theme import Theme

from app.ui.widgets.code import CodeLook, GrowingCode, OpenFence, open_fence, portions, syntax
from app.ui.widgets.lines import EMPTY, Line, indented, text_of
from app.ui.widgets.long_block import first_portion

WINDOW = 3_000
"""Characters that are read and drawn in one go, which takes some 10 ms."""


@dataclass(frozen=True, slots=True)
class MarkdownLook:
    """How Markdown is drawn."""

    width: int
    """Of the text, in cells."""
    styles: Mapping[str, Style]
    """Over Rich's own styles, by their names: `markdown.code`, `markdown.h1`, …"""
    code: CodeLook
    indent: int = 0
    """Empty cells before the text."""


class _PlainHeading(Heading):
    """A heading at the left, as text has it; Rich puts the largest ones in the middle of a box."""

    LEVEL_ALIGN = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    """A block of code on a ground of its own, folded where it is too long."""

    look: CodeLook

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _Code:
        made = super().create(markdown, token)
        assert isinstance(made, cls)
        assert isinstance(markdown, _Markdown)
        made.look = markdown.code_look
        return made

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for portion in portions(str(self.text).rstrip()):
            yield syntax(portion, self.lexer_name, self.look)


class _Markdown(Markdown):
    """Rich's Markdown, but for what hides text: HTML is shown as it is written, images as links."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _PlainHeading,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, look: MarkdownLook) -> None:
        super().__init__("", code_theme=look.code.theme, hyperlinks=False)
        self.code_look = look.code

    def of(self, tokens: list[Token]) -> Self:
        """Be the Markdown of these: that is cheap, and to make one is not."""
        self.parsed = tokens
        return self


PARSER = MarkdownIt("commonmark", {"html": False})
PARSER.enable(["strikethrough", "table"]).disable(["image", "reference"])
"""Without references, so that every block can be read by itself, and what is written of them is shown."""


class _Block(NamedTuple):
    """A top-level block."""

    text: str
    tokens: list[Token]


class GrowingMarkdown:
    """The lines of a Markdown text that only ever grows.

    All blocks but the last are settled: what comes later cannot change them, so they are drawn once.

    No call takes long: text is read WINDOW characters at a time, a paragraph, list or table of more than
    PORTION characters is drawn in portions and so is code, and when the time is over the rest is left for
    the next call.
    """

    def __init__(self, console: Console, look: MarkdownLook) -> None:
        self._console = console
        self._look = look
        self._markdown = _Markdown(look)
        self._theme = Theme(look.styles)
        self._settled = 0
        """So many characters of the source are settled."""
        self._settled_lines: list[Line] = []
        self._head = ""
        """Of a table that is drawn in portions: each of them begins with it."""
        self._read: deque[_Block] = deque()
        """Blocks that come next; all but the last of them are whole."""
        self._in_block = False
        """Whether what comes next belongs to the block before."""
        self._fence: OpenFence | None = None
        self._code: GrowingCode | None = None
        self.behind = False
        """Whether there was no time for all of it."""

    def lines(self, source: str, until: float = inf) -> list[Line]:
        """The lines of `source`, which begins with what was given before; as far as there is time."""
        self.behind = False
        last = self._step(source, until)
        while last is None and not self.behind:
            self.behind = time.monotonic() > until
            last = None if self.behind else self._step(source, until)
        return self._with(last or [])

    def _step(self, source: str, until: float) -> list[Line] | None:
        """Settle a block, or a portion of one; the lines of the last one where there are no others."""
        if self._fence is None and not self._in_block:
            self._begin_fence(source)
        if self._fence is not None:
            self._read.clear()
            return self._step_in_fence(source, self._fence, until)
        if len(self._read) < 2:
            self._read = deque(_blocks(self._head + source[self._settled : self._settled + WINDOW]))
        block = self._read[0]
        portion = first_portion(block.text)
        if portion is not None:
            self._settle(_Block(portion.text, PARSER.parse(portion.text)))
            self._head, self._in_block = portion.head, True
            self._read.clear()
        elif len(self._read) == 1:
            return self._draw(block)
        else:
            self._settle(self._read.popleft())
            self._head, self._in_block = "", False
        return None

    def _begin_fence(self, source: str) -> None:
        self._fence = open_fence(source, self._settled)
        if self._fence is not None:
            self._code = GrowingCode(self._console, self._look.code, self._fence.language, self._look.width)

    def _step_in_fence(self, source: str, fence: OpenFence, until: float) -> list[Line] | None:
        assert self._code is not None
        code, ended = fence.look(source)
        lines = _trimmed(self._code.lines(code, self._look.indent, until))
        if self._code.behind or ended is None:
            self.behind = self._code.behind
            return lines
        self._put(lines)
        self._settled = ended
        self._fence, self._code, self._in_block = None, None, False
        return None

    def _settle(self, block: _Block) -> None:
        self._put(self._draw(block))
        self._settled += len(block.text) - len(self._head)

    def _put(self, lines: list[Line]) -> None:
        self._settled_lines += self._space(lines)
        self._settled_lines += lines

    def _with(self, last: list[Line]) -> list[Line]:
        """What is settled, and the last block under it."""
        return [*self._settled_lines, *self._space(last), *last]

    def _space(self, below: list[Line]) -> list[Line]:
        """An empty line between two blocks."""
        return [EMPTY] if self._settled_lines and below and not self._in_block else []

    def _draw(self, block: _Block) -> list[Line]:
        if not block.tokens:
            return []
        width = max(1, self._look.width)
        options = self._console.options.update(width=width, height=None)
        with self._console.use_theme(self._theme):
            lines = self._console.render_lines(self._markdown.of(block.tokens), options, pad=False)
        return _trimmed([indented(line, self._look.indent) for line in lines])


def code_blocks(text: str) -> list[str]:
    """The blocks of code in `text`, as they were written, from the first on."""
    return [token.content for token in PARSER.parse(text) if token.type in {"fence", "code_block"}]


def _blocks(text: str) -> list[_Block]:
    """The top-level blocks of `text`, which they add up to."""
    starts, tokens = list[int](), list[list[Token]]()
    for token in PARSER.parse(text):
        if token.level == 0 and token.map:
            starts.append(token.map[0])
            tokens.append([])
        tokens[-1].append(token)
    if not tokens:
        return [_Block(text, [])]
    lines = text.splitlines(keepends=True)
    edges = [0, *starts[1:], len(lines)]
    texts = ("".join(lines[start:end]) for start, end in pairwise(edges))
    return [_Block(*each) for each in zip(texts, tokens, strict=True)]


def _trimmed(lines: list[Line]) -> list[Line]:
    """Without the empty lines that Rich puts around some blocks."""
    first, last = 0, len(lines)
    while first < last and not text_of(lines[first]):
        first += 1
    while last > first and not text_of(lines[last - 1]):
        last -= 1
    return lines[first:last]
