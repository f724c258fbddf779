"""How far the load of a model is: what each backend has been sent of what it is to hold, and how fast."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.box.process_work import process_work
from app.box.sockets import traffic_of
from app.core.bottleneck import Bottleneck, LoadReading, bottleneck
from app.core.events import CoordinatorChange, Teller
from app.core.plan import Plan
from app.llama.log import LogLine
from app.llama.log_facts import Initializing, LogFact, TensorsLoading, WarmingUp
from app.llama.placement import PlacementReader
from app.text.address import Address

LOOK_S = 0.5
LOOKS_KEPT = 11
"""Some five seconds: rates and the bottleneck are of these, so they follow what happens, but no hiccup."""
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
    """Received there, as its kernel has told ours."""
    whole: int
    rate: float | None = None
    """Bytes per second, over the last seconds; None before there were two looks."""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.sent / self.whole


@dataclass(frozen=True, slots=True)
class LoadProgress(CoordinatorChange):
    """A load is so far."""

    phase: LoadPhase
    elapsed_s: float
    """Since the process was started."""
    shares: tuple[LoadShare, ...] = ()
    """Empty where nothing tells: before the weights are loaded, and without backends."""
    left_s: float | None = None
    """None until it can be told with some right."""
    bottleneck: Bottleneck | None = None
    """Over the last seconds; None where the numbers do not show one."""

    @property
    def sent(self) -> int:
        """By all backends together."""
        return sum(share.sent for share in self.shares)

    @property
    def whole(self) -> int:
        """Of all backends together."""
        return sum(share.whole for share in self.shares)

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing tells."""
        return self.sent / self.whole if self.whole else None

    @property
    def rate(self) -> float | None:
        """To all backends together; None where that of none is known."""
        known = [share.rate for share in self.shares if share.rate is not None]
        return sum(known) if known else None


class Loading:
    """Watches one load, by its log and by the counters of the kernel."""

    def __init__(
        self,
        bus: Teller,
        pid: int,
        backends: Sequence[Address],
        *,
        plan: Plan | None = None,
        age_s: float = 0.0,
    ) -> None:
        self._bus = bus
        self._pid = pid
        self._backends = backends
        self._planned = Counter[Address]()
        for row in plan.rows if plan is not None else ():
            self._planned[row.backend] += row.weights_bytes
        self._phase = LoadPhase.CONNECTING
        self._placement = PlacementReader()
        self._began = time.monotonic() - age_s
        self._tensors_since: float | None = None
        """When the present pass over the tensors began."""
        self._sent_before = Counter[Address]()
        """By then."""
        self._readings = deque[LoadReading](maxlen=LOOKS_KEPT)
        self.latest: LoadProgress | None = None
        """As of the last look."""

    def take(self, line: LogLine, fact: LogFact) -> None:
        """Learn from a line of the log."""
        self._placement.feed(line)
        match fact:
            case Initializing():
                self._phase = LoadPhase.LOADING
            case TensorsLoading():
                self._begin_pass(time.monotonic() if line.time_s is None else self._began + line.time_s)
            case WarmingUp():
                self._phase = LoadPhase.WARMING_UP

    async def watch(self) -> None:
        """Tell how far it is, again and again; cancelled when it is over."""
        while True:
            reading = await asyncio.to_thread(_read, self._pid)
            self._bus.publish(self.look(reading))
            await asyncio.sleep(LOOK_S)

    def look(self, reading: LoadReading) -> LoadProgress:
        """Learn from the counters, and tell how far it is."""
        self._readings.append(reading)
        progress = LoadProgress(self._phase, reading.at_s - self._began)
        if self._phase is LoadPhase.LOADING:
            progress = replace(progress, bottleneck=bottleneck(self._readings))
            if reading.traffic is not None and self._tensors_since is not None:
                progress = replace(progress, shares=tuple(self._shares(_sent(reading))))
                left_s = _left(progress.share, reading.at_s - self._tensors_since)
                progress = replace(progress, left_s=left_s)
        self.latest = progress
        return progress

    def _begin_pass(self, at_s: float) -> None:
        """What was sent until now was for another pass; nothing, where we were not there to look."""
        earlier = [reading for reading in self._readings if reading.at_s <= at_s]
        self._sent_before = _sent(earlier[-1]) if earlier else Counter()
        self._tensors_since = at_s
        self._readings.clear()

    def _shares(self, sent: Counter[Address]) -> Iterator[LoadShare]:
        """Of what the log says that each backend is to hold; until it does, of what was planned."""
        whole = Counter[Address]()
        for placed in self._placement.placement:
            if placed.address is not None:
                whole[placed.address] += placed.model_bytes
        whole = whole or self._planned
        for backend in self._backends:
            if whole[backend]:
                so_far = min(sent[backend] - self._sent_before[backend], whole[backend])
                yield LoadShare(backend, max(0, so_far), whole[backend], self._rate(backend))

    def _rate(self, backend: Address) -> float | None:
        first, last = self._readings[0], self._readings[-1]
        took_s = last.at_s - first.at_s
        sent = _sent(last)[backend] - _sent(first)[backend]
        # A connection that is closed takes its count with it.
        return sent / took_s if took_s > 0 and sent >= 0 else None


def _read(pid: int) -> LoadReading:
    """The counters now; blocks on the kernel."""
    return LoadReading(time.monotonic(), traffic_of(pid), process_work(pid))


def _sent(reading: LoadReading) -> Counter[Address]:
    return Counter(
        {address: traffic.acknowledged_bytes for address, traffic in (reading.traffic or {}).items()}
    )


def _left(share: float | None, elapsed_s: float) -> float | None:
    """What is left at the rate so far, where that has been long enough and far enough."""
    if share is None or share < EARNED_SHARE or elapsed_s < EARNED_S:
        return None
    return elapsed_s * (1 - share) / share
