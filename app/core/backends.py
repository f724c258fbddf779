"""The backends that are known, and what was last seen of each."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from app.config.state import Remark
from app.core.events import Bus, Change, Severity
from app.rpc.knock import wait_until_free
from app.rpc.probe import BackendState, Device, Probe, ProbeLimits
from app.rpc.sweep import sweep
from app.text.address import Address
from app.text.problem import Problem
from app.text.version import ProtocolVersion

LOST = frozenset({BackendState.REFUSED, BackendState.NO_ANSWER})
"""The states of a backend that is not there."""
HELD = frozenset({BackendState.OURS, BackendState.UNUSED})
"""The states of a backend that our own coordinator holds."""
WELL = frozenset({BackendState.FREE, BackendState.OURS})
"""The states of a backend with which all is as it should be."""
USABLE = WELL | HELD
"""The states of a backend that a coordinator of ours can take."""
UNREMARKED = Remark()
LOOKS_KEPT = 120
"""Of each backend: ten minutes, at the usual interval."""
LOOKS_COMPARED = 12
"""A minute of them: a link that has become slower for good is one within that."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one probe saw."""

    at: datetime
    state: BackendState
    latency_ms: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend, as last seen."""

    address: Address
    origin: str
    """Who named it: `command line`, `environment`, `state`, `config file`, or `sweep`."""
    state: BackendState | None = None
    """None until it was probed."""
    protocol: ProtocolVersion | None = None
    devices: tuple[Device, ...] = ()
    latency_ms: float | None = None
    detail: str = ""
    checked: datetime | None = None
    remark: Remark = UNREMARKED

    @classmethod
    def of(cls, seen: Probe, origin: str) -> Self:
        """What a probe saw of an address that is not known."""
        return cls(
            seen.address, origin, seen.state, seen.protocol, seen.devices, seen.latency_ms, seen.detail
        )

    @property
    def enabled(self) -> bool:
        """Whether it may be probed and used."""
        return not self.remark.disabled

    @property
    def word(self) -> str | None:
        """Its state in a word; None until it was probed."""
        return str(self.state) if self.enabled and self.state else None if self.enabled else "disabled"

    @property
    def free_bytes(self) -> int | None:
        """Free memory over all devices; None where no device was seen."""
        return sum(device.free_bytes for device in self.devices) if self.devices else None

    @property
    def total_bytes(self) -> int | None:
        """Memory over all devices; None where no device was seen."""
        return sum(device.total_bytes for device in self.devices) if self.devices else None


@dataclass(frozen=True, slots=True)
class BackendSeen(Change):
    """A backend is new, or something about it has changed."""

    backend: Backend

    @property
    def thing(self) -> Hashable:
        """One backend."""
        return ("backend", self.backend.address)


@dataclass(frozen=True, slots=True)
class BackendForgotten(Change):
    """A backend is no longer in the registry."""

    address: Address

    @property
    def thing(self) -> Hashable:
        """One backend: replaces whatever was said of it before."""
        return ("backend", self.address)


@dataclass(frozen=True, slots=True)
class BackendProbed(Change):
    """A probe of a backend has ended, also where it saw what the one before had seen."""

    address: Address

    @property
    def thing(self) -> Hashable:
        """The probes of one backend."""
        return ("probe", self.address)


class Backends:
    """The registry: who is known, who is held by a coordinator of our own, and what the last probe said.

    A held backend is never probed: the coordinator is the truth about it.
    """

    def __init__(self, bus: Bus, limits: ProbeLimits) -> None:
        self._bus = bus
        self.limits = limits
        self._known: dict[Address, Backend] = {}
        self._holds: dict[Hashable, frozenset[Address]] = {}
        self._waits: dict[Address, asyncio.Task[None]] = {}
        self._looks: defaultdict[Address, deque[Look]] = defaultdict(lambda: deque(maxlen=LOOKS_KEPT))
        self._remarks: dict[Address, Remark] = {}
        self.protocol: ProtocolVersion | None = None
        """Protocol of our own engine; None where it is not known, and then no backend is a mismatch."""

    @property
    def known(self) -> tuple[Backend, ...]:
        """Every backend, in the order in which they became known."""
        return tuple(self._known.values())

    @property
    def at_their_best(self) -> tuple[Backend, ...]:
        """Every backend with its shortest round trip of the last looks, for whoever plans.

        A link does not get faster by itself, but a busy box answers late now and then; to plan with that
        would deal the layers out in another way each time.
        """
        return tuple(replace(known, latency_ms=self._shortest(known)) for known in self.known)

    def _shortest(self, backend: Backend) -> float | None:
        looks = list(self._looks.get(backend.address, ()))[-LOOKS_COMPARED:]
        measured = [look.latency_ms for look in looks if look.latency_ms is not None]
        return min(measured, default=backend.latency_ms)

    @property
    def usable(self) -> tuple[Backend, ...]:
        """Those that a coordinator of ours can take."""
        return tuple(backend for backend in self.known if backend.enabled and backend.state in USABLE)

    @property
    def held(self) -> frozenset[Address]:
        """The backends that coordinators of our own hold."""
        return frozenset().union(*self._holds.values())

    @property
    def spared(self) -> frozenset[Address]:
        """Not to be probed: held backends, disabled ones, and busy ones on which a knock is parked."""
        disabled = (address for address, remark in self._remarks.items() if remark.disabled)
        return self.held.union(self._waits, disabled)

    def looks(self, address: Address) -> tuple[Look, ...]:
        """What the last probes of a backend saw, the newest at the end."""
        return tuple(self._looks.get(address, ()))

    def remark(self, address: Address, remark: Remark) -> None:
        """From now on, this is said of the backend at `address`, also where it becomes known later."""
        self._remarks[address] = remark
        known = self._known.get(address)
        if known is not None and known.remark != remark:
            if known.remark.disabled is not remark.disabled:
                known = replace(known, state=None, detail="")
            self._see(replace(known, remark=remark))

    def get(self, address: Address) -> Backend | None:
        """The backend at `address`, or None where none is known."""
        return self._known.get(address)

    def add(self, address: Address, origin: str) -> Backend:
        """Make a backend known; one that is known already stays as it is."""
        if address not in self._known:
            self._see(Backend(address, origin, remark=self._remarks.get(address, UNREMARKED)))
        return self._known[address]

    def forget(self, address: Address) -> None:
        """Remove a backend from the registry."""
        self._looks.pop(address, None)
        self._remarks.pop(address, None)
        if self._known.pop(address, None) is not None:
            self._bus.publish(BackendForgotten(address))

    def hold(self, addresses: Iterable[Address], holder: Hashable) -> None:
        """`holder`, a coordinator of our own, has these backends from now on, and no others."""
        before = self.held
        self._holds[holder] = frozenset(addresses)
        if not self._holds[holder]:
            del self._holds[holder]
        for address in sorted(self.held - before):
            known = self.add(address, "coordinator")
            self._see(replace(known, state=BackendState.OURS, detail="held by our coordinator"))
        for address in sorted(before - self.held):
            if address in self._known:
                self._see(replace(self._known[address], state=None, detail="released by our coordinator"))

    def recall(self, address: Address, devices: tuple[Device, ...]) -> None:
        """What a backend had when it was probed by whoever started the coordinator that holds it."""
        known = self._known.get(address)
        if known is not None and not known.devices:
            self._see(replace(known, devices=devices))

    def find_unused(self, addresses: Iterable[Address]) -> None:
        """Our coordinator holds these, and its load has put nothing on them; so until it lets them go."""
        for address in sorted(self.held.intersection(addresses, self._known)):
            detail = "it was chosen but received nothing of the model"
            self._see(replace(self._known[address], state=BackendState.UNUSED, detail=detail))

    async def check(self, addresses: Iterable[Address]) -> tuple[Backend, ...]:
        """Probe these backends now and return what was seen, in their order; some are spared."""
        wanted = tuple(dict.fromkeys(addresses))
        sweeping = sweep(wanted, client=self.protocol, limits=self.limits, held=self.spared)
        async with aclosing(sweeping) as probes:
            async for seen in probes:
                if seen.address in self._known:
                    self.take(seen, self._known[seen.address].origin)
        return tuple(self._known[address] for address in wanted if address in self._known)

    def take(self, seen: Probe, origin: str) -> Backend:
        """Record what a probe saw; a backend that is new becomes known, named by `origin`."""
        remark = self._remarks.get(seen.address, UNREMARKED)
        before = self._known.get(seen.address) or Backend(seen.address, origin, remark=remark)
        if seen.address in self.held or not before.enabled:
            return before
        now = datetime.now(UTC)
        self._looks[seen.address].append(Look(now, seen.state, seen.latency_ms, seen.detail))
        self._bus.publish(BackendProbed(seen.address))
        return self._see(
            replace(
                before,
                state=seen.state,
                protocol=seen.protocol or before.protocol,
                devices=seen.devices or (before.devices if seen.state is BackendState.BUSY else ()),
                latency_ms=seen.latency_ms,
                detail=seen.detail,
                checked=now,
            )
        )

    async def watch(self, interval_s: Callable[[], float]) -> None:
        """Probe what is known again and again, for ever; the interval is asked for each time.

        A busy backend is waited for on one parked knock instead: each further connection would take one of
        the two places in its queue until its coordinator leaves.
        """
        waits = self._waits
        try:
            while True:
                for address in [a for a, wait in waits.items() if wait.done() or not self._wanted(a)]:
                    await _end(waits.pop(address))
                try:
                    await self.check(b.address for b in self.known)
                except Problem as problem:
                    # This box has run out of something; the next round may fare better.
                    self._bus.say("backends", str(problem), Severity.WARNING)
                for backend in self.known:
                    if backend.state is BackendState.BUSY and backend.address not in waits:
                        parked = wait_until_free(backend.address)
                        name = f"wait until {backend.address} is free"
                        waits[backend.address] = asyncio.create_task(parked, name=name)
                pause = asyncio.create_task(asyncio.sleep(interval_s()), name="pause between probes")
                waits_and_pause = {pause, *waits.values()}
                await asyncio.wait(waits_and_pause, return_when=asyncio.FIRST_COMPLETED)
                await _end(pause)
        finally:
            for wait in waits.values():
                await _end(wait)
            waits.clear()

    def _wanted(self, address: Address) -> bool:
        known = self._known.get(address)
        return known is not None and known.enabled

    def _see(self, backend: Backend) -> Backend:
        before = self._known.get(backend.address)
        self._known[backend.address] = backend
        if before is None or replace(before, checked=backend.checked) != backend:
            self._bus.publish(BackendSeen(backend))
        if before is not None and before.state not in (None, backend.state) and backend.state is not None:
            said = f"{backend.state}: {backend.detail}" if backend.detail else str(backend.state)
            self._bus.say(str(backend.address), said, _severity(before.state, backend.state))
        return backend


def _severity(before: BackendState | None, now: BackendState) -> Severity:
    """How much it matters that a state has become another."""
    if now is BackendState.UNUSED:
        return Severity.ERROR
    if now not in WELL:
        return Severity.WARNING
    return Severity.GOOD if before in LOST else Severity.INFO


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task and see it off; how it ended does not matter."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
