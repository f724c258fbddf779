"""Long lines, folded to a width."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len


def fold(text: str, width: int, hang: int = 0) -> list[str]:
    """The rows that `text` takes at `width` cells, broken at spaces; further rows are indented by `hang`."""
    if width < 1 or cell_len(text) <= width:
        return [text]
    if not text.isascii() and any(cell_len(sign) != 1 for sign in set(text)):
        return list(_chopped(text, width))
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


def _chopped(text: str, width: int) -> Iterator[str]:
    """Rows of at most `width` cells, where a sign may have any width."""
    start = end = used = 0
    while end < len(text):
        used += cell_len(text[end])
        end += 1
        if used <= width and end < len(text):
            continue
        # A sign may also widen the one before it.
        while end - start > 1 and cell_len(text[start:end]) > width:
            end -= 1
        if used > width or end < len(text):
            yield text[start:end]
            start, used = end, 0
    if start < end:
        yield text[start:end]
