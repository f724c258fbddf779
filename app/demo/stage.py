"""The demo's cluster: two real RPC servers on loopback and a generated model in a store of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.core.worker import free_port, running_worker
from app.demo.model import write_model
from app.demo.store import add_to_store
from app.llama.engine import Engine
from app.ollama.names import parse_name
from app.text.address import Address
from app.text.problem import Problem

HOSTS = ("127.0.0.2", "127.0.0.3")
MODEL = "worker-demo:latest"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that the demo's cluster consists of; gone when the demo ends."""

    folder: Path
    config: Path
    """Settings that name all of it, and nothing else of this box."""


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
        backends = tuple(Address(host, free_port(host)) for host in HOSTS)
        async with AsyncExitStack() as workers:
            for address in backends:
                log = folder / f"worker-{address.host}.log"
                await workers.enter_async_context(
                    running_worker(engine.rpc_server, address, environment, log)
                )
            config = await asyncio.to_thread(_furnish, folder, backends, engine)
            yield Stage(folder, config)


def _furnish(folder: Path, backends: tuple[Address, ...], engine: Engine) -> Path:
    """Write the model, the store and the settings; blocks on the disk."""
    gguf = folder / "model.gguf"
    write_model(gguf)
    add_to_store(folder / "store", parse_name(MODEL), gguf)
    gguf.unlink()
    words = [str(address) for address in backends]
    settings = {
        "mode": "distributed",
        "distributed_inference": True,
        "model": MODEL,
        "backends": words,
        "networks": words,
        "nodes": [],
        "engine": {"server": str(engine.server), "rpc_server": str(engine.rpc_server)},
        "models": {"store": str(folder / "store")},
        "coordinator": {"context": 2048, "threads": 1, "on_quit": "stop"},
        # One of them would do: the demo is there to show both.
        "placement": {"backends": "all"},
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    return config
