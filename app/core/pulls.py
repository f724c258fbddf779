"""Pulls: models on their way to a node, a few at a time; the others wait for their turn."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass, replace

from app.core.events import Bus, Change
from app.core.pool import Pool
from app.ollama.client import PullStep
from app.text.problem import Problem
from app.text.units import bytes_text, duration_text

AT_ONCE = 2
"""More share the line to the registry, and none of them comes sooner."""
AT_MOST = 16
"""Under way and waiting."""
_RATE_OVER_S = 5.0
_SAMPLE_S = 0.25


class PullStopped(Problem):
    """A pull that somebody stopped."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One model on its way to a node; None for what is not known yet."""

    url: str
    model: str
    status: str = "waiting"
    """What the node is at, in Ollama's words."""
    total: int | None = None
    """Bytes of the layers that the node has told of so far."""
    completed: int = 0
    """Bytes of them that are there."""
    rate: float | None = None
    """Bytes per second, of late."""

    @property
    def share(self) -> float | None:
        """How much of it is there, from 0 to 1."""
        return self.completed / self.total if self.total else None

    @property
    def left_s(self) -> float | None:
        """How much longer it takes at that rate."""
        return (self.total - self.completed) / self.rate if self.total and self.rate else None

    @property
    def percent(self) -> int | None:
        """How much of it is there; 100 only when all is."""
        return None if self.share is None else int(100 * self.share)

    def __str__(self) -> str:
        """`34 %  34.2 MiB/s  53 s left  1.2 GiB of 3.0 GiB  pulling 667b0c1932bc`, as far as it is known."""
        said = []
        if self.percent is not None:
            said.append(f"{self.percent} %")
        if self.rate is not None and self.left_s:
            said += [f"{bytes_text(round(self.rate))}/s", f"{duration_text(self.left_s)} left"]
        if self.total is not None:
            said.append(f"{bytes_text(self.completed)} of {bytes_text(self.total)}")
        return "  ".join((*said, self.status))


@dataclass(frozen=True, slots=True)
class PullSeen(Change):
    """A pull has begun, or has come further."""

    pull: Pull

    @property
    def thing(self) -> Hashable:
        """One pull."""
        return ("pull", self.pull.url, self.pull.model)


@dataclass(frozen=True, slots=True)
class PullEnded(Change):
    """A pull is over, however it ended."""

    url: str
    model: str

    @property
    def thing(self) -> Hashable:
        """One pull: replaces whatever was said of it before."""
        return ("pull", self.url, self.model)


class Pulls:
    """All pulls that are under way or wait."""

    def __init__(self, bus: Bus, pool: Pool) -> None:
        self._bus = bus
        self._pool = pool
        self._pulls: dict[tuple[str, str], Pull] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    @property
    def now(self) -> tuple[Pull, ...]:
        """Every pull, those that began first at the front."""
        return tuple(self._pulls.values())

    async def pull(self, url: str, model: str) -> None:
        """Bring `model` to the node at `url`, and wait until it is there; being cancelled stops it.

        Raises:
            PullStopped: somebody stopped it.
            Problem: it is under way already, too many are, or the node could not.
        """
        key = (url, model)
        if key in self._pulls:
            raise Problem(f"{model} is on its way to {url} already.")
        if len(self._pulls) >= AT_MOST:
            raise Problem(f"{AT_MOST} pulls are under way or wait.", "Stop one, or wait until one has ended.")
        self._show(Pull(url, model))
        task = self._tasks[key] = asyncio.create_task(self._run(url, model), name=f"pull {model}")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            del self._pulls[key], self._tasks[key]
            self._bus.publish(PullEnded(url, model))
            # Last, because whoever is in a hurry to leave may cancel this too.
            await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            raise PullStopped(
                f"The pull of {model} to {url} was stopped.", "What has arrived stays: pulling again goes on."
            )
        await task

    def stop(self, url: str, model: str) -> None:
        """Stop a pull; what has arrived stays on the node.

        Raises:
            Problem: there is no such pull.
        """
        task = self._tasks.get((url, model))
        if task is None:
            raise Problem(f"{model} is not on its way to {url}.")
        task.cancel()

    async def _run(self, url: str, model: str) -> None:
        async with self._places:
            started, meter, pull = time.monotonic(), Meter(time.monotonic), Pull(url, model)
            with self._pool.tending(url) as client:
                async with aclosing(client.pull(model)) as steps:
                    async for step in steps:
                        pull = meter.take(pull, step)
                        self._show(pull)
        self._bus.say(url, f"pulled {model} in {duration_text(time.monotonic() - started)}")
        await self._pool.refresh_one(url)

    def _show(self, pull: Pull) -> None:
        if self._pulls.get((pull.url, pull.model)) != pull:
            self._pulls[pull.url, pull.model] = pull
            self._bus.publish(PullSeen(pull))


class Meter:
    """Adds up the layers of a pull, and measures how fast they come; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._totals: dict[str, int] = {}
        self._completed: dict[str, int] = {}
        self._before: dict[str, int] = {}
        """What was there of each layer when it was first told of: it did not come over the line now."""
        self._samples: deque[tuple[float, int]] = deque(maxlen=round(_RATE_OVER_S / _SAMPLE_S))

    def take(self, pull: Pull, step: PullStep) -> Pull:
        """The pull as it is after a step."""
        if step.digest is not None and step.total is not None:
            self._before.setdefault(step.digest, step.completed)
            self._totals[step.digest] = step.total
            self._completed[step.digest] = step.completed
        total = sum(self._totals.values()) or None
        return replace(
            pull, status=step.status, total=total, completed=sum(self._completed.values()), rate=self._rate()
        )

    def _rate(self) -> float | None:
        now, come = self._clock(), sum(self._completed.values()) - sum(self._before.values())
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append((now, come))
        then, had = self._samples[0]
        return (come - had) / (now - then) if now - then >= _SAMPLE_S else None
