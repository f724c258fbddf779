"""The list of conversations: open, search, rename, delete, bring back."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from app.core.conversations import Conversations, Listed
from app.text.problem import Problem
from app.text.units import plural
from app.ui.likeness import likeness
from app.ui.plain import plain_line
from app.ui.screens.ask import AskScreen
from app.ui.screens.modal import Modal
from app.ui.undo import Undo
from app.ui.widgets.said import Said

_LEAST_HEADING = 20


class ConversationsScreen(Modal[str]):
    """Answered with the key of a conversation to open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "choose", "open"),
        ("slash", "search", "search"),
        ("e", "rename", "rename"),
        ("x", "delete", "delete"),
        ("u", "undo", "bring back"),
        ("c,ctrl+n", "begin", "new"),
    ]

    def __init__(self, conversations: Conversations, undo: Undo) -> None:
        super().__init__()
        self._conversations = conversations
        self._undo = undo
        self._all: tuple[Listed, ...] = ()
        self.shown: list[Listed] = []
        """Those in the list."""

    def compose(self) -> ComposeResult:
        """What is searched, over the list."""
        with Vertical(id="conversations") as frame:
            frame.border_title = "Conversations"
            frame.border_subtitle = "enter open · / search · e rename · x delete · c new · esc"
            search = Input(placeholder="words of the title, or of what was said", compact=True)
            search.cursor_blink = False
            search.display = False
            yield search
            yield OptionList(markup=False, compact=True)
            yield Said(id="no-conversation")

    def on_mount(self) -> None:
        """Read what is kept."""
        self.query_one(OptionList).focus()
        self._read()

    @property
    def selected(self) -> Listed | None:
        """The one under the cursor."""
        options = self.query_one(OptionList)
        option = options.highlighted_option
        return next((each for each in self._all if option is not None and each.key == option.id), None)

    @on(Resize)
    def _fit(self) -> None:
        self._show()

    @on(Input.Changed)
    def _narrow(self) -> None:
        self._search()

    @on(Input.Submitted)
    def _leave_search(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def action_choose(self) -> None:
        """Answer with the one under the cursor."""
        if self.selected is not None:
            self.dismiss(self.selected.key)

    def action_search(self) -> None:
        """Type what to look for."""
        search = self.query_one(Input)
        search.display = True
        search.focus()

    def action_close(self) -> None:
        """Leave the search, else the list."""
        search = self.query_one(Input)
        if search.display:
            search.display, search.value = False, ""
            self.query_one(OptionList).focus()
        else:
            self.dismiss(None)

    def action_begin(self) -> None:
        """Begin a new one."""
        self._conversations.begin()
        self.dismiss(None)

    @work(name="rename conversation", exit_on_error=False)
    async def action_rename(self) -> None:
        """Ask for another title."""
        selected = self.selected
        if selected is None:
            return
        ask = AskScreen("Title", f"instead of '{plain_line(selected.heading)}'", str)
        title = await self.app.push_screen_wait(ask)
        if title:
            await self._try(self._conversations.rename(selected.key, title))

    @work(name="delete conversation", exit_on_error=False)
    async def action_delete(self) -> None:
        """Take the one under the cursor away, and offer it back."""
        selected = self.selected
        if selected is None:
            return
        try:
            way = await self._conversations.remove(selected.key)
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
        else:
            self._undo.offer(f"the conversation '{selected.heading}'", way)
        self._read()

    @work(name="bring back", exit_on_error=False)
    async def action_undo(self) -> None:
        """Bring back what was taken away last."""
        await self._try(self._undo.back())

    async def _try(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
        self._read()

    @work(name="read conversations", exclusive=True, group="read", exit_on_error=False)
    async def _read(self) -> None:
        self._all = await self._conversations.listed()
        self._search()

    @work(name="search conversations", exclusive=True, group="search", exit_on_error=False)
    async def _search(self) -> None:
        words = self.query_one(Input).value.strip()
        found = await self._conversations.containing(words) if words else frozenset()
        self.shown = _narrowed(self._all, words, found)
        self._show()
        if words and self.shown:
            self.query_one(OptionList).highlighted = 0

    def _show(self) -> None:
        options, before = self.query_one(OptionList), self.selected
        width = options.scrollable_content_region.width
        options.set_options(Option(_row(each, width), id=each.key) for each in self.shown)
        keys = [each.key for each in self.shown]
        kept = before.key if before is not None else self._conversations.current.key
        options.highlighted = keys.index(kept) if kept in keys else (0 if keys else None)
        nothing = "Nothing has these words." if self._all else "Nothing is kept yet: ask something."
        self.query_one("#no-conversation", Said).say("" if keys else nothing)


def _narrowed(listed: Sequence[Listed], words: str, found: frozenset[str]) -> list[Listed]:
    """Those whose heading is like the words, the likest first; then those in which they were said."""
    if not words:
        return list(listed)
    likenesses = {each.key: likeness(words, each.heading) for each in listed}
    named = [(like.score, each) for each in listed if (like := likenesses[each.key]) is not None]
    likest = [each for _, each in sorted(named, key=lambda pair: -pair[0])]
    return likest + [each for each in listed if each.key in found and likenesses[each.key] is None]


def _row(listed: Listed, width: int) -> str:
    """Heading, turns, model and when, as far as there is room."""
    heading = plain_line(listed.heading)
    for about in (
        f"  {plural(listed.turns, 'turn'):>9}  {plain_line(listed.model)[:20]:<20}  {_when(listed.asked)}",
        f"  {plural(listed.turns, 'turn'):>9}  {_when(listed.asked)}",
        f"  {_when(listed.asked)}",
    ):
        room = width - cell_len(about)
        if room >= _LEAST_HEADING:
            return set_cell_size(heading, room) + about
    return heading


def _when(asked: datetime) -> str:
    """Time today, day this year, else the whole date."""
    local, now = asked.astimezone(), datetime.now().astimezone()
    if local.date() == now.date():
        return f"{local:%H:%M}".rjust(10)
    return f"{local:%b %d}".rjust(10) if local.year == now.year else f"{local:%Y-%m-%d}"
