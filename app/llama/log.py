"""Log lines of llama-server: one line made safe and understood, and the file that they are read from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiofiles
import aiofiles.os
import msgspec
from aiofiles.threadpool.binary import AsyncBufferedReader

MAX_LINE_BYTES = 4096
"""What of a line is kept; a chat template or a list of tokens can be far longer."""
READ_BYTES = 65_536
HEAD_BYTES = 131_072
"""Enough for everything from the start to the first request."""
TAIL_BYTES = 262_144

_PER_SECOND = 1_000_000
_TEXT_PREFIX = re.compile(r"(\d{1,9})\.(\d\d)\.(\d{3})\.(\d{3}) ([DIWE]) ?(.*)", re.DOTALL)
_ANSI_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
"""What could move the cursor, turn the direction of writing, or not be written at all."""


class Level(StrEnum):
    """How serious llama-server thinks a line is."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


_LEVELS = {name: level for level in Level for name in (level.value, level.value[0].upper())}
"""By the name in a record, and by the letter in a text prefix."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log, safe to show."""

    time_s: float | None
    """Seconds since the process started; None for what bypassed its logger, such as an abort message."""
    level: Level | None
    text: str


class _Record(msgspec.Struct):
    """A line of `--log-jsonl` (llama.cpp/common/log.cpp); other types of record have no message."""

    msg: str
    time: float
    level: str = ""


_decode_record = msgspec.json.Decoder(_Record).decode


def parse_line(raw: str) -> LogLine:
    """Understand a JSON record, a line with llama.cpp's text prefix, or a bare line; never fails."""
    raw = raw[:MAX_LINE_BYTES]
    if raw.startswith("{"):
        try:
            record = _decode_record(raw.encode("utf-8", "replace"))
        except msgspec.DecodeError:
            return LogLine(None, None, _safe(raw))
        return LogLine(record.time / _PER_SECOND, _LEVELS.get(record.level), _safe(record.msg))
    prefixed = _TEXT_PREFIX.match(_ANSI_SEQUENCE.sub("", raw))
    if prefixed is None:
        return LogLine(None, None, _safe(raw))
    minutes, seconds, millis, micros, letter, text = prefixed.groups()
    time_s = int(minutes) * 60 + int(seconds) + int(millis + micros) / _PER_SECOND
    return LogLine(time_s, _LEVELS[letter], _safe(text))


def read_log(path: Path) -> list[str]:
    """The lines of a log from its start and from its end, without a long middle and without blank ones.

    Blocks on the disk.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as log:
        assembler = LineAssembler()
        head = log.read(HEAD_BYTES)
        lines = assembler.feed(head)
        size = log.seek(0, 2)
        if size - TAIL_BYTES > len(head):
            log.seek(size - TAIL_BYTES)
            assembler.skip_to_next_line()
        else:
            log.seek(len(head))
        lines += assembler.feed(log.read(TAIL_BYTES) + b"\n")
        return [line for line in lines if line]


async def tail(path: Path, *, from_end: bool = False, poll_s: float = 0.1) -> AsyncGenerator[list[str], None]:
    """Follow a log: batches of its complete lines as they are written, for as long as it is iterated.

    Waits for a file that does not exist yet, and starts again at the beginning of one that was replaced or
    cut. What follows the last newline is held back until its line is complete.

    Raises:
        OSError: it exists but cannot be read.
    """
    while True:
        try:
            log = await aiofiles.open(path, "rb")
        except FileNotFoundError:
            await asyncio.sleep(poll_s)
            continue
        try:
            async with aclosing(_follow(path, log, from_end, poll_s)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            await log.close()
        from_end = False


class LineAssembler:
    """Puts lines together from pieces of any size; of a line too long, only the start is kept."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._skipping = False

    def feed(self, piece: bytes) -> list[str]:
        """The lines that are complete now, without their ends."""
        *ends, rest = piece.split(b"\n")
        lines = []
        for end in ends:
            self._append(end)
            if not self._skipping:
                lines.append(self._partial.decode("utf-8", "replace").removesuffix("\r"))
            self._partial.clear()
            self._skipping = False
        self._append(rest)
        return lines

    def skip_to_next_line(self) -> None:
        """What comes next is the rest of a line whose start is not known."""
        self._partial.clear()
        self._skipping = True

    def _append(self, piece: bytes) -> None:
        if not self._skipping:
            self._partial += piece[: MAX_LINE_BYTES - len(self._partial)]


async def _follow(
    path: Path, log: AsyncBufferedReader, from_end: bool, poll_s: float
) -> AsyncGenerator[list[str], None]:
    """The lines of one open file, until another one is in its place."""
    assembler = LineAssembler()
    position = 0
    if from_end and (size := await log.seek(0, 2)) > 0:
        await log.seek(size - 1)
        position = size
        if await log.read(1) != b"\n":
            assembler.skip_to_next_line()
    while True:
        piece = await log.read(READ_BYTES)
        position += len(piece)
        if lines := assembler.feed(piece):
            yield lines
        if not piece:
            if await _is_replaced(path, log, position):
                return
            await asyncio.sleep(poll_s)


async def _is_replaced(path: Path, log: AsyncBufferedReader, position: int) -> bool:
    ours = await aiofiles.os.stat(log.fileno())
    try:
        current = await aiofiles.os.stat(path)
    except FileNotFoundError:
        return False
    return (current.st_dev, current.st_ino) != (ours.st_dev, ours.st_ino) or ours.st_size < position


def _safe(text: str) -> str:
    return _UNSAFE.sub(" ", _ANSI_SEQUENCE.sub("", text)).rstrip()
