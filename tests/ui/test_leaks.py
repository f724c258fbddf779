"""What was opened, asked or looked for leaves nothing behind when it is over."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import ref

import pytest

from app.ui.screens.modal import Modal
from tests.support.console import Console, OpenConsole, people
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until
from tests.ui.modals import MODALS

TIMES = 3
MODEL = "model: llama3.1:405b"

Held = Counter[str]
"""How many there are of each kind of thing that has to be given back."""


def held(console: Console) -> Held:
    """What is in use now."""
    app, cluster = console.app, console.cluster
    tasks = (task for task in asyncio.all_tasks() if task is not asyncio.current_task())
    names = Counter(f"task {_kind(task.get_name())}" for task in tasks if not task.done())
    return names + Counter(
        nodes=sum(len(list(screen.walk_children())) for screen in app.screen_stack),
        registered=len(app._registry),
        workers=len(app.workers),
        files=len(os.listdir("/proc/self/fd")),
        subscribers=len(cluster.bus._mailboxes),
        looks=cluster.box._looks.total(),
    )


async def gives_back(console: Console, do: Callable[[], Awaitable[object]]) -> None:
    """Do it once for what is made at the first time, then again and again; nothing of that is left."""
    await do()
    await console.pilot.pause()
    before = held(console)
    for _ in range(TIMES):
        await do()
    with suppress(AssertionError):
        await until(lambda: held(console) <= before)
    assert not held(console) - before


@pytest.mark.parametrize("kind", MODALS, ids=lambda kind: kind.__name__)
async def test_a_screen_that_is_closed(open_console: OpenConsole, kind: type[Modal[Any]]) -> None:
    opened: list[ref[Modal[Any]]] = []

    async with open_console() as console:
        people(console.cluster)

        async def open_and_close() -> None:
            modal = MODALS[kind](console)
            opened.append(ref(modal))
            await console.app.push_screen(modal)
            await console.pilot.pause()
            await console.press("escape")
            await until(lambda: console.app.screen is console.main, "the main screen")

        await gives_back(console, open_and_close)
        # Until its deadline, the event loop keeps who waited for an answer; Textual keeps the last one.
        await until(lambda: _alive(opened) <= 1, "the end of the screens")


async def test_themes(open_console: OpenConsole) -> None:
    async with open_console() as console:

        async def change() -> None:
            for theme in ("nord", "synaptic-light", "synaptic"):
                await console.command(f"theme {theme}")
                await until(lambda theme=theme: console.app.theme == theme)  # type: ignore[misc]  # bound now

        await gives_back(console, change)


async def test_panes(open_console: OpenConsole) -> None:
    async with open_console() as console:

        async def hide_and_show() -> None:
            for pane in ("backends", "nodes", "coordinator"):
                await console.command(f"hide {pane}")
                assert list(console.main.hidden) == [pane]
                await console.command(f"show {pane}")
                assert list(console.main.hidden) == []

        await gives_back(console, hide_and_show)


async def test_answers(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, *whole("A **worker** lends its memory.\n\n```python\nx\n```\n"))

        async def ask() -> None:
            console.main.chat.prompt.focus()
            await console.type("What is a worker?")
            asked = len(script.asked)
            await console.press("enter")
            await until(lambda: len(script.asked) > asked and not console.main.chat.answering)
            await console.command("new")

        await gives_back(console, ask)
        assert script.closed == len(script.asked) == TIMES + 1


async def test_sweeps(open_console: OpenConsole) -> None:
    async with open_console("networks: [127.0.0.9/30]") as console:

        async def sweep() -> None:
            await console.command("rpc discover")
            await until(lambda: not console.main.busy, "the end of the sweep")

        await gives_back(console, sweep)
        told = [line.text for line in console.cluster.bus.told]
        assert sum(text.startswith("found 0 backends") for text in told) == TIMES + 1


def _alive(screens: list[ref[Modal[Any]]]) -> int:
    gc.collect()
    return sum(screen() is not None for screen in screens)


def _kind(name: str) -> str:
    """The name of a task without its number."""
    return name.rstrip("0123456789")
