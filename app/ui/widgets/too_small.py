"""What is shown instead of everything where the terminal is too small for it."""

from __future__ import annotations

from textual.geometry import Size
from textual.widget import Widget

LEAST = Size(40, 10)
"""What the console needs."""
_BY = "\N{MULTIPLICATION SIGN}"


def is_too_small(size: Size) -> bool:
    """Whether nothing of use can be shown at this size."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmall(Widget):
    """One sentence over a whole screen; all under it stays as it is, the focus included."""

    DEFAULT_CSS = """
    TooSmall { layer: over; dock: top; width: 100vw; height: 100vh; background: $background; }
    """

    def render(self) -> str:
        """What is needed, and what there is."""
        width, height = self.app.size
        return f"{LEAST.width}{_BY}{LEAST.height} is needed; this is {width}{_BY}{height}."
