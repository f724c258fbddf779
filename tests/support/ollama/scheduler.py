"""Which models are loaded, and who may use them: server/sched.go in small."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.ollama.faults import Faults, Gate
from tests.support.ollama.models import FakeModel

RUNNER_OPTIONS = {
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "use_mmap",
    "num_thread",
    "draft_num_predict",
}
"""Those that a model is loaded with; another value of one makes it load anew."""
DEFAULT_CONTEXT = 4096
DEFAULT_KEEP_ALIVE_S = 300.0
FOREVER_S = (2**63 - 1) / 1e9
"""The longest duration of Go."""
BUSY = "server busy, please try again.  maximum pending requests exceeded"

_DURATION = re.compile(r"([0-9.]+)(ms|h|m|s)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class QueueFull(Exception):  # noqa: N818  it is no error of the stand-in
    """Too many wait for a load."""


class LoadFailed(Exception):  # noqa: N818  it is no error of the stand-in
    """A model cannot be loaded."""


@dataclass(slots=True, eq=False)
class Runner:
    """One loaded model."""

    model: FakeModel
    options: Mapping[str, object]
    places: asyncio.Semaphore
    keep_alive_s: float = DEFAULT_KEEP_ALIVE_S
    users: int = 0
    """Requests that have a place, or wait for one."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    expires_ns: int = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def context_length(self) -> int:
        """Tokens that one conversation can have."""
        asked = self.options.get("num_ctx")
        return min(asked if isinstance(asked, int) else DEFAULT_CONTEXT, self.model.context_length)

    def serves(self, options: Mapping[str, object]) -> bool:
        """Whether it can be used with these options as it is; `num_gpu` counts only where it is set."""
        wanted, own = dict(options), dict(self.options)
        if wanted.get("num_gpu", -1) == -1:
            wanted.pop("num_gpu", None)
            own.pop("num_gpu", None)
        return wanted == own


class Scheduler:
    """Loads one model at a time, serves each to a few at once, unloads what is not asked for."""

    def __init__(self, faults: Faults, *, num_parallel: int, max_loaded: int, max_queue: int) -> None:
        self.loaded: dict[str, Runner] = {}
        self.loads = 0
        self.reloads = 0
        """Loads of a model that was loaded already, but with other options."""
        self.gate = Gate()
        """Where a load waits."""
        self.in_flight = 0
        """Requests that have a place."""
        self.waiting = 0
        """Requests that wait for a place with a loaded model."""
        self._faults = faults
        self._num_parallel = num_parallel
        self._max_loaded = max_loaded
        self._max_queue = max_queue
        self._pending = 0
        self._loader = asyncio.Lock()

    @asynccontextmanager
    async def use(
        self, model: FakeModel, options: Mapping[str, object], keep_alive_s: float
    ) -> AsyncIterator[Runner]:
        """Have a place with a model, loaded if it is not.

        Raises:
            QueueFull: too many wait for a load.
            LoadFailed: it cannot be loaded.
        """
        runner = await self._loaded(model, {k: v for k, v in options.items() if k in RUNNER_OPTIONS})
        self._take(runner, keep_alive_s)
        try:
            async with self._place(runner):
                yield runner
        finally:
            self._give_back(runner)

    def expire(self, name: str) -> None:
        """Unload a model as soon as nobody uses it."""
        if runner := self.loaded.get(name):
            runner.keep_alive_s = 0
            if not runner.users:
                self._unload(runner)

    def close(self) -> None:
        """Unload all."""
        for runner in tuple(self.loaded.values()):
            self._unload(runner)

    async def _loaded(self, model: FakeModel, options: Mapping[str, object]) -> Runner:
        runner = self.loaded.get(model.name)
        if runner and runner.serves(options):
            return runner
        if self._faults.busy or self._pending >= self._max_queue:
            raise QueueFull(BUSY)
        self._pending += 1
        try:
            async with self._loader:
                return await self._load(model, options)
        finally:
            self._pending -= 1

    async def _load(self, model: FakeModel, options: Mapping[str, object]) -> Runner:
        while runner := self.loaded.get(model.name):
            if runner.serves(options):
                return runner
            if not runner.users:
                self.reloads += 1
                self._unload(runner)
            else:
                await runner.idle.wait()
        while len(self.loaded) >= self._max_loaded:
            victim = min(self.loaded.values(), key=lambda other: (other.users, other.expires_ns))
            await victim.idle.wait()
            self._unload(victim)
        self.loads += 1
        await self.gate.passing()
        if self._faults.load_error:
            raise LoadFailed(self._faults.load_error)
        runner = Runner(model, options, asyncio.Semaphore(self._num_parallel))
        self.loaded[model.name] = runner
        return runner

    @asynccontextmanager
    async def _place(self, runner: Runner) -> AsyncIterator[None]:
        self.waiting += 1
        try:
            await runner.places.acquire()
        finally:
            self.waiting -= 1
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            runner.places.release()

    def _take(self, runner: Runner, keep_alive_s: float) -> None:
        runner.users += 1
        runner.idle.clear()
        runner.keep_alive_s = keep_alive_s
        if runner.timer:
            runner.timer.cancel()

    def _give_back(self, runner: Runner) -> None:
        runner.users -= 1
        if runner.users:
            return
        runner.idle.set()
        runner.expires_ns = time.time_ns() + round(runner.keep_alive_s * 1e9)
        if runner.keep_alive_s <= 0:
            self._unload(runner)
        elif runner.keep_alive_s < FOREVER_S:
            loop = asyncio.get_running_loop()
            runner.timer = loop.call_later(runner.keep_alive_s, self._unload, runner)

    def _unload(self, runner: Runner) -> None:
        if runner.timer:
            runner.timer.cancel()
        if self.loaded.get(runner.model.name) is runner:
            del self.loaded[runner.model.name]


def keep_alive_s(asked: object) -> float:
    """How long to keep a model: seconds, or a duration as Go writes it; negative is for ever."""
    if asked is None:
        return DEFAULT_KEEP_ALIVE_S
    if isinstance(asked, int | float):
        duration_s = float(asked)
    elif isinstance(asked, str) and _DURATION.sub("", asked) in ("", "-", "0"):
        duration_s = sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(asked))
        duration_s = -duration_s if asked.startswith("-") else duration_s
    else:
        raise ValueError(f'time: invalid duration "{asked}"')
    return FOREVER_S if duration_s < 0 else duration_s
