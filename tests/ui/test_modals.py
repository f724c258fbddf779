"""Every screen over the main one tells its keys, moves and closes in the same way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.containers import ScrollableContainer
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Input, OptionList

from app.ui.keys import key_text
from app.ui.movement import can_move
from app.ui.screens.conversations import ConversationsScreen
from app.ui.screens.keys import KeysScreen
from app.ui.screens.modal import Modal
from tests.support.console import Console, OpenConsole, people
from tests.support.waiting import until
from tests.ui.bound import twice_bound
from tests.ui.modals import MODALS, all_modals

FORTH_AND_BACK = (
    ("j", "k"),
    ("down", "up"),
    ("G", "g"),
    ("end", "home"),
    ("ctrl+d", "ctrl+u"),
    ("pagedown", "pageup"),
)
WHILE_TYPING = (("down", "up"), ("ctrl+n", "ctrl+p"), ("ctrl+j", "ctrl+k"), ("pagedown", "pageup"))

every_modal = pytest.mark.parametrize("kind", MODALS, ids=lambda kind: kind.__name__)


def test_each_is_tested_here() -> None:
    assert all_modals() == set(MODALS)


@every_modal
async def test_each_key_is_described(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (_, modal):
        ours = [(key, bound) for key, bound in modal._bindings if bound not in Screen.BINDINGS]
        assert [key for key, bound in ours if not bound.description and "copy_text" not in bound.action] == []
        assert [key for key, _ in ours if "_" in key_text(key)] == []
        assert [key for key, bounds in modal._bindings.key_to_bindings.items() if len(bounds) > 1] == []


@every_modal
async def test_no_key_has_two_meanings(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (_, modal):
        for widget in (None, *modal.focus_chain):
            modal.set_focus(widget)
            assert [str(twice) for twice in twice_bound(modal) if twice.reason is None] == []


@every_modal
async def test_escape_closes_it(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (console, _):
        await console.press("escape")
        await until(lambda: console.app.screen is console.main)


@every_modal
async def test_a_click_beside_it_closes_it(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (console, _):
        await console.pilot.click(offset=(0, 0))
        await until(lambda: console.app.screen is console.main)


@every_modal
async def test_f1_shows_its_keys(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (console, modal):
        await console.press("f1")
        if kind is KeysScreen:
            await until(lambda: console.app.screen is console.main)
            return
        await until(lambda: isinstance(console.app.screen, KeysScreen))
        await console.shows("a page down")
        await console.press("f1")
        await until(lambda: console.app.screen is modal)


@every_modal
async def test_ctrl_q_leaves(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind) as (console, _):
        await console.press("ctrl+q")
        await until(lambda: not console.app.is_running or console.app._exit)


@every_modal
async def test_it_moves_by_arrows_and_letters(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    async with _opened(open_console, kind, size=(60, 16)) as (console, modal):
        moved = next(filter(can_move, modal.query(Widget)), None)
        if moved is None:
            assert modal.query(Input), "it has neither list nor text"
            return
        place = _place_of(moved)
        await console.press("pageup")
        start = place()
        for forth, back in WHILE_TYPING if isinstance(modal.focused, Input) else FORTH_AND_BACK:
            await console.press(forth)
            await until(lambda: place() > start, f"{forth} moves")
            await console.press(back)
            await until(lambda: place() == start, f"{back} moves back")


def _place_of(moved: Widget) -> Callable[[], float]:
    match moved:
        case OptionList():
            return lambda: moved.highlighted or 0
        case DataTable():
            return lambda: moved.cursor_row
        case ScrollableContainer():
            return lambda: moved.scroll_y
    raise AssertionError(moved)


@asynccontextmanager
async def _opened(
    open_console: OpenConsole, kind: type[Modal[Any]], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Console, Modal[Any]]]:
    async with open_console("mode: distributed", size=size, before=people) as console:
        if kind is ConversationsScreen:
            for title in ("first", "second", "third"):
                conversation = console.cluster.conversations.current
                console.cluster.begin(conversation, f"{title} using llama3.2:3b")
                console.cluster.conversations.keep(conversation)
                console.cluster.conversations.begin()
        modal = MODALS[kind](console)
        await console.app.push_screen(modal)
        await console.pilot.pause(0.2)
        yield console, modal
