"""What 256 backends cost while each is probed twice a second, in the order of their round trips.

A console in a real terminal with the backends pane zoomed; each probe has another round trip, so that the
order changes all the time. `python -m tests.benchmarks.table` prints the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.cli.console import show
from app.core.cluster import Cluster
from app.text.address import Address
from tests.benchmarks.log import _in_terminal, _percentile, _read, _read_until
from tests.support.console import free, lonely_cluster

BACKENDS = tuple(Address(f"127.0.{net}.{host}", 50052) for net in (2, 3) for host in range(1, 129))
PROBES_PER_S = 2 * len(BACKENDS)
KEYS = 60
_SIGN = "¤"
_BEAT_S = 0.02
_TO_THE_ROUND_TRIPS = (b"\x1b", b"2", b"o", b"o", b"o", b"o", b"o", b"z", b":")
_START_S = 8.0
"""In which the console starts and these keys are pressed: their lag is not the table's."""


def measure() -> dict[str, float]:
    """Key to paint on the line for commands, lag of the loop, processor time and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        terminal, console = _in_terminal(
            [sys.executable, "-m", "tests.benchmarks.table", "console", str(report)]
        )
        try:
            _read_until(terminal, b"events", 30)
            _read(terminal, 3)
            latencies, sent, seconds = _press_keys(terminal)
            os.write(terminal, b"\x1b\x11")
            while console.poll() is None:
                _read(terminal, 0.1)
            told = json.loads(report.read_text())
        finally:
            console.kill()
            console.wait()
            os.close(terminal)
    return {
        "table: key to paint, median, ms": statistics.median(latencies) * 1000,
        "table: key to paint, 99th percentile, ms": _percentile(latencies, 0.99) * 1000,
        "table: bytes to the terminal per second": sent / seconds,
        **told,
    }


def _press_keys(terminal: int) -> tuple[list[float], int, float]:
    """The seconds until each sign is drawn; the bytes meanwhile, and how long it took."""
    for key in _TO_THE_ROUND_TRIPS:
        os.write(terminal, key)
        _read(terminal, 0.4)
    latencies, sent, start = list[float](), 0, time.perf_counter()
    for turn in range(KEYS):
        sent += len(_read(terminal, 0.15 + 0.007 * turn % 0.1))
        began = time.perf_counter()
        os.write(terminal, _SIGN.encode())
        sent += _read_until(terminal, _SIGN.encode(), 5)
        latencies.append(time.perf_counter() - began)
        os.write(terminal, b"\x7f")
    return latencies, sent, time.perf_counter() - start


@dataclass
class _Sweep:
    """Probes at an even rate, whatever the console does meanwhile."""

    probed: int = 0
    lags: list[float] = field(default_factory=list)
    """How much later than it should the loop came round."""
    began: float = field(default_factory=time.monotonic)
    processor_s: float = field(default_factory=time.process_time)

    async def probe(self, cluster: Cluster) -> None:
        """Take in what is due, beat by beat."""
        chance = random.Random(1)
        while True:
            while self.probed < (time.monotonic() - self.began) * PROBES_PER_S:
                latency_ms = chance.uniform(0.2, 30.0)
                cluster.backends.take(free(BACKENDS[self.probed % len(BACKENDS)], latency_ms), "sweep")
                self.probed += 1
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            if time.monotonic() - self.began > _START_S:
                self.lags.append(time.perf_counter() - began - _BEAT_S)

    def told(self) -> dict[str, float]:
        """How that went."""
        seconds = time.monotonic() - self.began
        return {
            "table: lag of the loop, 99th percentile, ms": _percentile(self.lags, 0.99) * 1000,
            "table: processor time, % of one core": 100 * (time.process_time() - self.processor_s) / seconds,
            "table: probes taken in per second": self.probed / seconds,
        }


async def _console(report: Path) -> None:
    async with lonely_cluster(report.parent) as cluster:
        sweep = _Sweep()

        async def opened() -> Cluster:
            return cluster

        probing = asyncio.create_task(sweep.probe(cluster))
        await show(opened)
        told = sweep.told()
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
    await asyncio.to_thread(report.write_text, json.dumps(told))


def main(arguments: list[str]) -> None:
    """Be the console, or measure it."""
    match arguments:
        case ["console", report]:
            asyncio.run(_console(Path(report)))
        case _:
            for name, figure in measure().items():
                sys.stdout.write(f"{name:<50}{figure:>14,.1f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
