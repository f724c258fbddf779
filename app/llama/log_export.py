"""Lines of a log, written to a file as they are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from app.llama.log import LogLine
from app.llama.log_book import LogBook

BLOCK_LINES = 4096


async def export(book: LogBook, numbers: Sequence[int], path: Path, as_text: Callable[[LogLine], str]) -> int:
    """Write these lines, as `as_text` makes them, to a new file; returns how many.

    Raises:
        OSError: it exists already, or cannot be written.
    """
    numbers = numbers[:]
    await asyncio.to_thread(path.touch, mode=0o600, exist_ok=False)
    for start in range(0, len(numbers), BLOCK_LINES):
        lines = await book.read(numbers[start : start + BLOCK_LINES])
        await asyncio.to_thread(_append, path, [as_text(line) for line in lines])
    return len(numbers)


def _append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
