"""Text that widgets draw line by line, made selectable with the mouse."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget


def selectable(strip: Strip, line: int, widget: Widget) -> Strip:
    """`strip` as line `line` of the text of `widget`: marked where selected, and ready to be selected."""
    selection = widget.text_selection
    span = selection.get_span(line) if selection is not None else None
    if span is not None:
        start, end = span
        strip = _marked(strip, start, strip.cell_length if end < 0 else end, widget)
    return strip.apply_offsets(0, line)


def _marked(strip: Strip, start: int, end: int, widget: Widget) -> Strip:
    style = widget.screen.get_component_rich_style("screen--selection")
    marked = Segment.apply_style(list(strip.crop(start, end)), post_style=style)
    return Strip.join([strip.crop(0, start), Strip(marked), strip.crop(end)])
