"""Which keys the bottom line shows: those that work where the focus is, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from textual.widgets import Input

from app.ui.command import Command
from app.ui.keys import key_text
from app.ui.widgets.key_hints import KeyHint
from app.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen

ALWAYS = ("help", "quit")
"""Commands whose keys are shown whatever the width."""


def hints(screen: MainScreen) -> Iterator[KeyHint]:
    """What the keys do here, the most useful ones first; those that always stand at the end are left out."""
    if isinstance(screen.focused, Input):
        yield from (
            KeyHint("enter", "run", "enter"),
            KeyHint("tab", "complete", "tab"),
            KeyHint("esc", "close", "escape"),
        )
        return
    in_prompt = isinstance(screen.focused, Prompt)
    if in_prompt:
        yield KeyHint("enter", "send", "enter")
    if screen.busy:
        yield KeyHint("esc", "cancel", "escape")
    elif in_prompt:
        yield KeyHint("esc", "leave prompt", "escape")
    here = [c for c in screen.commands if screen.place in c.where]
    yield from _of([c for c in here if c.where == {screen.place}], screen)
    yield from _of([c for c in here if c.where != {screen.place}], screen)
    if not in_prompt:
        yield from (KeyHint("1-4", "pane"), KeyHint(":", "command", "colon"))
    yield KeyHint("ctrl+p", "palette", "ctrl+p")


def last_hints(screen: MainScreen) -> Iterator[KeyHint]:
    """How to get help and how to leave."""
    return _keys_of([c for c in screen.commands if c.name in ALWAYS], screen)


def _of(commands: Iterable[Command], screen: MainScreen) -> Iterator[KeyHint]:
    able = [c for c in commands if c.label and c.name not in ALWAYS and c.why_not(screen) is None]
    return _keys_of(able, screen)


def _keys_of(commands: Iterable[Command], screen: MainScreen) -> Iterator[KeyHint]:
    """The first key of each command that works where the focus is."""
    active = screen.active_bindings
    for command in commands:
        actions = {f"{whose}command('{command.name}')" for whose in ("screen.", "")}
        works = (key for key in command.keys if key in active and active[key].binding.action in actions)
        key = next(works, None)
        if key is not None:
            yield KeyHint(key_text(key), command.label, key)
