"""Which lines of a log are wanted: by level, by component, by what they say."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from dataclasses import dataclass

from app.llama.log import Level, LogLine
from app.llama.log_book import LogBook

BLOCK_LINES = 4096
"""Looked at in one go; takes some 10 ms."""

_RANKS = {level: rank for rank, level in enumerate(Level)}


def pattern_of(text: str) -> re.Pattern[str]:
    """A regular expression, else the very text; case counts only where there is a capital."""
    flags = re.NOFLAG if any(sign.isupper() for sign in text) else re.IGNORECASE
    try:
        return re.compile(text, flags)
    except re.error:
        return re.compile(re.escape(text), flags)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line must be, and say, to be shown."""

    level: Level = Level.DEBUG
    """At least so serious. What bypassed the logger, such as an abort, always is."""
    component: str = ""
    """The part of llama-server that speaks."""
    pattern: re.Pattern[str] | None = None

    @property
    def everything(self) -> bool:
        """Whether no line is left out."""
        return self == Wanted()

    def admits(self, line: LogLine) -> bool:
        """Whether this line is wanted."""
        if line.level is not None and _RANKS[line.level] < _RANKS[self.level]:
            return False
        if self.component and line.component != self.component:
            return False
        return self.pattern is None or self.pattern.search(line.text) is not None


class Sieve:
    """The numbers of the wanted lines of a log, found block by block and kept up as the log grows."""

    def __init__(self, book: LogBook, *wanted: Wanted) -> None:
        self._book = book
        self._wanted = wanted
        """All of these."""
        self._next = book.first
        self.numbers = array("Q")

    @property
    def behind(self) -> int:
        """How many lines have not been looked at yet."""
        return self._book.end - max(self._next, self._book.first)

    async def look(self) -> bool:
        """Look at the next block; whether there was one."""
        first = max(self._next, self._book.first)
        count = min(BLOCK_LINES, self._book.end - first)
        found = await self._book.find(first, count, self._is_wanted) if count else []
        self._next = first + count
        self.numbers.extend(found)
        del self.numbers[: bisect_left(self.numbers, self._book.first)]
        return count > 0

    def _is_wanted(self, line: LogLine) -> bool:
        return all(wanted.admits(line) for wanted in self._wanted)
