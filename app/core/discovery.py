"""Sweeps: looking for backends on the networks, one sweep at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from app.box.interfaces import box_networks
from app.core.backends import Backend, Backends
from app.core.events import Bus, Change, Severity
from app.rpc.probe import BackendState, Probe, ProbeLimits
from app.rpc.sweep import candidates, sweep
from app.text.address import Address
from app.text.units import duration_text, plural

ANSWERED = frozenset({BackendState.FREE, BackendState.BUSY, BackendState.MISMATCH, BackendState.NOT_RPC})
"""The verdicts that make an address a find."""
SWEPT = "sweep"
"""Origin of what a sweep has found."""
WORKERS = frozenset({BackendState.FREE, BackendState.BUSY, BackendState.MISMATCH})
"""The verdicts that make it a backend, worth keeping."""


@dataclass(frozen=True, slots=True)
class SweepGoing(Change):
    """A sweep is under way, or has just ended."""

    done: int
    total: int
    found: int
    elapsed_s: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep found."""

    networks: tuple[str, ...]
    """The words that were swept: networks, hosts, addresses."""
    candidates: int
    elapsed_s: float
    backends: tuple[Backend, ...]
    """Every address that answered, and the known ones that did not."""
    left_out: tuple[str, ...] = field(default=())
    """Networks of this box that were not swept, each with the reason."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a sweep looks."""

    networks: tuple[str, ...] = ()
    """CIDRs, addresses and host names; empty: the real networks of this box."""
    ports: tuple[int, ...] = ()
    virtual: bool = False
    """Also docker's and other virtual networks of this box."""


Welcome = Callable[[Probe, str], Backend]
"""What becomes of a worker that answered, given its origin too."""


class Discovery:
    """Runs sweeps; what they find becomes known at once, or is offered first."""

    def __init__(self, bus: Bus, backends: Backends, limits: ProbeLimits) -> None:
        self._bus = bus
        self._backends = backends
        self.limits = limits
        self._one_at_a_time = asyncio.Lock()
        self._offered: dict[Address, Probe] = {}

    @property
    def running(self) -> bool:
        """Whether a sweep is under way."""
        return self._one_at_a_time.locked()

    @property
    def offered(self) -> tuple[Backend, ...]:
        """The workers of the present or last `look` that nobody has accepted, by address."""
        seen = sorted(self._offered.values(), key=lambda probe: probe.address)
        return tuple(Backend.of(probe, SWEPT) for probe in seen)

    def accept(self, addresses: Iterable[Address]) -> tuple[Backend, ...]:
        """Make these of the offered ones known; the others are offered no more."""
        offered, self._offered = self._offered, {}
        return tuple(self._backends.take(offered[a], SWEPT) for a in addresses if a in offered)

    async def run(self, where: Where, known: Iterable[Address]) -> Sweep:
        """Sweep once, hosts already known first; a worker becomes known as it is found.

        Cancel the task that awaits this to end the sweep early. A second sweep waits for the first.

        Raises:
            AddressProblem: a word of `where` is no network, address or host name.
        """
        return await self._run(where, known, self._backends.take)

    async def look(self, where: Where, known: Iterable[Address]) -> Sweep:
        """Sweep as `run` does; a worker that is new is only offered, for `accept`.

        Raises:
            AddressProblem: a word of `where` is no network, address or host name.
        """

        def offer(seen: Probe, origin: str) -> Backend:
            if self._backends.get(seen.address) is not None:
                return self._backends.take(seen, origin)
            self._offered[seen.address] = seen
            return Backend.of(seen, origin)

        self._offered = {}
        return await self._run(where, known, offer)

    async def _run(self, where: Where, known: Iterable[Address], welcome: Welcome) -> Sweep:
        async with self._one_at_a_time:
            words, left_out = self._words(where)
            addresses = candidates(words, where.ports, known)
            return await self._sweep(words, addresses, left_out, welcome)

    def _words(self, where: Where) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if where.networks:
            return where.networks, ()
        chosen = box_networks(virtual=where.virtual)
        return tuple(str(i.network) for i in chosen.swept), tuple(str(i) for i in chosen.left_out)

    async def _sweep(
        self,
        words: tuple[str, ...],
        addresses: Sequence[Address],
        left_out: tuple[str, ...],
        welcome: Welcome,
    ) -> Sweep:
        started, done, found = time.monotonic(), 0, dict[Address, Backend]()
        known_before = frozenset(b.address for b in self._backends.known)

        def going(*, ended: bool) -> None:
            elapsed = time.monotonic() - started
            self._bus.publish(SweepGoing(done, len(addresses), len(found), elapsed, ended))

        self._bus.say("discovery", f"sweeping {', '.join(words) or 'known hosts'}")
        going(ended=False)
        probes = sweep(
            addresses, client=self._backends.protocol, limits=self.limits, held=self._backends.spared
        )
        try:
            async with aclosing(probes):
                async for seen in probes:
                    done += 1
                    if seen.address in known_before or seen.state in WORKERS:
                        found[seen.address] = welcome(seen, SWEPT)
                    elif seen.state in ANSWERED:
                        found[seen.address] = Backend.of(seen, SWEPT)
                    going(ended=False)
        finally:
            going(ended=True)
            elapsed = time.monotonic() - started
            answered = [b for b in found.values() if b.state in ANSWERED]
            outcome = "found" if done == len(addresses) else "cancelled; found"
            self._bus.say(
                "discovery",
                f"{outcome} {plural(len(answered), 'backend')} in {duration_text(elapsed)}",
                Severity.GOOD if answered else Severity.INFO,
            )
        spared = (b for b in self._backends.known if b.address in self._backends.spared)
        shown = sorted({b.address: b for b in (*found.values(), *spared)}.values(), key=lambda b: b.address)
        return Sweep(words, len(addresses), elapsed, tuple(shown), left_out)
