"""What clicks mean in every list."""

from __future__ import annotations

from textual.events import Click
from textual.widget import Widget


async def open_by_two_clicks(widget: Widget, event: Click, command: str) -> None:
    """Carry out `command` on what was clicked twice; one click only goes there."""
    is_heading = event.style.meta.get("row", 0) < 0
    if event.chain > 1 and not is_heading:
        await widget.app.run_action(f"screen.command('{command}')", widget)
