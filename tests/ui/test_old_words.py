"""The words of SynapticLlamas, as they were typed there, do the same here: on a real backend and model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.rpc.probe import BackendState
from app.ui.places import Place
from app.ui.screens.models import ModelScreen
from app.ui.screens.sheet import SheetScreen
from tests.support.console import Console, OpenConsole
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until

Say = Callable[[Console, str], Awaitable[None]]
NODE = "http://127.0.0.9:9"


async def on_the_line(console: Console, words: str) -> None:
    """Type them on the `:` line."""
    await console.command(words)


async def in_the_prompt(console: Console, words: str) -> None:
    """Type them in the prompt, behind a slash."""
    await console.press("alt+1")
    console.main.chat.prompt.load_text("")
    await console.type(f"/{words}")
    await console.press("enter")


WAYS = pytest.mark.parametrize("say", [on_the_line, in_the_prompt])


@pytest.fixture
def worker(rpc_server: RpcServerFactory) -> RpcServer:
    return rpc_server("127.0.0.2")


@WAYS
async def test_rpc_words(open_console: OpenConsole, worker: RpcServer, say: Say) -> None:
    address = worker.address
    async with open_console(f"networks: [{address.host}]", f"ports: [{address.port}]") as console:
        backends = console.cluster.backends
        await say(console, f"rpc add {address}")
        await until(lambda: [b.state for b in backends.known] == [BackendState.FREE])
        await say(console, f"rpc remove {address}")
        await until(lambda: backends.known == ())
        await say(console, "rpc discover")
        await until(lambda: [b.address for b in backends.known] == [address])
        await until(lambda: not console.main.busy)
        await say(console, "rpc list")
        await until(lambda: console.main.place is Place.BACKENDS)
        await console.shows(str(address))


@WAYS
async def test_distributed_looks_for_backends_by_itself(
    open_console: OpenConsole, worker: RpcServer, say: Say
) -> None:
    address = worker.address
    async with open_console(f"networks: [{address.host}]", f"ports: [{address.port}]") as console:
        choices = console.cluster.choices
        await say(console, "distributed on")
        await until(lambda: [b.address for b in console.cluster.backends.known] == [address])
        assert choices.now.distributed
        await until(lambda: not console.main.busy)
        await say(console, "distributed off")
        await until(lambda: not choices.now.distributed)


@WAYS
async def test_status_model_and_help(open_console: OpenConsole, tiny_model: Path, say: Say) -> None:
    async with open_console(f"models: {{folders: [{tiny_model.parent}]}}") as console:
        await say(console, "status")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        await console.shows("distributed")
        await console.press("escape")
        await say(console, "model tiny")
        await until(lambda: console.cluster.choices.now.model == "tiny")
        await say(console, "model")
        await until(lambda: isinstance(console.app.screen, ModelScreen))
        await console.press("escape")
        await say(console, "help")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        await console.shows("Here: Chat")


@WAYS
async def test_nodes_words(open_console: OpenConsole, say: Say) -> None:
    async with open_console() as console:
        pool = console.cluster.pool
        await say(console, f"add {NODE}")
        await until(lambda: [(node.url, node.up) for node in pool.nodes] == [(NODE, False)])
        await say(console, "nodes")
        await until(lambda: console.main.place is Place.NODES)
        await say(console, f"remove {NODE}")
        await until(lambda: pool.nodes == ())


@WAYS
async def test_the_dashboard_says_that_it_is_to_come(open_console: OpenConsole, say: Say) -> None:
    async with open_console() as console:
        await say(console, "dashboard")
        await console.shows("arrives with the gateway")


@WAYS
@pytest.mark.parametrize("words", ["exit", "quit", "q"])
async def test_words_that_leave(open_console: OpenConsole, words: str, say: Say) -> None:
    async with open_console() as console:
        await say(console, words)
        await until(lambda: not console.app.is_running)
