"""A model on its way from the registry into a node: server/images.go, `PullModel`, and server/download.go."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator

from tests.support.ollama.answers import BrokenHere
from tests.support.ollama.faults import Ending, Faults, Gate
from tests.support.ollama.forms import written
from tests.support.ollama.http import Exchange
from tests.support.ollama.models import FakeModel, full_name

STREAM = "application/x-ndjson"
UNKNOWN = "pull model manifest: file does not exist"
HUGE = 9 << 20
CONFIG_SIZE = 485
PIECES = 4
"""In how many steps a layer arrives."""


class PullFailed(Exception):  # noqa: N818  it is no error of the stand-in
    """What came instead of a model; its text is what the node reports."""


class Pulls:
    """Brings models from the registry; what has arrived of a layer stays, whatever breaks off."""

    def __init__(self, models: dict[str, FakeModel], registry: dict[str, FakeModel], faults: Faults) -> None:
        self.gate = Gate()
        """Where each line of a pull waits, by its place."""
        self.arrived: dict[str, int] = {}
        """Bytes of each layer that are there, by digest."""
        self._models = models
        self._registry = registry
        self._faults = faults

    async def stream(self, exchange: Exchange, name: str) -> None:
        """Line by line; the status is 200 before anything can go wrong."""
        await exchange.begin(STREAM)
        try:
            async for line in self._faulty(name):
                await exchange.send(line)
        except PullFailed as failed:
            await exchange.send(_line({"error": str(failed)}))
        except BrokenHere:
            exchange.reset()
            return
        await exchange.end()

    async def reply(self, exchange: Exchange, name: str) -> None:
        """Only how it ended.

        Raises:
            PullFailed: it did not come.
        """
        for _ in self._steps(name):
            pass
        await exchange.reply(200, written({"status": "success"}))

    async def _faulty(self, name: str) -> AsyncIterator[bytes]:
        faults = self._faults
        for place, step in enumerate(self._steps(name)):
            await self.gate.passing(place)
            if faults.pull_ending is not Ending.DONE and place >= faults.pull_ending_after:
                for line in self._broken(step):
                    yield line
                return
            yield _line(step)

    def _broken(self, step: dict[str, object]) -> Iterator[bytes]:
        match self._faults.pull_ending:
            case Ending.ERROR:
                raise PullFailed(self._faults.pull_error)
            case Ending.RESET:
                raise BrokenHere
            case Ending.HALF_A_LINE:
                yield _line(step)[:10]
            case Ending.GARBAGE:
                yield b"<html>\n"
            case Ending.HUGE_LINE:
                yield _line(step | {"status": "x" * HUGE})
            case _:
                pass

    def _steps(self, name: str) -> Iterator[dict[str, object]]:
        yield {"status": "pulling manifest"}
        model = self._registry.get(full_name(name) or "")
        if model is None:
            raise PullFailed(UNKNOWN)
        for digest, size in _layers(model):
            yield from self._layer(digest, size)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        self._models[model.name] = model
        yield {"status": "removing unused layers"}
        yield {"status": "success"}

    def _layer(self, digest: str, size: int) -> Iterator[dict[str, object]]:
        """One layer, from where it broke off; `completed` is left out while it is zero."""
        said = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size}
        arrived = self.arrived.get(digest, 0)
        if not arrived:
            yield dict(said)
        while arrived < size:
            arrived = min(size, arrived + -(-size // PIECES))
            self.arrived[digest] = arrived
            yield said | {"completed": arrived}
        yield said | {"completed": size}


def _layers(model: FakeModel) -> tuple[tuple[str, int], ...]:
    config = hashlib.sha256(f"{model.name} config".encode()).hexdigest()
    return (model.sha256, model.size - CONFIG_SIZE), (config, CONFIG_SIZE)


def _line(step: dict[str, object]) -> bytes:
    return written(step) + b"\n"
