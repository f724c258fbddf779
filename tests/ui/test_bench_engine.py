"""A bench in the console, on the real engine: told on its way, shown at its end, ended by Esc."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.llama.engine import Engine
from app.ui.command import CommandProblem
from tests.support.console import OpenConsole
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


async def test_a_bench_ends_with_its_table(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_console: OpenConsole
) -> None:
    worker = rpc_server()
    async with open_console(*settings(engine, tiny_model, worker)) as console:
        await console.command("bench placement")
        await console.shows("Nothing is faster than as planned")
        await console.shows(f"{worker.address} (5)")
        await console.press("escape")
        timeline = console.main.coordinator.timeline
        await until(lambda: "placement 1 of 1, as planned" in timeline.text, "its way in the timeline")
        await console.command("bench forget")
        await until(
            lambda: any("1 measurement of" in toast for toast in console.toasts), "what was forgotten"
        )


async def test_escape_ends_a_bench_and_its_coordinator(
    engine: Engine, rpc_server: RpcServerFactory, endless_model: Path, open_console: OpenConsole
) -> None:
    worker = rpc_server()
    async with open_console(*settings(engine, endless_model, worker)) as console:
        cluster = console.cluster
        await console.command("bench placement")
        await until(lambda: cluster.coordinators.running is not None, "the coordinator of the bench")
        with pytest.raises(CommandProblem, match="is under way"):
            console.main.obey("bench placement tiny")
        await console.press("escape")
        await until(lambda: cluster.bench.running is None, "the end of the bench")
        assert cluster.coordinators.running is None
        assert not cluster.places.winners.exists()
