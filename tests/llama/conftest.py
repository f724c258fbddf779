"""Coordinators on the real engine, without the core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from app.llama.client import LlamaClient
from app.llama.command import coordinator_command, coordinator_environment
from app.llama.engine import Engine
from app.llama.health import Health
from app.llama.log import parse_line, read_log
from app.llama.log_facts import LogFact
from app.llama.log_reader import read_fact
from app.llama.placement import PlacedDevice, PlacementReader
from app.llama.process import Child
from app.text.address import Address
from tests.support.engine import free_port

KEY = "a fresh key"
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A coordinator, and everything that one has of it."""

    child: Child
    client: LlamaClient
    port: int
    log: Path

    async def until_ready(self) -> None:
        """Wait until it can answer."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.client.health() is not Health.READY:
                assert self.child.running, self.log.read_text()
                await asyncio.sleep(0.02)

    def facts(self) -> list[LogFact]:
        """What the log says so far."""
        return [fact for line in read_log(self.log) if (fact := read_fact(parse_line(line)))]

    def placement(self) -> tuple[PlacedDevice, ...]:
        """Where the model went."""
        reader = PlacementReader()
        for line in read_log(self.log):
            reader.feed(parse_line(line))
        return reader.placement


class Coordinate(Protocol):
    """Runs a coordinator for as long as the block lasts."""

    def __call__(
        self, model: Path, *backends: Address, extra: Sequence[str] = (), port: int | None = None
    ) -> AbstractAsyncContextManager[Running]: ...


@pytest.fixture
def coordinator(engine: Engine, tmp_path: Path) -> Coordinate:
    @asynccontextmanager
    async def coordinator(
        model: Path, *backends: Address, extra: Sequence[str] = (), port: int | None = None
    ) -> AsyncIterator[Running]:
        port = port or free_port("127.0.0.1")
        argv = coordinator_command(
            engine.options,
            server=engine.server,
            model=model,
            backends=backends,
            port=port,
            alias="tiny:latest",
            context=1024,
            threads=1,
            extra=extra,
        )
        log = tmp_path / f"coordinator-{port}.log"
        environment = coordinator_environment({"PATH": "/usr/bin:/bin"}, KEY)
        child = await Child.start(argv, environment=environment, log=log)
        async with LlamaClient(f"http://127.0.0.1:{port}", KEY) as client:
            try:
                yield Running(child, client, port, log)
            finally:
                await client.aclose()
                await child.stop(5)

    return coordinator
