"""One can leave at any moment, also while a screen is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult

from app.core.cluster import Cluster
from app.ui.app import ConsoleApp
from app.ui.screens.main import MainScreen
from app.ui.screens.modal import Modal
from tests.support.console import WIDE, OpenConsole, lonely_cluster, people
from tests.support.waiting import until
from tests.ui.modals import MODALS

TURNS = range(3)
"""Of the event loop, between a screen that is asked for its widgets and the wish to leave."""


def leave_when_composed(
    monkeypatch: pytest.MonkeyPatch, kind: type[MainScreen] | type[Modal[Any]], turns: int
) -> None:
    """Leave so many turns of the event loop after a screen of that kind has told its widgets."""
    compose: Callable[[Any], ComposeResult] = kind.compose

    def told(screen: MainScreen | Modal[Any]) -> ComposeResult:
        _after(turns, screen.app.exit)
        return compose(screen)

    monkeypatch.setattr(kind, "compose", told)


def _after(turns: int, do: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    if turns:
        loop.call_soon(_after, turns - 1, do)
    else:
        do()


@pytest.mark.parametrize("turns", TURNS)
async def test_leaving_while_the_main_screen_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    leave_when_composed(monkeypatch, MainScreen, turns)
    async with lonely_cluster(tmp_path) as cluster:

        async def opening() -> Cluster:
            return cluster

        app = ConsoleApp(opening)
        async with asyncio.timeout(60):
            await app.run_async(headless=True, size=WIDE)
        assert app.main is not None
        assert app.fault is None


@pytest.mark.parametrize("turns", TURNS[:2])
@pytest.mark.parametrize("kind", MODALS, ids=lambda kind: kind.__name__)
async def test_leaving_while_another_screen_comes(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch, kind: type[Modal[Any]], turns: int
) -> None:
    leave_when_composed(monkeypatch, kind, turns)
    async with open_console() as console:
        people(console.cluster)
        console.app.push_screen(MODALS[kind](console))
        await until(lambda: not console.app.is_running, "the end")
        assert console.app.fault is None
