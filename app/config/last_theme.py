"""The theme that was wanted last, in a file of its own.

The first picture is drawn before anything is there that could read the settings or the state.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from app.config.disk import read_small, write_private
from app.text.problem import Problem

_LONGEST = 100
"""A longer name is none of a theme, in bytes."""


def last_theme(cache: Path) -> str | None:
    """Its name; None where none is kept. Blocks on the disk."""
    try:
        return read_small(cache / "theme", _LONGEST).decode().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def keep_last_theme(cache: Path, name: str | None) -> None:
    """Keep it for the next start; None: whatever fits the terminal. Blocks on the disk."""
    if last_theme(cache) != name:
        # Losing it costs the next start a moment in other colours, so failing to keep it is no error.
        with suppress(Problem):
            write_private(cache / "theme", (name or "").encode())
