"""How far what is told from a header is from what the engine takes, and what it costs to tell.

`python -m tests.benchmarks.estimate` prints the figures.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from app.gguf.header import read_model
from app.gguf.memory import CacheType, needs_of
from app.text.units import MIB
from tests.support.architectures import ARCHITECTURES
from tests.support.engine import find_engine, rpc_servers
from tests.support.models import LLAMA_70B, LLAMA_405B, write_llama
from tests.support.placing import Compared, Setting, compare, place

CONTEXTS = (2048, 20_000)
TYPES = ((CacheType.F16, CacheType.F16), (CacheType.Q8_0, CacheType.Q8_0))
HOSTS = ("127.0.0.2", "127.0.0.3")
ROUNDS = 7


def measure() -> dict[str, float]:
    """Errors of each device in %, and milliseconds and MiB for the headers of large models."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        devices = list(_devices(folder))
        errors = sorted(abs(device.error) for device in devices)
        rooms = [100 * (device.allowance / device.compute - 1) for device in devices if device.layers > 1]
        return {
            "estimate: weights and caches of a device, median error, %": statistics.median(errors),
            "estimate: weights and caches of a device, worst error, %": errors[-1],
            "estimate: allowance above the compute buffer, median, %": statistics.median(rooms),
            "estimate: allowance above the compute buffer, least, %": min(rooms),
            **dict(_costs(folder)),
        }


def _devices(folder: Path) -> Iterator[Compared]:
    """Every device of every architecture in every setting."""
    engine = asyncio.run(find_engine())
    for name, architecture in ARCHITECTURES.items():
        model = architecture.write(folder / f"{name}.gguf")
        needs = needs_of(read_model(model))
        for context, (k, v) in itertools.product(CONTEXTS, TYPES):
            setting = Setting(context, k, v)
            with rpc_servers(engine) as start:
                backends = [start(host=host).address for host in HOSTS]
                yield from compare(needs, place(engine, model, backends, setting, folder), setting)


def _costs(folder: Path) -> Iterator[tuple[str, float]]:
    for shape in (LLAMA_70B, LLAMA_405B):
        path = write_llama(folder / f"{shape.size_label}.gguf", shape, has_vocabulary=True)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            needs_of(read_model(path))
            times.append(time.perf_counter() - began)
        tracemalloc.start()
        needs_of(read_model(path))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        yield f"estimate: header of {shape.size_label}, ms", statistics.median(times) * 1000
        yield f"estimate: header of {shape.size_label}, MiB", peak / MIB


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:<60}{figure:>14,.2f}\n")
