"""The coordinator pane on the real engine: start, command line, restart, a lost backend, stop."""

from __future__ import annotations

import shlex
from pathlib import Path

from app.core.coordinator_status import CoordinatorState
from app.llama.engine import Engine
from tests.support.console import Console, OpenConsole
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until


def settings(engine: Engine, model: Path, *workers: RpcServer) -> tuple[str, ...]:
    return (
        "mode: distributed",
        "distributed_inference: true",
        f"model: {model}",
        f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}",
        "coordinator: {context: 512, threads: 1, on_quit: stop}",
        f"backends: [{', '.join(str(worker.address) for worker in workers)}]",
    )


def pid(console: Console) -> int | None:
    running = console.cluster.coordinators.running
    return running.status.pid if running is not None else None


async def test_start_command_line_restart_stop(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_console: OpenConsole
) -> None:
    worker = rpc_server()
    async with open_console(*settings(engine, tiny_model, worker)) as console:
        await console.press("escape", "4", "z", "S")
        await console.shows("● ready in")
        first = pid(console)
        await console.press("c")
        await console.shows("LLAMA_API_KEY=****")
        await console.press("y", "escape")
        words = shlex.split(console.app.clipboard)
        assert words[words.index("--rpc") + 1] == str(worker.address)
        assert str(engine.server) in words

        await console.press("R")
        await until(lambda: pid(console) not in (None, first))
        await console.shows("● ready in")
        await console.press("l")
        await console.shows("listening on http://127.0.0.1:")
        await console.command("at +0s")
        await console.shows("initializing ...")
        await console.press("l", "x")
        await console.shows("● stopped")
        assert pid(console) is None
    assert worker.alive


async def test_a_lost_backend_is_one_line_that_opens(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_console: OpenConsole
) -> None:
    worker = rpc_server()
    async with open_console(*settings(engine, tiny_model, worker)) as console:
        await console.press("escape", "4", "z", "S")
        await console.shows("● ready in")
        worker.kill()
        console.main.chat.ask("a worker")
        await console.shows("● failed")
        await console.shows(f"▸ coordinator failed: Backend {worker.address}")
        assert console.text.count("▸") == 1
        await console.press("enter")
        await console.shows(f"suspect  {worker.address}")
        await console.shows("Remote RPC server crashed")
        current = console.cluster.coordinators.current
        assert current is not None
        assert current.status.state is CoordinatorState.FAILED


async def test_a_start_that_fails_is_told_once(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_console: OpenConsole
) -> None:
    worker = rpc_server()
    async with open_console(*settings(engine, tiny_model, worker)) as console:
        await console.cluster.look()
        worker.kill()
        await console.press("escape", "4", "z", "S")
        await until(lambda: bool(console.toasts))
        assert f"Backend {worker.address} is refused" in console.toasts[0]
        timeline = console.main.coordinator.timeline
        await until(lambda: "is refused" in timeline.text)
        assert timeline.text.count("is refused") == 1, timeline.text
