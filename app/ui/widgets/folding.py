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
    rows, room, rest = list[str](), width, text
    while len(rest) > room:
        cut = rest.rfind(" ", room // 2, room + 1)
        cut = room if cut < 0 else cut
        rows.append(rest[:cut].rstrip())
        rest = indent + rest[cut:].lstrip()
    rows.append(rest)
    return rows
