"""Lines of a log as rows of a screen: folded or cut off, with what was searched for in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from app.llama.log import Level, LogLine
from app.ui.plain import plain_line
from app.ui.widgets.folding import fold

KINDS = {Level.ERROR: "error", Level.WARN: "warning", Level.DEBUG: "dim"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one line."""

    number: int
    """Of the line."""
    text: str = ""
    kind: str = "info"
    lead: int = 0
    """So many characters at its start are the time."""


def line_text(line: LogLine) -> str:
    """A line as it is shown and copied: seconds since the start, and what it says."""
    return f"{_lead(line)}{plain_line(line.text)}"


def rows_of(number: int, line: LogLine, width: int, *, wrap: bool, shift: int) -> list[Row]:
    """The rows of a line: folded, or one of which the first `shift` characters are not shown."""
    kind = KINDS.get(line.level, "info") if line.level is not None else "info"
    text, lead = line_text(line), len(_lead(line))
    if not wrap:
        return [Row(number, text[:lead] + text[lead + shift :], kind, lead)]
    folded = fold(text, width, lead)
    return [Row(number, part, kind, 0 if place else lead) for place, part in enumerate(folded)]


def segments(
    row: Row, style: Style, lead: Style, sought: re.Pattern[str] | None, match: Style
) -> Iterator[Segment]:
    """The row in its colours, with every match marked."""
    yield Segment(row.text[: row.lead], lead)
    at = row.lead
    for found in sought.finditer(row.text, row.lead) if sought is not None else ():
        if found.end() > found.start():
            yield Segment(row.text[at : found.start()], style)
            yield Segment(found[0], style + match)
            at = found.end()
    yield Segment(row.text[at:], style)


def _lead(line: LogLine) -> str:
    return "" if line.time_s is None else f"{line.time_s:9.2f} "
