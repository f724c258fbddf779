"""How the console looks and greets, kept for the next time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from app.config.last_theme import keep_last_theme
from app.config.state import Layout, StateFile


class Appearance:
    """The layout as it is now, and whether a start welcomes; they and the theme are saved on every change."""

    def __init__(self, state: StateFile, cache: Path, layout: Layout, *, welcomes: bool) -> None:
        self._state = state
        self._cache = cache
        self.layout = layout
        self.welcomes = welcomes
        """Whether a start shows by itself what is missing."""

    async def set_theme(self, name: str) -> None:
        """Keep a theme.

        Raises:
            Problem: the state cannot be written.
        """
        await asyncio.to_thread(self._state.update, lambda state: replace(state, theme=name))

    async def keep_last_theme(self, name: str | None) -> None:
        """Have the first picture of the next start in this theme; None: in the one that fits the terminal."""
        await asyncio.to_thread(keep_last_theme, self._cache, name)

    async def set_layout(self, layout: Layout) -> None:
        """Keep a layout.

        Raises:
            Problem: the state cannot be written; the layout counts until the end of this program.
        """
        self.layout = layout
        await asyncio.to_thread(self._state.update, lambda state: replace(state, layout=layout))

    async def skip_welcome(self) -> None:
        """Welcome nobody any more.

        Raises:
            Problem: the state cannot be written; it counts until the end of this program.
        """
        self.welcomes = False
        await asyncio.to_thread(self._state.update, lambda state: replace(state, welcome_skipped=True))
