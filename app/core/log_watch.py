"""Follows the log of a coordinator: numbers its lines, learns from them, keeps the disk free of old ones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from app.core.events import CoordinatorChange, Severity, Teller
from app.core.loading import Loading
from app.core.requests import Requests, RequestsChanged
from app.llama.log_book import LogBook
from app.llama.log_reader import read_facts
from app.llama.log_room import MARGIN_BYTES, keep_newest

POLL_S = 0.1
IDLE_POLL_S = 0.5
LOOK_AT_ROOM_BYTES = MARGIN_BYTES // 4
"""Of new text between two looks at how much of the disk the log takes."""


@dataclass(frozen=True, slots=True)
class LogGrew(CoordinatorChange):
    """The log has more lines, or is another one."""

    book: LogBook


class LogWatch:
    """Reads on as fast as the log grows; every reader looks at the same numbered lines."""

    def __init__(self, bus: Teller, book: LogBook, loading: Loading | None) -> None:
        self.book = book
        self._bus = bus
        self._loading = loading
        """None for a load that is over."""
        self.requests = Requests()
        self.is_abreast = False
        """Whether all that was there has been read once."""
        self._untaken = b""
        """Of the book, but not learnt from yet: whoever reads on after a cancellation begins with it."""
        self._room_looked_at = 0

    async def follow(self) -> None:
        """Read on until cancelled, or until the log cannot be read."""
        pause = POLL_S
        try:
            await self.book.skip_to(await asyncio.to_thread(keep_newest, self.book.path))
            while True:
                if await self._read_on():
                    pause = POLL_S
                else:
                    await asyncio.sleep(pause)
                    pause = min(IDLE_POLL_S, pause * 1.2)
        except OSError as error:
            self._bus.say("coordinator", f"its log cannot be read: {error.strerror}", Severity.WARNING)

    async def catch_up(self) -> None:
        """Read what was written since the last look; `follow` has told where that is not possible."""
        with suppress(OSError):
            while await self._read_on():
                pass

    async def finish(self) -> None:
        """Read what is left of a log that nobody writes any more."""
        while await self._read_on(to_the_last_byte=True):
            pass
        if self.requests.break_off():
            self._bus.publish(RequestsChanged(self.requests.latest))

    async def _read_on(self, *, to_the_last_byte: bool = False) -> bool:
        """Take the next lines in; whether there were any."""
        self._untaken = self._untaken or await self.book.grow(to_the_last_byte=to_the_last_byte)
        if not self._untaken:
            self.is_abreast = True
            return False
        told = False
        facts = await asyncio.to_thread(read_facts, self._untaken)
        self._untaken = b""
        for line, fact in facts:
            told |= self.requests.take(line, fact)
            if self._loading is not None:
                self._loading.take(line, fact)
        if told:
            self._bus.publish(RequestsChanged(self.requests.latest))
        self._bus.publish(LogGrew(self.book))
        if self.book.size - self._room_looked_at > LOOK_AT_ROOM_BYTES:
            await self._make_room()
        return True

    async def _make_room(self) -> None:
        self._room_looked_at = self.book.size
        newest = await asyncio.to_thread(keep_newest, self.book.path)
        self.book.forget_bytes(newest)
