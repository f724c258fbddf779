"""Where the real engine puts a model, beside what was estimated from its header."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.gguf.memory import CacheType, Needs
from app.llama.command import coordinator_command, coordinator_environment
from app.llama.engine import Engine
from app.llama.log import parse_line, read_log
from app.llama.log_facts import Listening
from app.llama.log_reader import read_fact
from app.llama.placement import PlacedDevice, PlacementReader
from app.text.address import Address
from tests.support.engine import free_port

LOAD_S = 60.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is loaded."""

    context: int
    k: CacheType = CacheType.F16
    v: CacheType = CacheType.F16
    split: str | None = None
    """Shares of the backends, as `-ts` takes them; None: the engine's own."""

    @property
    def options(self) -> tuple[str, ...]:
        """For llama-server; at this level its log names the device of each layer."""
        split = ("-ts", self.split) if self.split else ()
        return ("-ctk", self.k, "-ctv", self.v, *split, "-lv", "5")


@dataclass(frozen=True, slots=True)
class Compared:
    """One backend's device: what was estimated, and what the engine took, in bytes."""

    layers: int
    estimate: int
    """Weights and caches."""
    actual: int
    allowance: int
    compute: int

    @property
    def error(self) -> float:
        """Of the estimate, in % of what was taken; too much is positive."""
        return 100 * (self.estimate / self.actual - 1)


def place(
    engine: Engine, model: Path, backends: Sequence[Address], setting: Setting, folder: Path
) -> tuple[PlacedDevice, ...]:
    """Load the model over the backends, end the server, and tell where everything was."""
    log = folder / "placing.log"
    command = coordinator_command(
        engine.options,
        server=engine.server,
        model=model,
        backends=backends,
        port=free_port("127.0.0.1"),
        alias=model.stem,
        context=setting.context,
        threads=1,
        extra=setting.options,
    )
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env=coordinator_environment({"PATH": "/usr/bin:/bin"}, "a key"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _until_listening(server, log)
    finally:
        server.kill()
        server.wait()
    reader = PlacementReader()
    for line in read_log(log):
        reader.feed(parse_line(line))
    return reader.placement


def compare(needs: Needs, placement: Sequence[PlacedDevice], setting: Setting) -> list[Compared]:
    """The devices of the backends, in the order in which they got layers."""
    compared, first = [], 0
    for device in placement:
        if device.address is None:
            continue
        assert device.layers is not None
        estimate = needs.weights_of(first, device.layers)
        estimate += needs.cache_of(first, device.layers, setting.context, setting.k, setting.v)
        first += device.layers
        has_output = first > len(needs.layers)
        compared.append(
            Compared(
                layers=device.layers,
                estimate=estimate,
                actual=device.model_bytes + device.kv_bytes,
                allowance=needs.compute_bytes(setting.context, has_output=has_output),
                compute=device.compute_bytes,
            )
        )
    assert first == len(needs.layers) + 1
    return compared


def _until_listening(server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + LOAD_S
    while time.monotonic() < deadline:
        lines = [parse_line(line) for line in read_log(log)]
        if any(isinstance(read_fact(line), Listening) for line in lines):
            return
        assert server.poll() is None, "\n".join(line.text for line in lines[-10:])
        time.sleep(0.05)
    raise AssertionError(f"The model is not loaded after {LOAD_S} s.")
