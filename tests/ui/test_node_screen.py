"""The screens of one node and of this box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from rich.console import RenderableType
from textual.content import Content
from textual.screen import Screen

from app.box.gpus import Gpu
from app.core.pool import Node, NodeSeen
from app.core.vitals import UNSEEN_S, VitalsRead
from app.text.units import GIB
from app.ui.panes.nodes import NodesPane
from app.ui.screens.ask import AskScreen
from app.ui.screens.confirm import ConfirmScreen
from app.ui.screens.node import NodeScreen
from app.ui.widgets.ledger import Ledger
from app.ui.widgets.said import Said
from tests.support.box import reading
from tests.support.console import NARROW, NOON, UP, WIDE, Console, OpenConsole, people
from tests.support.ollama_server import OllamaStandIn
from tests.support.waiting import until
from tests.ui.nodes import LARGE, NEW, SMALL, console_on

CORES = (1.0, 50.0, 99.0, None)
GPUS = (Gpu(0, "NVIDIA A", 63.0, 5 * GIB, 24 * GIB, 51.0), Gpu(1, "Unwilling", None, None, None, None))


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn([SMALL, LARGE], registry=[NEW]) as node:
        yield node


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_all_about_a_node(
    open_console: OpenConsole, node: OllamaStandIn, size: tuple[int, int]
) -> None:
    await node.load(SMALL.name)
    async with console_on(open_console, node, size=size) as console:
        await console.press("enter")
        await console.shows("up  version 0.32.15")
        await console.shows("1.2 GiB VRAM")
        await console.shows("4 min")
        await console.shows("on disk")
        if size == WIDE:
            await console.shows("8.0B   Q4_K_M")
        await console.shows("family llama  context 131072  can completion, tools")


async def test_keys_load_and_unload(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console, node) as console:
        await console.press("enter", "l")
        await until(lambda: node.loaded == [LARGE.name])
        await console.shows("loaded")
        await console.press("j", "L")
        await console.type("soon")
        await console.shows("'soon' is no time.")
        await console.press("enter")
        assert isinstance(console.app.screen, AskScreen)
        await console.press(*["backspace"] * 4)
        await console.type("ever")
        await console.press("enter")
        await console.shows("kept")
        await console.press("u")
        await until(lambda: node.loaded == [LARGE.name])


async def test_a_pull_goes_on_when_the_screen_is_left_and_is_stopped_there(
    open_console: OpenConsole, node: OllamaStandIn
) -> None:
    node.pulling.shut(after=4)
    async with console_on(open_console, node) as console:
        await console.press("enter", "p")
        await console.type("new:8b")
        await console.press("enter")
        await console.shows("pull 50 %")
        await console.press("escape", "enter")
        await console.shows("pull 50 %")
        ledger = console.app.screen.query_one(Ledger)
        await until(lambda: ledger.row_count == 3)
        await console.press("j", "x")
        await until(lambda: node.answering == 0)
        await until(lambda: ledger.row_count == 2)
        node.pulling.open()
        await console.press("p")
        await console.type("new:8b")
        await console.press("enter")
        await until(lambda: NEW.name in node.models)
        await until(lambda: ledger.row_count == 3)


async def test_x_deletes_after_a_yes(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console, node) as console:
        await console.press("enter", "x")
        await until(lambda: isinstance(console.app.screen, ConfirmScreen))
        await console.press("y")
        await until(lambda: LARGE.name not in node.models)
        ledger = console.app.screen.query_one(Ledger)
        await until(lambda: ledger.row_count == 1)
        assert isinstance(console.app.screen, NodeScreen)


async def test_what_happens_to_the_node_is_seen(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console, node) as console:
        await console.press("enter", "y")
        assert console.app.clipboard == node.url
        await node.go_down()
        await console.press("r")
        await console.shows("down")
        await console.shows(f"Nothing listens at {node.url}.")
        await console.cluster.pool.forget(node.url)
        await until(lambda: console.app.screen is console.main)


async def test_keys_without_a_model_do_nothing(open_console: OpenConsole) -> None:
    async with OllamaStandIn() as empty, console_on(open_console, empty) as console:
        await console.press("enter", "l", "u", "x", "L")
        assert isinstance(console.app.screen, NodeScreen)
        assert console.toasts == []


async def test_all_about_this_box(open_console: OpenConsole) -> None:
    async with console_on(open_console) as console:
        await console.press("enter")
        vitals = reading(per_core=CORES, gpus=GPUS)
        console.cluster.box.latest = vitals
        console.cluster.bus.publish(VitalsRead(vitals))
        for text in (
            "load 6.1  51 °C",
            "all     ━━━━━━━━━━━━━───────  63 %",
            "core 1  ━━━━━━━━━━──────────  50 %",
            "core 3  ────────────────────   — %",
            "memory  ━━━━━───────────────  25 %  32.0 GiB of 128 GiB",
            "swap    none",
            "0 NVIDIA A  51 °C",
            "vram 0  ━━━━────────────────  21 %  5.0 GiB of 24.0 GiB",
            "1 Unwilling  — °C",
            "busy 1  ────────────────────   — %",
        ):
            await console.shows(text)


async def test_this_box_is_read_as_often_as_it_is_looked_at(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW) as console:
        box = console.cluster.box
        assert box.interval_s == UNSEEN_S
        await console.press("escape", "3")
        await until(lambda: box.interval_s == 5.0)
        await console.press("enter")
        await until(lambda: box.interval_s == 2.0)
        await console.press("escape")
        await until(lambda: box.interval_s == 5.0)
        await console.press("1")
        await until(lambda: box.interval_s == UNSEEN_S)


async def test_figures_that_waver_draw_nothing(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console_on(open_console) as console:
        drawn: list[str] = []
        update = Said.update

        def counted(said: Said, content: Content, *, layout: bool = True) -> None:
            drawn.append(str(content))
            update(said, content, layout=layout)

        monkeypatch.setattr(Said, "update", counted)
        _read(console, 20.0, 12.0, 28.0, 29.9, 11.0)
        assert drawn == ["this box  cpu           20 %  mem 32.0/128.0 G  load 6.1"]
        _read(console, 31.0)
        assert len(drawn) == 2
        assert "31 %" in drawn[-1]


async def test_a_node_that_stays_as_it_is_draws_nothing(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console(before=people) as console:
        _read(console, 20.0)
        await console.pilot.pause(0.3)
        drawn: list[object] = []
        display = console.app._display

        def counted(screen: Screen[object], renderable: RenderableType | None) -> None:
            drawn.append(renderable)
            display(screen, renderable)

        monkeypatch.setattr(console.app, "_display", counted)
        for latency_ms in (12.3, 11.8, 12.9, 12.0):
            _see(console, replace(UP, latency_ms=latency_ms, checked=NOON))
            _read(console, 20.0 + latency_ms % 1)
            await console.pilot.pause(0.2)
        assert drawn == []
        _see(console, replace(UP, latency_ms=90.0))
        await until(lambda: drawn != [])


def _see(console: Console, node: Node) -> None:
    console.cluster.pool._see(node)
    console.main.query_one(NodesPane).take([NodeSeen(node)])


def _read(console: Console, *percents: float) -> None:
    for percent in percents:
        console.main.query_one(NodesPane).take([VitalsRead(reading(cpu_percent=percent, temperature_c=None))])
