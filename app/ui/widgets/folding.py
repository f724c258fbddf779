"""Long lines, folded to a width."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells


def fold(text: str, width: int, hang: int = 0) -> list[str]:
    """The rows that `text` takes at `width` cells, broken at spaces; further rows are indented by `hang`."""
    if width < 1 or cell_len(text) <= width:
        return [text]
    if cell_len(text) != len(text):
        return chop_cells(text, width)
    indent = " " * hang if 2 * hang < width else ""
    rows, start, lead = list[str](), 0, ""
    # By places in the text: to cut the rest off a line of a megabyte row by row takes half a second.
    while len(text) - start > (room := width - len(lead)):
        least = start + max(0, width // 2 - len(lead))
        cut = text.rfind(" ", least, start + room + 1)
        cut = start + room if cut < 0 else cut
        rows.append(lead + text[start:cut].rstrip())
        start, lead = cut, indent
        while text[start : start + 1].isspace():
            start += 1
    rows.append(lead + text[start:])
    return rows
