"""Text that widgets draw line by line, made selectable with the mouse."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget


def selectable(strip: Strip, line: int, widget: Widget) -> Strip:
    """`strip` as line `line` of the text of `widget`: marked where selected, and ready to be selected."""
    selection = widget.text_selection
    span = selection.get_span(line) if selection is not None else None
    if span is not None:
        start, end = span
        style = widget.screen.get_component_rich_style("screen--selection")
        strip = _marked(strip, start, strip.cell_length if end < 0 else end, style)
    return strip.apply_offsets(0, line)


def with_matches(strip: Strip, pattern: re.Pattern[str], style: Style) -> Strip:
    """`strip` with every match marked."""
    text = strip.text
    for found in pattern.finditer(text):
        if found[0]:
            start = cell_len(text[: found.start()])
            strip = _marked(strip, start, start + cell_len(found[0]), style)
    return strip


def _marked(strip: Strip, start: int, end: int, style: Style) -> Strip:
    marked = Segment.apply_style(list(strip.crop(start, end)), post_style=style)
    return Strip.join([strip.crop(0, start), Strip(marked), strip.crop(end)])
