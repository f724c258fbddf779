"""A share in one line of text."""

from __future__ import annotations


def bar(share: float, width: int) -> tuple[str, str]:
    """The part of a bar that is full, and the part that is not; `share` is of 1."""
    full = max(0, min(width, round(share * width)))
    return "━" * full, "─" * (width - full)
