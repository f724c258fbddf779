"""Markdown that grows at its end: what is settled is drawn once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.theme import Theme
from textual.strip import Strip


@dataclass(frozen=True, slots=True)
class MarkdownLook:
    """How Markdown is drawn."""

    width: int
    styles: Mapping[str, Style]
    """Over Rich's own styles, by their names: `markdown.code`, `markdown.h1`, …"""
    code_theme: str
    """Name of a Pygments style."""
    code_background: str


class _PlainHeading(Heading):
    """A heading at the left, as text has it; Rich puts the largest ones in the middle of a box."""

    LEVEL_ALIGN = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    """A block of code on a ground of its own, folded where it is too long."""

    background = "default"

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _Code:
        made = super().create(markdown, token)
        assert isinstance(made, cls)
        assert isinstance(markdown, _Markdown)
        made.background = markdown.code_background
        return made

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Syntax(
            str(self.text).rstrip(),
            self.lexer_name,
            theme=self.theme,
            word_wrap=True,
            padding=(0, 1),
            background_color=self.background,
        )


class _Markdown(Markdown):
    """Rich's Markdown, but for what hides text: HTML is shown as it is written, images as links."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _PlainHeading,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, source: str, look: MarkdownLook) -> None:
        super().__init__("", code_theme=look.code_theme, hyperlinks=False)
        self.code_background = look.code_background
        self.parsed = PARSER.parse(source)


PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable("image")


class GrowingMarkdown:
    """The strips of a Markdown text that only ever grows.

    All blocks but the last are settled: what comes later cannot change them, so they are drawn once. (A link
    whose target is defined in a later block is the one exception; it stays as it was written.)
    """

    def __init__(self, console: Console, look: MarkdownLook) -> None:
        self._console = console
        self._look = look
        self._theme = Theme(look.styles)
        self._settled = 0
        """So many characters of the source are settled."""
        self._settled_strips: list[Strip] = []

    def strips(self, source: str) -> list[Strip]:
        """The lines of `source`, which begins with what was given before."""
        *done, last = _blocks(source[self._settled :])
        for block in done:
            self._settled_strips = _joined(self._settled_strips, self._draw(block))
            self._settled += len(block)
        return _joined(self._settled_strips, self._draw(last))

    def _draw(self, text: str) -> list[Strip]:
        if not text.strip():
            return []
        width = max(1, self._look.width)
        options = self._console.options.update(width=width, height=None)
        with self._console.use_theme(self._theme):
            lines = self._console.render_lines(_Markdown(text, self._look), options, pad=False)
        return _trimmed([Strip(_without_ends(line)) for line in lines])


def _blocks(text: str) -> list[str]:
    """The top-level blocks of `text`, which they add up to."""
    lines = text.split("\n")
    starts = [token.map[0] for token in PARSER.parse(text) if token.level == 0 and token.map]
    edges = [0, *starts[1:], len(lines)]
    parts = ["\n".join(lines[start:end]) for start, end in pairwise(edges)]
    return [f"{part}\n" for part in parts[:-1]] + parts[-1:]


def _without_ends(line: list[Segment]) -> list[Segment]:
    return [segment for segment in line if segment.text != "\n"]


def _trimmed(strips: list[Strip]) -> list[Strip]:
    """Without the empty lines that Rich puts around some blocks."""
    filled = [i for i, strip in enumerate(strips) if strip.text.strip()]
    return strips[filled[0] : filled[-1] + 1] if filled else []


def _joined(above: list[Strip], below: list[Strip]) -> list[Strip]:
    """Two blocks, with an empty line between them."""
    return [*above, Strip([]), *below] if above and below else [*above, *below]
