"""Keys that come faster than they are carried out: each waits until the one before has done its work.

Textual hands a key to whatever has the focus when it arrives. On a laggy line, or from a program that types,
a key that opens something and the keys meant for it come in one piece, and all would go to what had the focus
before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.events import Key, Paste
from textual.message_pump import MessagePump
from textual.worker import Worker

if TYPE_CHECKING:
    from app.ui.app import ConsoleApp

PATIENCE_S = 0.25
"""What a key has begun and that shows nothing by then is slow, such as a sweep: no key waits for that."""
STUCK_S = 5.0
"""Whoever has not even looked at a key by then never will; a box that is very busy takes a tenth of it."""
ANSWERING = "answer"
"""The group of work that takes long, and moves no focus."""
MOST_WAITING = 10_000
"""More than anybody types ahead; what a program types beyond that is dropped."""


class TypedAhead:
    """Passes keys on to the console, one after the other; belongs to its event loop."""

    def __init__(self, console: ConsoleApp) -> None:
        self._console = console
        self._waiting: deque[Key | Paste] = deque()
        self._passing: asyncio.Task[None] | None = None
        self._screen_changed = asyncio.Event()

    def take(self, typed: Key | Paste) -> None:
        """Pass it on in its turn."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(typed)
        if self._passing is None or self._passing.done():
            self._passing = asyncio.create_task(self._pass_on(), name="keys typed ahead")

    def see_screen(self, _shown: object) -> None:
        """Another screen is shown."""
        self._screen_changed.set()

    async def end(self) -> None:
        """Forget what is still waiting."""
        self._waiting.clear()
        if self._passing is not None:
            self._passing.cancel()
            await asyncio.gather(self._passing, return_exceptions=True)

    async def _pass_on(self) -> None:
        while self._waiting:
            way = tuple(self._way())
            before = frozenset(self._console.workers)
            self._screen_changed.clear()
            self._console.post_message(self._waiting.popleft())
            with suppress(TimeoutError):
                async with asyncio.timeout(STUCK_S):
                    await _come_by(way)
                    await self._shown(before)

    def _way(self) -> Iterator[MessagePump]:
        """Whoever gets a key on its way; the focus, and what is done last, go by the console again."""
        yield self._console
        if self._console.screen_stack:
            yield from (self._console.focused or self._console.screen).ancestors_with_self
        yield self._console

    async def _shown(self, before: frozenset[Worker[object]]) -> None:
        """Return when work that has begun is done, or has put a screen of its own up, or is slow."""
        begun = [w._task for w in self._console.workers if w not in before and w.group != ANSWERING]
        under_way = [task for task in begun if task is not None]
        if not under_way:
            return
        changed = asyncio.create_task(self._screen_changed.wait(), name="another screen")
        try:
            # Not Worker.wait: whoever gives that up cancels the worker.
            await asyncio.wait([changed, *under_way], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        await _come_by((self._console.screen, self._console))


async def _come_by(way: Iterable[MessagePump]) -> None:
    """Return when each in its turn has done all that it had before it."""
    for pump in way:
        reached = asyncio.Event()
        if pump.call_later(reached.set):
            await reached.wait()
