"""Markdown that grows is drawn as if it had come whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax

from app.ui.plain import plain_text
from app.ui.widgets import code
from app.ui.widgets.code import CodeLook, syntax
from app.ui.widgets.lines import text_of
from app.ui.widgets.markdown import GrowingMarkdown, MarkdownLook, _Block

LOOK = MarkdownLook(40, {"markdown.code": Style(bold=True)}, CodeLook("monokai", "#222222"))
BLOCKS = (
    "# Title\n",
    "A paragraph that is so long that it has to be folded at forty cells.\n",
    "- one\n- two\n  1. deep\n",
    "```python\ndef f() -> int:\n    return 1\n```\n",
    "~~~~ c\n\n/* a\n~~~\nb */\n~~~~x\n~~~~~ \n",
    "  ```sh\n  ls\n  ```\n",
    "- ```\n  in a list\n  ```\n",
    "```\n" + "\n".join(f"line {n}" if n % 7 else "" for n in range(150)) + "\n\n```\n",
    "| a | b |\n|---|--:|\n| 1 | 2 |\n",
    "> quoted\n",
    "Set\next heading\n===\n",
    "    indented code\n",
    "***\n",
    "<div>\n\nhtml\n",
    "[a link][named]\n\n[named]: http://x.example\n",
    "\n\n",
    "+ loose\n\n+ list\n\n  of two\n",
    "".join(f"- item {n}\n" for n in range(300)),
    "| n | square |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(200)),
    "many words " * 400 + "\n",
)


def drawn(source: str, *cuts: int) -> list[str]:
    """The lines of `source`, given piece by piece."""
    markdown = GrowingMarkdown(Console(width=80), LOOK)
    for cut in sorted(cuts):
        markdown.lines(source[:cut])
    return [text_of(line) for line in markdown.lines(source)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(BLOCKS), max_size=6).map("\n".join), st.data())
def test_pieces_make_the_same_as_the_whole(source: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(source)), max_size=8))
    assert drawn(source, *cuts) == drawn(source)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_can_be_drawn(source: str) -> None:
    for line in drawn(plain_text(source)):
        assert all(sign.isprintable() or sign.isspace() or ord(sign) > 0x9F for sign in line)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a <b>bold</b> word", ["a <b>bold</b> word"]),
        ("<div>block</div>", ["<div>block</div>"]),
        ("![cat](http://x.example/cat.png)", ["!cat (http://x.example/cat.png)"]),
        ("[here](http://x.example)", ["here (http://x.example)"]),
        ("[here][x]\n\n[x]: http://x.example", ["[here][x]", "", "[x]: http://x.example"]),
        ("# Left\n\ntext", ["Left", "", "text"]),
        ("```\nno end", [" no end"]),
        ("```nosuchlanguage\nx\n```", [" x"]),
    ],
)
def test_nothing_that_was_written_is_hidden(source: str, lines: list[str]) -> None:
    assert drawn(source) == lines


def test_a_growing_fence_is_highlighted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    highlighted: list[str] = []

    def counted(portion: str, language: str, look: CodeLook) -> Syntax:
        highlighted.append(portion)
        return syntax(portion, language, look)

    monkeypatch.setattr(code, "syntax", counted)
    source = "```python\n" + "".join(f"x{n} = [{n}, 'text']\n" for n in range(1_000)) + "```\n\nEnd."
    markdown = GrowingMarkdown(Console(width=80), LOOK)
    for end in range(0, len(source), 400):
        markdown.lines(source[:end])
    assert len(markdown.lines(source)) == 1_002
    assert max(portion.count("\n") for portion in highlighted) < code.MOST_LINES
    assert sum("x0 = " in portion for portion in highlighted) <= 6


def test_settled_blocks_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    markdown = GrowingMarkdown(Console(width=80), LOOK)
    blocks: list[str] = []
    draw = markdown._draw

    def counted(block: _Block) -> object:
        blocks.append(block.text)
        return draw(block)

    monkeypatch.setattr(markdown, "_draw", counted)
    source = "".join(f"Paragraph {n}.\n\n" for n in range(50))
    for end in range(0, len(source), 7):
        markdown.lines(source[:end])
    assert sum("Paragraph 0.\n" in block for block in blocks) <= 2
    assert max(map(len, blocks)) < 40
