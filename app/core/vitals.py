"""How this box itself is doing, read again and again: the more often, the closer somebody looks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from app.box.accelerators import read_all_gpus
from app.box.gpus import Gpu
from app.box.vitals import Vitals, read_vitals
from app.core.events import Bus, Change
from app.core.history import History

UNSEEN_S = 30.0
"""Between two readings while nobody looks."""
FIRST_SPAN_S = 0.5
"""From the first reading to the second: only two of them tell how busy the processor is."""
GPU_TIMES = 2
"""The GPUs are read so many times less often: asking them takes a process."""
STRETCH_S = 10.0
STRETCHES = 60
MINUTE_S = 60.0
MINUTES = 8

ReadGpus = Callable[[], Awaitable[tuple[Gpu, ...] | None]]


@dataclass(frozen=True, slots=True)
class VitalsRead(Change):
    """This box is now as `vitals` says."""

    vitals: Vitals


class BoxHistory:
    """The figures of this box over the last ten minutes."""

    def __init__(self) -> None:
        self.cpu = _history()
        """Percent."""
        self.cpu_by_minute = History(MINUTE_S, MINUTES)
        """The same, for what is in sight all the time: an idle console is to draw next to nothing."""
        self.memory = _history()
        """Percent in use."""
        self.gpus: defaultdict[int, History] = defaultdict(_history)
        """Percent at work, by the index of the GPU."""

    def put(self, at_s: float, vitals: Vitals) -> None:
        """Take in a reading."""
        self.cpu.put(at_s, vitals.cpu_percent)
        self.cpu_by_minute.put(at_s, vitals.cpu_percent)
        self.memory.put(at_s, 100 * vitals.memory_used_bytes / vitals.memory_total_bytes)
        for gpu in vitals.gpus or ():
            self.gpus[gpu.index].put(at_s, gpu.busy_percent)


class BoxWatch:
    """Reads the vitals of this box and publishes them."""

    def __init__(self, bus: Bus, read_gpus: ReadGpus = read_all_gpus) -> None:
        self._bus = bus
        self._read_gpus = read_gpus
        self._looks = Counter[float]()
        self._looks_changed = asyncio.Event()
        self._gpus: tuple[Gpu, ...] | None = None
        self.latest: Vitals | None = None
        self.history = BoxHistory()

    @property
    def interval_s(self) -> float:
        """How long it is from one reading to the next, as long as nobody begins to look closer."""
        return min(+self._looks, default=UNSEEN_S)

    @contextmanager
    def looked_at(self, every_s: float) -> Iterator[None]:
        """While this lasts, somebody wants a reading that often."""
        self._looks[every_s] += 1
        self._looks_changed.set()
        try:
            yield
        finally:
            self._looks[every_s] -= 1

    async def watch(self) -> None:
        """Read again and again, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_gpus(), name="watch the GPUs")
            group.create_task(self._watch_vitals(), name="watch the vitals")

    async def _watch_vitals(self) -> None:
        await self._read_vitals()
        await asyncio.sleep(FIRST_SPAN_S)
        while True:
            await self._read_vitals()
            await self._pause(1)

    async def _read_vitals(self) -> None:
        self.latest = await asyncio.to_thread(read_vitals, self.latest, self._gpus)
        self.history.put(time.monotonic(), self.latest)
        self._bus.publish(VitalsRead(self.latest))

    async def _watch_gpus(self) -> None:
        """Apart from the rest, because a driver may take its time."""
        while True:
            self._gpus = await self._read_gpus()
            await self._pause(GPU_TIMES)

    async def _pause(self, times: int) -> None:
        begun = time.monotonic()
        while (left_s := begun + times * self.interval_s - time.monotonic()) > 0:
            self._looks_changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._looks_changed.wait()


def _history() -> History:
    return History(STRETCH_S, STRETCHES)
