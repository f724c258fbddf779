"""How far the load of a model is: what each backend has been sent, of what it is to hold."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.box.sockets import bytes_sent
from app.core.events import CoordinatorChange, Teller
from app.llama.log import LogLine
from app.llama.log_facts import Initializing, LogFact, TensorsLoading, WarmingUp
from app.llama.placement import PlacementReader
from app.text.address import Address

LOOK_S = 0.5
EARNED_S = 10.0
EARNED_SHARE = 0.1
"""Before so much time and so great a share of the load, what is left is anybody's guess."""


class LoadPhase(StrEnum):
    """What a coordinator does before it is ready."""

    CONNECTING = "connecting"
    LOADING = "loading"
    WARMING_UP = "warming up"


@dataclass(frozen=True, slots=True)
class LoadShare:
    """What one backend has of what it is to hold, in bytes."""

    backend: Address
    sent: int
    whole: int


@dataclass(frozen=True, slots=True)
class LoadProgress(CoordinatorChange):
    """A load is so far."""

    phase: LoadPhase
    elapsed_s: float
    """Since the process was started."""
    shares: tuple[LoadShare, ...] = ()
    """Empty where nothing tells: before the plan is known, and without backends."""
    left_s: float | None = None
    """None until it can be told with some right."""

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing tells."""
        whole = sum(share.whole for share in self.shares)
        return sum(share.sent for share in self.shares) / whole if whole else None


class Loading:
    """Watches one load, by its log and by the bytes that go to the backends."""

    def __init__(self, bus: Teller, pid: int, backends: Sequence[Address]) -> None:
        self._bus = bus
        self._pid = pid
        self._backends = backends
        self._phase = LoadPhase.CONNECTING
        self._placement = PlacementReader()
        self._began = time.monotonic()
        self._tensors_since: float | None = None
        self._sent_before: Counter[Address] | None = None
        """When the present pass over the tensors began; None until it is looked at."""

    def take(self, line: LogLine, fact: LogFact) -> None:
        """Learn from a line of the log."""
        self._placement.feed(line)
        match fact:
            case Initializing():
                self._phase = LoadPhase.LOADING
            case TensorsLoading():
                self._tensors_since, self._sent_before = time.monotonic(), None
            case WarmingUp():
                self._phase = LoadPhase.WARMING_UP

    async def watch(self) -> None:
        """Tell how far it is, again and again; cancelled when it is over."""
        while True:
            sent = await asyncio.to_thread(bytes_sent, self._pid) if self._backends else None
            self._bus.publish(self._progress(sent))
            await asyncio.sleep(LOOK_S)

    def _progress(self, sent: Counter[Address] | None) -> LoadProgress:
        now = time.monotonic()
        progress = LoadProgress(self._phase, now - self._began)
        if sent is None or self._tensors_since is None or self._phase is not LoadPhase.LOADING:
            return progress
        if self._sent_before is None:
            self._sent_before = sent
        shares = tuple(self._shares(sent - self._sent_before))
        progress = LoadProgress(self._phase, progress.elapsed_s, shares)
        return LoadProgress(
            self._phase, progress.elapsed_s, shares, _left(progress.share, now - self._tensors_since)
        )

    def _shares(self, sent: Counter[Address]) -> list[LoadShare]:
        whole = Counter[Address]()
        for placed in self._placement.placement:
            if placed.address is not None:
                whole[placed.address] += placed.model_bytes
        return [LoadShare(b, min(sent[b], whole[b]), whole[b]) for b in self._backends if whole[b]]


def _left(share: float | None, elapsed_s: float) -> float | None:
    """What is left at the rate so far, where that has been long enough and far enough."""
    if share is None or share < EARNED_SHARE or elapsed_s < EARNED_S:
        return None
    return elapsed_s * (1 - share) / share
