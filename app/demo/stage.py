"""The demo's cluster: two real RPC servers on loopback and a generated model in a store of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.demo.model import write_model
from app.demo.store import add_to_store
from app.llama.command import rpc_server_command, rpc_server_environment
from app.llama.engine import Engine
from app.llama.process import Child
from app.ollama.names import parse_name
from app.rpc.probe import BackendState, ProbeLimits, probe
from app.text.address import Address
from app.text.problem import Problem

HOSTS = ("127.0.0.2", "127.0.0.3")
MODEL = "worker-demo:latest"
START_DEADLINE_S = 20
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that the demo's cluster consists of; gone when the demo ends."""

    folder: Path
    config: Path
    """Settings that name all of it, and nothing else of this box."""
    model: str
    backends: tuple[Address, ...]


@asynccontextmanager
async def stage(engine: Engine, environment: Mapping[str, str]) -> AsyncIterator[Stage]:
    """Set the demo up, and remove all of it at the end, also after an interrupt.

    Raises:
        Problem: the engine has no RPC server, or a server does not start.
    """
    if engine.rpc_server is None:
        raise Problem(
            f"There is no RPC server program beside {engine.server}.",
            "Fetch one with 'synaptic-tui engine get'.",
        )
    with tempfile.TemporaryDirectory(prefix="synaptic-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with AsyncExitStack() as workers:
            backends = tuple(Address(host, port) for host, port in zip(HOSTS, _free_ports(), strict=True))
            for address in backends:
                child = await _start(engine.rpc_server, address, environment, folder)
                workers.push_async_callback(child.stop, 1)
            await asyncio.gather(*(_until_free(address) for address in backends))
            config = await asyncio.to_thread(_furnish, folder, backends)
            yield Stage(folder, config, MODEL, backends)


async def _start(program: Path, address: Address, environment: Mapping[str, str], folder: Path) -> Child:
    return await Child.start(
        rpc_server_command(program, address, threads=1),
        environment=rpc_server_environment(environment),
        log=folder / f"worker-{address.host}.log",
        dies_with_us=True,
    )


async def _until_free(address: Address) -> None:
    deadline = asyncio.get_running_loop().time() + START_DEADLINE_S
    while (seen := await probe(address, client=None, limits=ProbeLimits())).state is not BackendState.FREE:
        if asyncio.get_running_loop().time() > deadline:
            raise Problem(f"The demo's RPC server at {address} does not start: it is {seen.state}.")
        await asyncio.sleep(POLL_S)


def _furnish(folder: Path, backends: tuple[Address, ...]) -> Path:
    """Write the model, the store and the settings; blocks on the disk."""
    gguf = folder / "model.gguf"
    write_model(gguf)
    add_to_store(folder / "store", parse_name(MODEL), gguf)
    gguf.unlink()
    config = folder / "config.yaml"
    config.write_text(
        "\n".join(
            (
                "mode: distributed",
                "distributed_inference: true",
                f"model: {MODEL}",
                f"networks: [{', '.join(HOSTS)}]",
                f"ports: [{', '.join(str(port) for port in sorted({a.port for a in backends}))}]",
                f"backends: [{', '.join(str(address) for address in backends)}]",
                f"models: {{store: {folder / 'store'}}}",
                "coordinator: {context: 2048, threads: 1, on_quit: stop}",
                "",
            )
        )
    )
    return config


def _free_ports() -> tuple[int, ...]:
    """A free port for each host, all taken before any is let go."""
    held = [socket.socket() for _ in HOSTS]
    try:
        for host, free in zip(HOSTS, held, strict=True):
            free.bind((host, 0))
        return tuple(free.getsockname()[1] for free in held)
    finally:
        for free in held:
            free.close()
