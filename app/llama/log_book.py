"""A log as numbered lines: where each begins is kept in memory, what it says stays on the disk."""

from __future__ import annotations

import asyncio
import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from app.llama.log import COMPONENT, MAX_LINE_BYTES, LogLine, parse_line, parse_lines

PIECE_BYTES = 1 << 16
"""Read at once: some 400 lines, which take a millisecond of everybody."""
LINES_KEPT = 1_000_000
"""Eight bytes each."""
COMPONENTS_KEPT = 200

_TIMELESS_LINES = 50
_LINE_BYTES = 2 * MAX_LINE_BYTES
"""More than what is shown of a line, as records escape much of their text."""

_COMPONENT = re.compile(rb'(?:"msg": ?"|^[\d.]{8,20} [DIWE] )' + COMPONENT.encode(), re.MULTILINE)


_Span = tuple[int, int]
"""From where to where in a file."""


class _Mark(NamedTuple):
    """How far which file was read."""

    file: tuple[int, int] | None = None
    """Its device and number, as another one can take its name."""
    position: int = 0


class _Piece(NamedTuple):
    """What was read at once."""

    start: int
    end: _Mark
    text: bytes = b""
    lines: Sequence[int] = ()
    """Where they begin in the file."""
    components: Mapping[str, None] = MappingProxyType({})


class LogBook:
    """The lines of one log file, numbered from 0 on as they came; of too many, the oldest are forgotten.

    A file that is cut, or replaced by another, goes on with its next line.
    """

    def __init__(self, path: Path, lines_kept: int = LINES_KEPT) -> None:
        self.path = path
        self.first = 0
        """The oldest line that can be read."""
        self.components: dict[str, None] = {}
        """The parts of llama-server that have said something, in the order of their first word."""
        self._lines_kept = lines_kept
        self._starts = array("Q")
        self._read = _Mark()

    @property
    def end(self) -> int:
        """One more than the newest line."""
        return self.first + len(self._starts)

    @property
    def numbers(self) -> range:
        """Every line that can be read."""
        return range(self.first, self.end)

    @property
    def size(self) -> int:
        """Bytes of the file that have been read."""
        return self._read.position

    async def grow(self, *, to_the_last_byte: bool = False) -> bytes:
        """Number the next lines of the file, and return them as they stand there; nothing where none came.

        A line without its newline waits, unless the file ends `to_the_last_byte`.
        """
        piece = await asyncio.to_thread(_read_on, self.path, self._read, to_the_last_byte=to_the_last_byte)
        if piece.start < self._read.position:
            self.forget(self.end)
        self._read = piece.end
        self._starts.extend(piece.lines)
        if len(self.components) < COMPONENTS_KEPT:
            self.components.update(piece.components)
        if len(self._starts) > self._lines_kept * 1.05:
            self.forget(self.end - self._lines_kept)
        return piece.text

    async def skip_to(self, position: int) -> None:
        """Begin with the first line that starts after this place in the file."""
        if position > 0:
            self._read = _Mark(None, position)
            await self.grow()
            self.forget(self.first + 1)

    async def read(self, numbers: Sequence[int]) -> list[LogLine]:
        """What these lines say; empty ones where they are gone."""
        spans = [self._span(number) for number in numbers]
        return await asyncio.to_thread(_read_spans, self.path, spans)

    async def find(self, first: int, count: int, is_wanted: Callable[[LogLine], bool]) -> list[int]:
        """Which of `count` lines from `first` on are wanted; `is_wanted` runs in a thread."""
        start, _ = self._span(first)
        _, end = self._span(min(first + count, self.end) - 1)
        places = await asyncio.to_thread(_find, self.path, (start, end), is_wanted)
        return [first + place for place in places]

    async def at(self, seconds: float) -> int:
        """The first line from so many seconds after the start on; the newest where all came before."""
        low, high = self.first, self.end
        while low < high:
            middle = (low + high) // 2
            # What bypassed the logger tells no time: the next line that does is of about the same.
            near = await self.read(range(middle, min(high, middle + _TIMELESS_LINES)))
            times = [line.time_s for line in near if line.time_s is not None]
            if times and times[0] < seconds:
                low = middle + 1
            else:
                high = middle
        return min(low, self.end - 1)

    def forget(self, before: int) -> None:
        """Let go of the lines before this one."""
        gone = max(0, min(before, self.end) - self.first)
        del self._starts[:gone]
        self.first += gone

    def forget_bytes(self, before: int) -> None:
        """Let go of the lines that begin before this place in the file."""
        self.forget(self.first + bisect_left(self._starts, before))

    def _span(self, number: int) -> _Span:
        """From where to where the line is in the file."""
        place = number - self.first
        if not 0 <= place < len(self._starts):
            return (0, 0)
        is_newest = place + 1 == len(self._starts)
        return self._starts[place], self._read.position if is_newest else self._starts[place + 1]


def _read_on(path: Path, mark: _Mark, *, to_the_last_byte: bool) -> _Piece:
    """The next whole lines after `mark`, or from the start of a file that is another or was cut."""
    try:
        log = path.open("rb", buffering=0)
    except FileNotFoundError:
        return _Piece(mark.position, mark)
    with log:
        now = os.fstat(log.fileno())
        file = (now.st_dev, now.st_ino)
        goes_on = mark.file in (None, file) and mark.position <= now.st_size
        start = mark.position if goes_on else 0
        text = os.pread(log.fileno(), PIECE_BYTES, start) if start < now.st_size else b""
    whole = text.rfind(b"\n") + 1
    if to_the_last_byte or (not whole and len(text) == PIECE_BYTES):
        whole = len(text)
    return _understand(start, _Mark(file, start + whole), text[:whole])


def _understand(start: int, end: _Mark, text: bytes) -> _Piece:
    *whole, rest = text.split(b"\n")
    lengths = [len(line) + 1 for line in (*whole, *([rest] if rest else ()))]
    components = dict.fromkeys(name.decode() for name in _COMPONENT.findall(text))
    return _Piece(start, end, text, list(accumulate(lengths, initial=start))[:-1], components)


def _find(path: Path, span: _Span, is_wanted: Callable[[LogLine], bool]) -> list[int]:
    start, end = span
    with suppress(OSError), path.open("rb", buffering=0) as log:
        block = os.pread(log.fileno(), end - start, start)
        lines = parse_lines(block if block.endswith(b"\n") else block + b"\n")
        return [place for place, line in enumerate(lines) if is_wanted(line)]
    return []


def _read_spans(path: Path, spans: Sequence[_Span]) -> list[LogLine]:
    with suppress(OSError), path.open("rb", buffering=0) as log:
        pieces = (os.pread(log.fileno(), min(end - start, _LINE_BYTES), start) for start, end in spans)
        return [parse_line(piece.rstrip(b"\n").decode("utf-8", "replace")) for piece in pieces]
    return [LogLine(None, None, "")] * len(spans)
