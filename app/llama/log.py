"""Log lines of llama-server, made safe and understood."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

MAX_LINE_BYTES = 4096
"""What of a line is kept; a chat template or a list of tokens can be far longer."""
HEAD_BYTES = 131_072
"""Enough for everything from the start to the first request."""
TAIL_BYTES = 262_144

COMPONENT = r"(\w{1,40})(?::| +[\w()]+:)"
"""How a text begins that tells which part of llama-server says it."""

_COMPONENT = re.compile(COMPONENT)
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

    @property
    def component(self) -> str:
        """The part of llama-server that says it, such as `slot`; empty where that is not told."""
        match = _COMPONENT.match(self.text)
        return match[1] if match else ""


class _Record(msgspec.Struct):
    """A line of `--log-jsonl` (llama.cpp/common/log.cpp); other types of record have no message."""

    msg: str
    time: float
    level: str = ""


_records = msgspec.json.Decoder(_Record)


def parse_lines(raw: bytes) -> list[LogLine]:
    """Understand many lines, each ended by a newline; where all are records, far faster than one by one."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        records = _records.decode_lines(raw)
        if len(records) == raw.count(b"\n"):
            return [_line_of(record) for record in records]
    return [parse_line(line.decode("utf-8", "replace")) for line in raw.split(b"\n")[:-1]]


def parse_line(raw: str) -> LogLine:
    """Understand a JSON record, a line with llama.cpp's text prefix, or a bare line; never fails."""
    raw = raw[:MAX_LINE_BYTES]
    if raw.startswith("{"):
        try:
            return _line_of(_records.decode(raw.encode("utf-8", "replace")))
        except msgspec.DecodeError:
            # Other records are for programs; a line of braces that is none may be anything.
            return LogLine(None, Level.INFO if raw.startswith('{"type":"') else None, _safe(raw))
    prefixed = _TEXT_PREFIX.match(_ANSI_SEQUENCE.sub("", raw))
    if prefixed is None:
        return LogLine(None, None, _safe(raw))
    minutes, seconds, millis, micros, letter, text = prefixed.groups()
    time_s = int(minutes) * 60 + int(seconds) + int(millis + micros) / _PER_SECOND
    return LogLine(time_s, _LEVELS[letter], _safe(text))


def _line_of(record: _Record) -> LogLine:
    text = _safe(record.msg[:MAX_LINE_BYTES])
    return LogLine(record.time / _PER_SECOND, _LEVELS.get(record.level), text)


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


def _safe(text: str) -> str:
    text = text.rstrip()
    # Nearly every line is: asking is far cheaper than replacing.
    return text if text.isprintable() else _UNSAFE.sub(" ", _ANSI_SEQUENCE.sub("", text)).rstrip()
