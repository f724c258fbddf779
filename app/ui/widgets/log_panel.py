"""A log with what one does to it: search, filter by level and component, jump to a time, copy, export."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from app.llama.log import Level
from app.llama.log_book import LogBook
from app.llama.log_export import export
from app.llama.log_sieve import Sieve, Wanted, pattern_of
from app.ui.widgets.log_rows import line_text
from app.ui.widgets.log_view import LogView
from app.ui.widgets.said import Said
from app.ui.widgets.search import SearchLine

SHOWN_S = 0.1
"""Between two looks at how far a search is."""
SHOWN_BEHIND = 20_000
"""With fewer lines to go, it is as good as done."""

_LEVEL_WORDS = {Level.INFO: "no debug", Level.WARN: "warnings", Level.ERROR: "errors"}


class LogPanel(Vertical):
    """The view, the line for searches, and the work on the whole log, which is done piece by piece."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self._book: LogBook | None = None
        self.wanted = Wanted()
        """What is shown."""
        self._filter: Sieve | None = None
        """None where everything is shown."""
        self._search: Sieve | None = None
        self._sought = ""
        self._goes_to_first = False
        """Whether a search has just begun, and has not found anything yet."""
        self._sifting: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """The lines, and under them what is searched for."""
        yield LogView()
        yield Said(id="log-remarks")
        yield SearchLine()

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    @property
    def book(self) -> LogBook | None:
        """The log; None until there is one."""
        return self._book

    @property
    def found(self) -> Sequence[int]:
        """The lines that the search has found so far."""
        return self._search.numbers if self._search is not None else ()

    def _remarks(self) -> Iterator[str]:
        """What is out of the ordinary: filters, the search, how far they are, what is not kept."""
        if self._book is not None and self._book.first:
            yield f"{self._book.first:,} older lines not kept"
        if self.wanted.level in _LEVEL_WORDS:
            yield _LEVEL_WORDS[self.wanted.level]
        if self.wanted.component:
            yield self.wanted.component
        if self.wanted.pattern is not None:
            yield f"with '{self.wanted.pattern.pattern}'"
        if self._search is not None:
            place = bisect_left(self.found, self.view.cursor)
            at = f"{place + 1} of " if self.view.cursor in self.found[place : place + 1] else ""
            yield f"/{self._sought} {at}{len(self.found):,}"
        behind = max((s.behind for s in (self._filter, self._search) if s is not None), default=0)
        if behind > SHOWN_BEHIND and self._book is not None:
            yield f"{100 - 100 * behind // max(1, len(self._book.numbers))} %"

    def look(self, book: LogBook | None) -> None:
        """Show this log, which may have grown; None: there is none."""
        if book is not self._book:
            self._book = book
            self._begin_anew()
        if self._filter is None and book is not None:
            self.view.show(book, book.numbers)
            self._tell()
        self._sift()

    def keep(self, wanted: Wanted) -> None:
        """Show these lines only."""
        self.wanted = wanted
        self._begin_anew()

    def next_level(self) -> None:
        """Leave out one level more; after errors, nothing."""
        levels = list(Level)
        self.keep(replace(self.wanted, level=levels[(levels.index(self.wanted.level) + 1) % len(levels)]))

    def search(self, text: str) -> None:
        """Look for a text, and go to the nearest line that has it; empty: look for nothing."""
        self._sought = text
        self.view.seek(pattern_of(text) if text else None)
        self._begin_search()
        self._goes_to_first = bool(text)
        self._sift()
        self._tell()

    def step(self, by: int) -> None:
        """Go to the next match, or the one before; after the last comes the first."""
        found = self.found
        if len(found):
            place = bisect_left(found, self.view.cursor)
            is_on_one = self.view.cursor in found[place : place + 1]
            place += by if by < 0 or is_on_one else 0
            self.view.go_to(found[place % len(found)])

    async def go_to_time(self, seconds: float) -> None:
        """Go to the first line from so many seconds after the start on."""
        if self._book is not None:
            self.view.go_to(await self._book.at(seconds))

    async def export(self, path: Path) -> int:
        """Write the lines that are shown to a file; returns how many.

        Raises:
            OSError: it cannot be written.
        """
        if self._book is None:
            return 0
        while self._filter is not None and await self._filter.look():
            pass
        numbers = self._book.numbers if self._filter is None else self._filter.numbers
        return await export(self._book, numbers, path, line_text)

    def on_unmount(self) -> None:
        """Search no more."""
        if self._sifting is not None:
            self._sifting.cancel()

    @on(SearchLine.Typed)
    def _highlight(self, event: SearchLine.Typed) -> None:
        self.view.seek(pattern_of(event.text) if event.text else None)

    @on(SearchLine.Entered)
    def _look_for(self, event: SearchLine.Entered) -> None:
        self.view.focus()
        self.search(event.text)

    def _begin_anew(self) -> None:
        """The lines to be shown are others."""
        self._filter = None
        if self._book is None:
            self.view.show(None, ())
        else:
            self._filter = None if self.wanted.everything else Sieve(self._book, self.wanted)
            self.view.show(self._book, self._book.numbers if self._filter is None else self._filter.numbers)
        self._begin_search()
        self._sift()
        self._tell()

    def _begin_search(self) -> None:
        self._search = None
        if self._book is not None and self._sought:
            self._search = Sieve(self._book, self.wanted, Wanted(pattern=pattern_of(self._sought)))

    def _sift(self) -> None:
        """Have what is new in the log looked at, where anything is looked for."""
        if (self._filter or self._search) and (self._sifting is None or self._sifting.done()):
            self._sifting = asyncio.create_task(self._work(), name="search of the log")

    async def _work(self) -> None:
        shown = 0.0
        is_done = False
        while not is_done:
            sieves = [sieve for sieve in (self._filter, self._search) if sieve is not None]
            is_done = not any([await sieve.look() for sieve in sieves])
            if is_done or time.monotonic() - shown > SHOWN_S:
                self._show_found(is_done=is_done)
                shown = time.monotonic()

    def _show_found(self, *, is_done: bool) -> None:
        if self._book is not None and self._filter is not None:
            self.view.show(self._book, self._filter.numbers)
        place = bisect_left(self.found, self.view.cursor)
        if self._goes_to_first and len(self.found) and (is_done or place < len(self.found)):
            self._goes_to_first = False
            self.view.go_to(self.found[min(place, len(self.found) - 1)])
        self._tell()

    @on(LogView.Moved)
    def _tell(self) -> None:
        remarks = self.query_one("#log-remarks", Said)
        remarks.say(text := " · ".join(self._remarks()))
        remarks.display = bool(text)
