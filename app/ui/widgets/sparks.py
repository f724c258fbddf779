"""A history in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"


def sparks(values: Sequence[float | None], width: int, *, top: float | None = None) -> str:
    """The newest `width` values as bars from 0 to `top`, or to the greatest of them; a gap for None.

    Right-aligned: what is not known yet is empty at the left.
    """
    newest = list(values)[-width:] if width > 0 else []
    known = [value for value in newest if value is not None]
    scale = top or max(known, default=0) or 1
    return "".join(" " if value is None else _bar(value / scale) for value in newest).rjust(max(width, 0))


def _bar(share: float) -> str:
    return LEVELS[min(len(LEVELS) - 1, max(0, int(share * len(LEVELS))))]
