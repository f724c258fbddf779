"""What is in the folder that a path names which is being typed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from itertools import islice
from pathlib import Path

from app.text.problem import Problem
from app.ui.deeds.paths import named_path

FRESH_S = 2.0
"""What was read longer ago is read again."""
NAMES_AT_MOST = 5_000


class Folder:
    """One folder at a time, read beside everything else: whoever asks first is told when it has been."""

    def __init__(
        self, begin: Callable[[Coroutine[None, None, None]], None], tell: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._tell = tell
        self._text: str | None = None
        """The folder, as it was typed."""
        self._names: list[str] = []
        self._read_at = 0.0

    def paths(self, begun: str) -> list[str]:
        """The paths that begin so, those of folders with a slash at the end; none until they are read."""
        head, slash, name = begun.rpartition("/")
        text = head + slash
        if text != self._text:
            self._text, self._names, self._read_at = text, [], 0.0
        if time.monotonic() - self._read_at > FRESH_S:
            self._read_at = time.monotonic()
            self._begin(self._read(text))
        fitting = (each for each in self._names if each.startswith(name))
        return [text + each for each in fitting if name or not each.startswith(".")]

    async def _read(self, text: str) -> None:
        names = await asyncio.to_thread(_names_in, text)
        if text == self._text and names != self._names:
            self._names = names
            self._tell()


def _names_in(text: str) -> list[str]:
    try:
        with os.scandir(named_path(text) if text else Path()) as entries:
            first = islice(entries, NAMES_AT_MOST)
            return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in first)
    except (OSError, Problem):
        # Such as a folder that is none, or is not for us: nothing can be offered.
        return []
