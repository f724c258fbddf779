"""What a person does who was told only: find the workers, run the 405b model, see where it went, stop it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.core.coordinator_status import CoordinatorState
from app.llama.engine import Engine
from tests.support.console import NARROW, WIDE, OpenConsole
from tests.support.engine import RpcServerFactory, free_port
from tests.support.waiting import until


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_first_path_by_the_keys_that_are_shown(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    open_console: OpenConsole,
    tmp_path: Path,
    size: tuple[int, int],
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(tiny_model, models / "llama3.1-405b.gguf")
    port = free_port("127.0.0.2")
    workers = [rpc_server(host=f"127.0.0.{n}", port=port) for n in (2, 3)]
    settings = (
        "networks: [127.0.0.2/31]",
        f"ports: [{port}]",
        f"models: {{folders: [{models}]}}",
        f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}",
        "coordinator: {context: 512, threads: 1, on_quit: stop}",
        "placement: {backends: all}",
    )
    async with open_console(*settings, size=size, welcomed=True) as console:
        await console.shows("d  looks for backends on your networks")
        await console.press("d")
        await console.shows("2/2 backends")
        await console.press("escape", "escape")
        await console.shows("m model")
        await console.press("m")
        await console.type("405")
        await console.press("enter")
        await until(lambda: any("D spreads large models over 2 backends." in told for told in console.toasts))
        await console.press("D")
        await console.shows("distributed ON")
        await console.press("1")
        await console.type("a worker")
        await console.press("enter")
        await console.shows("coordinator over 2 backends")
        await until(lambda: not console.main.chat.answering)
        await console.press("escape", "w")
        await console.shows("▾ why")
        await console.press("4")
        for worker in workers:
            await console.shows(str(worker.address))
        await console.shows("x stop")
        await console.press("x")
        await console.shows("● stopped")
        current = console.cluster.coordinators.current
        assert current is not None
        assert current.status.state is CoordinatorState.STOPPED
    assert all(worker.alive for worker in workers)
