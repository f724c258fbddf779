"""Lines of text as they are kept: tens of thousands, of which some dozens are in view."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

Line = tuple[Segment, ...]
"""A Strip is made of it when it is drawn. Of each line one, with its seven caches, would make Python look
through a million objects for garbage, again and again, for half a second each time."""

EMPTY: Line = ()


def line_of(text: str, style: Style | None = None) -> Line:
    """A line in one style."""
    return (Segment(text, style),)


def text_of(line: Line) -> str:
    """What the line says, without the room at its end."""
    return "".join(segment.text for segment in line).rstrip()


def written(line: Line) -> Line:
    """The line without the room at its end."""
    before, last = line[:-1], line[-1:]
    while last and not last[0].text.strip():
        before, last = before[:-1], before[-1:]
    return (*before, *(Segment(each.text.rstrip(), each.style) for each in last))


def indented(segments: Iterable[Segment], indent: int) -> Line:
    """A line as Rich made it, with empty cells before it; neighbours of one style are joined."""
    written = Segment.simplify(segment for segment in segments if segment.text != "\n")
    return (Segment(" " * indent), *written) if indent else tuple(written)
