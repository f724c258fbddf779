"""A share, or several, in one line of text."""

from __future__ import annotations

from collections.abc import Sequence


def bar(share: float, width: int) -> tuple[str, str]:
    """The part of a bar that is full, and the part that is not; `share` is of 1."""
    full = max(0, min(width, round(share * width)))
    return "━" * full, "─" * (width - full)


def divided(sizes: Sequence[int], width: int) -> list[int]:
    """How many cells of a bar each size gets: what is there at all has one, while there are enough."""
    whole = sum(sizes)
    if not whole:
        return [0] * len(sizes)
    cells = [max(size * width // whole, min(size, 1)) for size in sizes]
    # What rounding leaves over goes to those that it took most from, what is too much comes from the largest.
    for place in sorted(range(len(sizes)), key=lambda p: cells[p] - sizes[p] * width / whole):
        cells[place] += sum(cells) < width and sizes[place] > 0
    while sum(cells) > width:
        cells[cells.index(max(cells))] -= 1
    return cells
