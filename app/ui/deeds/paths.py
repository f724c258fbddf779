"""Files that are named in a command."""

from __future__ import annotations

from pathlib import Path

from app.text.problem import Problem


def named_path(text: str) -> Path:
    """The path that was typed; `~` is a home.

    Raises:
        Problem: it is the home of nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise Problem(f"There is no home for '{text}'.", "Name the path from / on.") from None
