"""Lines of text as they are kept: tens of thousands, of which some dozens are in view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.segment import Segment
from rich.style import Style

Line = tuple[str, tuple[int, ...]]
"""A text, and for each run of it how long it is and the number of its style.

Nothing in it can be part of a cycle. Of segments, and more so of strips with their seven caches, Python
would look through a million for garbage again and again, for half a second each time.
"""

EMPTY: Line = ("", ())

_STYLES = list[Style | None]()
_NUMBERS = dict[Style | None, int]()
"""Every style that was ever drawn with: those of a few themes."""


def packed(segments: Iterable[Segment]) -> Line:
    """These segments, one after the other."""
    kept = list(segments)
    runs = (each for text, style, _ in kept for each in (len(text), _number(style)))
    return "".join(segment.text for segment in kept), tuple(runs)


def unpacked(line: Line) -> Iterator[Segment]:
    """The segments of a line; runs that are cut off at its end are left out."""
    text, runs = line
    start = 0
    for length, style in zip(runs[::2], runs[1::2], strict=True):
        if start < len(text):
            yield Segment(text[start : start + length], _STYLES[style])
        start += length


def line_of(text: str, style: Style | None = None) -> Line:
    """A line in one style."""
    return text, (len(text), _number(style))


def text_of(line: Line) -> str:
    """What the line says, without the room at its end."""
    return line[0].rstrip()


def with_end(line: Line, end: Segment) -> Line:
    """The line with `end` in place of the room at its end."""
    text, runs = line
    return packed((*unpacked((text.rstrip(), runs)), end))


def indented(segments: Iterable[Segment], indent: int) -> Line:
    """A line as Rich made it, with empty cells before it; neighbours of one style are joined."""
    written = Segment.simplify(segment for segment in segments if segment.text != "\n")
    return packed((Segment(" " * indent), *written) if indent else written)


def _number(style: Style | None) -> int:
    number = _NUMBERS.setdefault(style, len(_STYLES))
    if number == len(_STYLES):
        _STYLES.append(style)
    return number
