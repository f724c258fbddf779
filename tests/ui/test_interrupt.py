"""Ctrl-C: copies, ends what runs, and leaves only when asked twice."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from app.ui.interrupt import AGAIN_WITHIN_S
from app.ui.screens.leave import LeaveScreen
from app.ui.screens.sheet import SheetScreen
from tests.support.console import OpenConsole
from tests.support.waiting import until
from tests.ui.test_keys_and_commands import _with_running_coordinator


async def test_once_it_says_how_to_leave_and_twice_it_leaves(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("ctrl+c")
        assert console.app.is_running
        assert console.toasts == ["ctrl+c again quits."]
        await console.press("ctrl+c")
        await until(lambda: not console.app.is_running)


async def test_too_late_is_the_first_time_again(open_console: OpenConsole) -> None:
    now = [100.0]
    async with open_console() as console:
        console.main.interrupt._now = lambda: now[0]
        await console.press("ctrl+c")
        now[0] += AGAIN_WITHIN_S
        await console.press("ctrl+c")
        assert console.app.is_running
        now[0] += AGAIN_WITHIN_S / 2
        await console.press("ctrl+c")
        await until(lambda: not console.app.is_running)


async def test_what_is_selected_in_the_prompt_is_copied(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.type("take me")
        console.main.chat.prompt.select_all()
        await console.press("ctrl+c")
        assert console.app.clipboard == "take me"
        assert console.toasts == ["Copied."]


async def test_what_is_selected_in_a_line_is_copied(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "colon")
        await console.type("rpc add 10.0.0.1")
        console.app.screen.query_one(Input).select_all()
        await console.press("ctrl+c")
        assert console.app.clipboard == "rpc add 10.0.0.1"
        assert console.app.is_running


async def test_what_runs_is_ended(open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_console("networks: [127.6.0.0/16]", "ports: [1]") as console:
        await console.command("rpc discover")
        await until(lambda: console.main.busy)
        await console.press("ctrl+c")
        await until(lambda: not console.main.busy)
        assert console.app.is_running


async def test_it_leaves_from_within_a_sheet_too(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("f1")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        await console.press("ctrl+c", "ctrl+c")
        await until(lambda: not console.app.is_running)


async def test_it_leaves_by_way_of_the_question(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        _with_running_coordinator(console, monkeypatch)
        await console.press("ctrl+c", "ctrl+c")
        await until(lambda: isinstance(console.app.screen, LeaveScreen))
        await console.press("c")
        assert console.app.is_running


async def test_there_is_nothing_to_suspend_without_a_terminal(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("ctrl+z")
        assert console.toasts == ["There is no terminal to go back to."]
