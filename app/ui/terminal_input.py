"""What a terminal sends, read when it comes: Textual itself looks for it ten times a second."""

from __future__ import annotations

import math
import os
import select
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import suppress

from textual._parser import ParseError
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.message import Message

_PIECE_BYTES = 4096


class TerminalInput:
    """The input of one terminal, for one thread; `end` may be called by another one."""

    def __init__(self, fileno: int, *, debug: bool = False) -> None:
        self._fileno = fileno
        self._parser = XTermParser(debug)
        self._end = os.eventfd(0)
        self._poll = select.poll()
        for each in (fileno, self._end):
            self._poll.register(each, select.POLLIN)

    def end(self) -> None:
        """Let `messages` come to its end."""
        os.eventfd_write(self._end, 1)

    def close(self) -> None:
        """Give back what is held; `messages` has ended before."""
        os.close(self._end)

    def messages(self) -> Iterator[Message]:
        """Keys, mouse and the rest as they come, until the end or until the terminal has gone."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        while self._end not in (ready := self._wait()):
            if self._fileno in ready:
                if not (piece := self._read()):
                    break
                if text := decode(piece):
                    yield from self._parser.feed(text)
            yield from self._parser.tick()
        with suppress(EOFError, ParseError):
            yield from self._parser.feed("")

    def _read(self) -> bytes:
        """Nothing where the terminal has gone."""
        try:
            return os.read(self._fileno, _PIECE_BYTES)
        except OSError:
            return b""

    def _wait(self) -> set[int]:
        """The files that can be read; none where nothing has followed on Escape, which then is a key."""
        until = self._parser._timeout_time
        wait_ms = None if until is None else max(0, math.ceil((until - get_time()) * 1000))
        return {file for file, _ in self._poll.poll(wait_ms)}
