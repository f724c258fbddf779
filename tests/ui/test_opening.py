"""What is seen and kept while the cluster is being opened."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.color import Color
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.text.problem import Problem
from app.ui.app import IN_EVERY_SCREEN, ConsoleApp
from app.ui.commands import BY_NAME
from app.ui.screens.opening import OpeningScreen
from app.ui.themes import FEW_COLOURS
from tests.support.console import WIDE, lonely_cluster
from tests.support.waiting import until


class SlowOpening:
    """A cluster that is opened when the test says so."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.wanted = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self) -> Cluster:
        self.wanted.set()
        await self.may_end.wait()
        return self.cluster


@asynccontextmanager
async def opening_console(folder: Path) -> AsyncIterator[tuple[ConsoleApp, Pilot[None], SlowOpening]]:
    async with lonely_cluster(folder) as cluster:
        slow = SlowOpening(cluster)
        app = ConsoleApp(slow)
        async with app.run_test(size=WIDE) as pilot:
            await slow.wanted.wait()
            yield app, pilot, slow


def _prompt_text(app: ConsoleApp) -> str | None:
    """What stands in the prompt of the main screen, once that is there."""
    main = app.main
    return main.chat.prompt.text if main is not None and app.screen is main and main.is_mounted else None


async def test_the_first_picture_has_the_frames_and_takes_keys(tmp_path: Path) -> None:
    async with opening_console(tmp_path) as (app, pilot, slow):
        assert isinstance(app.screen, OpeningScreen)
        assert [frame.id for frame in app.screen.query(".pane")] == [
            "chat",
            "backends",
            "nodes",
            "coordinator",
        ]
        await pilot.press(*"what is")
        slow.may_end.set()
        await until(lambda: _prompt_text(app) == "what is", "the text")
        await pilot.press("?")
        await until(lambda: _prompt_text(app) == "what is?", "the key after it")


@pytest.mark.parametrize(
    ("last", "first"),
    [("synaptic-light", "synaptic-light"), ("nord", "nord"), ("no-such", "synaptic"), (None, "synaptic")],
)
async def test_the_first_picture_has_the_theme_of_the_last(last: str | None, first: str) -> None:
    async def never() -> Cluster:
        await asyncio.Event().wait()
        raise AssertionError("this is never reached")

    app = ConsoleApp(never, last)
    async with app.run_test(size=WIDE):
        assert app.theme == first
        assert isinstance(app.screen, OpeningScreen)
        assert app.screen.styles.background == Color.parse(app.current_theme.background or "")


@pytest.mark.parametrize("system", ["standard", None])
async def test_few_colours_are_those_of_the_terminal(
    system: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", system)

    async def never() -> Cluster:
        raise AssertionError("this is not opened")

    assert ConsoleApp(never).theme == FEW_COLOURS
    assert ConsoleApp(never, "nord").theme == "nord"


async def test_what_was_sent_meanwhile_is_carried_out(tmp_path: Path) -> None:
    async with opening_console(tmp_path) as (app, pilot, slow):
        await pilot.press(*"/zoom", "enter")
        slow.may_end.set()
        await until(lambda: _prompt_text(app) is not None and app.screen.has_class("-zoomed"), "the zoom")
        await pilot.pause()


async def test_a_cluster_that_cannot_be_opened_ends_the_console_with_its_problem() -> None:
    async def opening() -> Cluster:
        raise Problem("The configuration is wrong.", "Mend it.")

    app = ConsoleApp(opening)
    async with app.run_test():
        await until(lambda: app.problem is not None, "the problem")
    assert str(app.problem) == "The configuration is wrong. Mend it."
    assert not app.is_running


async def test_keys_that_need_the_cluster_do_nothing_yet(tmp_path: Path) -> None:
    async with opening_console(tmp_path) as (app, pilot, slow):
        await pilot.press("ctrl+p", "ctrl+z", "f1", "escape")
        assert isinstance(app.screen, OpeningScreen)
        slow.may_end.set()
        await until(lambda: _prompt_text(app) is not None, "the main screen")
        await pilot.pause()


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_one_can_leave_before_it_is_open(tmp_path: Path, key: str) -> None:
    async with opening_console(tmp_path) as (app, pilot, _slow):
        await pilot.press(key)
        await until(lambda: not app.is_running, "the end")


def test_keys_of_every_screen_are_those_of_the_table() -> None:
    assert all(key in BY_NAME[name].keys for key, name in IN_EVERY_SCREEN.items())


HEAVY = ("app.core", "app.rpc", "app.llama", "app.ollama", "app.gguf", "httpx", "yaml", "msgspec", "psutil")
"""What the first picture does not need."""


def test_nothing_heavy_is_imported_before_the_first_picture() -> None:
    code = "import sys, app.cli, app.cli.console, app.ui.app; print(*sys.modules, sep='\\n')"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = [m for m in listed.stdout.split() if m.startswith(HEAVY)]
    assert imported == []


def test_version_needs_no_screen() -> None:
    code = "import sys, app.cli; app.cli.run(['--version']); print(*sys.modules, sep='\\n')"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [m for m in listed.stdout.split() if m.startswith((*HEAVY, "textual", "rich"))]
