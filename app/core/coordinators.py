"""Which coordinators run on this box: starts one for a model, adopts those that were left, stops them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.config.record import CoordinatorRecord, RecordedDevice, RecordFolder
from app.config.settings import CoordinatorSettings, Swap
from app.core.backends import Backends
from app.core.coordinator import Coordinator, Deadlines, Means
from app.core.coordinator_status import CoordinatorForgotten, CoordinatorStatus
from app.core.events import Bus, Severity
from app.core.launch import Launch, LaunchPlan, StartLock, prepare
from app.core.placement_history import PlacementHistory, past_placement
from app.core.tenancy import Overtaken, collide
from app.core.voice import Voice
from app.llama.command import tied_to_us
from app.llama.engine import Engine
from app.llama.process import Child, ProcessIdentity, find_process
from app.ollama.names import same_model
from app.rpc.probe import Device
from app.text.address import Address, parse_address

Resolve = Callable[[], Awaitable[LaunchPlan]]


@dataclass(frozen=True, slots=True)
class CoordinatorPlaces:
    """Where coordinators keep what outlives them."""

    records: Path
    """One record for each that runs, so that the next process can adopt it."""
    logs: Path
    history: Path
    """The file of what was planned and what came of it."""
    temporary: bool = False
    """Nothing there outlives this process, so a coordinator must not either."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the coordinator for a model is to have, and who makes way for it."""

    model: str
    backends: tuple[Address, ...]
    """Empty: this box alone."""
    stops: tuple[str, ...] = ()
    """The models whose coordinators are stopped for it ..."""
    swap: Swap = "idle"
    """... and whether also while they answer."""


@dataclass(slots=True, eq=False)
class _Life:
    """A coordinator, and what keeps it."""

    coordinator: Coordinator
    record: CoordinatorRecord | None = None
    task: asyncio.Task[None] | None = None

    @property
    def model(self) -> str:
        """Which it serves."""
        return self.coordinator.status.model


class Coordinators:
    """Keeps the coordinators on this box, whichever process of ours started them: one for each model."""

    def __init__(
        self,
        bus: Bus,
        backends: Backends,
        places: CoordinatorPlaces,
        settings: CoordinatorSettings,
        environment: Mapping[str, str],
    ) -> None:
        self._bus = bus
        self._backends = backends
        self._records = RecordFolder(places.records)
        self.history = PlacementHistory(places.history)
        self._places = places
        self.settings = settings
        """Of the next start; those that run keep their own."""
        self._environment = environment
        self._lives: list[_Life] = []
        """Those that run, and those that have ended since one was last begun; the newest is the last."""
        self._one_change_at_a_time = asyncio.Lock()
        self._told: set[str] = set()
        """Of records that cannot be read."""

    @property
    def known(self) -> tuple[Coordinator, ...]:
        """Those that run, and those that have ended since one was last begun; the newest is the last."""
        return tuple(life.coordinator for life in self._lives)

    @property
    def present(self) -> tuple[Coordinator, ...]:
        """Those that are on their way or serving; the newest is the last."""
        return tuple(coordinator for coordinator in self.known if coordinator.running)

    @property
    def running(self) -> Coordinator | None:
        """The newest that is on its way or serving, if any."""
        return next(reversed(self.present), None)

    @property
    def current(self) -> Coordinator | None:
        """The newest that is known, also where it has ended; None where there was none."""
        return next(reversed(self.known), None)

    def of(self, model: str) -> Coordinator | None:
        """The one that is on its way for a model, or serves it; None where none is."""
        return next((c for c in reversed(self.present) if same_model(c.status.model, model)), None)

    def holder(self, backend: Address) -> Coordinator | None:
        """The one that holds a backend; None where none of ours does."""
        return next((c for c in self.present if backend in c.status.backends), None)

    @property
    def _deadlines(self) -> Deadlines:
        return Deadlines(
            start_s=self.settings.start_deadline_s,
            load_s=self.settings.load_deadline_s,
            load_s_per_gib=self.settings.load_deadline_s_per_gib,
            stop_grace_s=self.settings.stop_grace_s,
        )

    async def adopt(self) -> None:
        """Take over what another process of ours left running; records of what is gone are removed."""
        async with self._one_change_at_a_time:
            await self._adopt()

    async def ensure(self, claim: Claim, resolve: Resolve, engine: Engine) -> Coordinator:
        """The coordinator that serves a model, ready: the one that does already, or a new one.

        Cancelling the wait does not end the load; `stop` does.

        Raises:
            CoordinatorFailed: it could not be started, with the first true cause and what to do.
            Overtaken: others than the claim says would have to make way, or one of them is at work now.
            Problem: another process of ours is starting one right now.
        """
        coordinator: Coordinator | None = None
        while coordinator is None:
            async with self._one_change_at_a_time:
                await self._adopt()
                coordinator = self.of(claim.model)
                starting = next((other for other in self.present if not other.launched), None)
                if coordinator is None and starting is None:
                    coordinator = await self._begin(claim, resolve, engine)
            if coordinator is None and starting is not None:
                # Only then is it known what that one holds; until then it can still be stopped.
                await starting.until_launched()
        await coordinator.until_ready()
        return coordinator

    async def stop(self, *models: str) -> tuple[str, ...]:
        """End the coordinators of these models, or all of them, whoever of ours started them.

        Returns the models of those that were ended.
        """
        async with self._one_change_at_a_time:
            await self._adopt()
            ending = [
                life
                for life in self._lives
                if life.coordinator.running
                and (not models or any(same_model(life.model, model) for model in models))
            ]
            await self._stop(ending)
            return tuple(life.model for life in ending)

    async def leave(self) -> None:
        """Stop watching; coordinators that run go on, and their records stay."""
        for life in self._lives:
            if life.task is not None:
                life.task.cancel()
                with suppress(asyncio.CancelledError):
                    await life.task
            await life.coordinator.leave()

    async def _stop(self, ending: Sequence[_Life]) -> None:
        await asyncio.gather(*map(_end, ending))

    async def _make_way(self, claim: Claim) -> None:
        """Stop those that the claim says.

        Raises:
            Overtaken: that would not be enough any more, or one of them is at work now.
        """
        others = [life for life in self._lives if life.coordinator.running]
        leaving = [life for life in others if life.model in claim.stops]
        for life in others:
            if life not in leaving and collide(life.coordinator.status.backends, claim.backends):
                raise Overtaken
        if claim.swap != "always":
            for life in leaving:
                if await life.coordinator.occupation() is not None:
                    raise Overtaken
        for life in leaving:
            self._bus.say("coordinator", f"{life.model} makes way for {claim.model}")
        await self._stop(leaving)

    async def _begin(self, claim: Claim, resolve: Resolve, engine: Engine) -> Coordinator:
        lock = StartLock(self._places.records)
        lock.acquire()
        with ExitStack() as undoing:
            undoing.callback(lock.release)
            await self._make_way(claim)
            undoing.pop_all()
        coordinator = self._new(claim.model)
        own = _Life(coordinator)

        async def ready_to_run(plan: LaunchPlan) -> Launch:
            launch = await asyncio.to_thread(
                prepare, plan, engine, self._places.logs, self.settings, self._environment
            )
            if self._places.temporary:
                launch = replace(launch, argv=tuple(tied_to_us(launch.argv)))
            # Written before there is a process: whatever happens to us, the next one finds it by its command.
            own.record = self._record(plan, launch)
            await asyncio.to_thread(self._records.save, own.record)
            return launch

        async def started(child: Child) -> None:
            assert own.record is not None
            own.record = replace(own.record, pid=child.identity.pid, started=child.identity.started)
            await asyncio.to_thread(self._records.save, own.record)
            lock.release()

        async def placed(status: CoordinatorStatus) -> None:
            links = {backend.address: backend.latency_ms for backend in self._backends.known}
            await asyncio.to_thread(self.history.add, past_placement(status, engine.version, links))

        async def life() -> None:
            try:
                await coordinator.live(Means(resolve, ready_to_run, started, placed))
            finally:
                lock.release()
                if own.record is not None and not coordinator.running:
                    self._records.remove(own.record)

        await self._begin_life(own, life())
        return coordinator

    def _new(self, model: str) -> Coordinator:
        voice = Voice(self._bus, model, lambda: any(other.status.model != model for other in self.present))
        return Coordinator(voice, self._backends, self._deadlines, model, self.history.add_speed)

    async def _adopt(self) -> None:
        records, problems = await asyncio.to_thread(self._records.all)
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self._bus.say("coordinator", problem, Severity.WARNING)
        ours = {life.record.port for life in self._lives if life.record is not None}
        for record in sorted(records, key=lambda record: record.started or math.inf):
            if record.port in ours:
                continue
            child = await asyncio.to_thread(_find, record)
            if child is None:
                await asyncio.to_thread(self._records.remove, record)
            else:
                await self._take_over(record, child)

    async def _take_over(self, record: CoordinatorRecord, child: Child) -> None:
        coordinator = self._new(record.model)
        backends = tuple(parse_address(word) for word in record.backends)
        own = _Life(coordinator, record)
        self._add(own)
        async with AsyncExitStack() as undoing:
            # Nobody would ever see it end; the next look at the records finds it again.
            undoing.push_async_callback(coordinator.leave)
            undoing.callback(self._backends.hold, (), coordinator)
            undoing.callback(self._lives.remove, own)
            await coordinator.adopt(
                child, port=record.port, key=record.key, log=Path(record.log), backends=backends
            )
            undoing.pop_all()
        for address in backends:
            devices = record.devices.get(str(address), ())
            self._backends.recall(
                address, tuple(Device(d.index, d.total_bytes, d.free_bytes) for d in devices)
            )

        async def life() -> None:
            try:
                await coordinator.live_on()
            finally:
                if not coordinator.running:
                    self._records.remove(record)

        await self._begin_life(own, life())

    async def _begin_life(self, own: _Life, life: Coroutine[Any, Any, None]) -> None:
        begun = asyncio.Event()

        async def live() -> None:
            begun.set()
            await life

        if own not in self._lives:
            self._add(own)
        own.task = asyncio.create_task(live(), name=f"coordinator {own.model}")
        # A task that is cancelled before its first step never gets to what it does at its end.
        await begun.wait()

    def _add(self, own: _Life) -> None:
        """Know one more, and those no more that have ended."""
        ended = {life.model for life in self._lives if not life.coordinator.running}
        self._lives = [*(life for life in self._lives if life.coordinator.running), own]
        for model in ended - {life.model for life in self._lives}:
            self._bus.publish(CoordinatorForgotten(of=model))

    def _record(self, plan: LaunchPlan, launch: Launch) -> CoordinatorRecord:
        known = [self._backends.get(address) for address in plan.backends]
        return CoordinatorRecord(
            port=launch.port,
            model=plan.model,
            argv=launch.argv,
            log=str(launch.log),
            key=launch.key,
            backends=tuple(str(address) for address in plan.backends),
            devices={
                str(backend.address): tuple(
                    RecordedDevice(d.index, d.total_bytes, d.free_bytes) for d in backend.devices
                )
                for backend in known
                if backend is not None
            },
        )


async def _end(life: _Life) -> None:
    """Stop a coordinator that runs, and see its life off."""
    if life.task is None:
        return
    await life.coordinator.stop()
    if life.coordinator.log is None:
        # It has no process yet, so nothing else ends its life.
        life.task.cancel()
    await asyncio.wait([life.task])


def _find(record: CoordinatorRecord) -> Child | None:
    """The process of a record; by its command alone where its number was not written any more."""
    if record.pid is not None and record.started is not None:
        return Child.adopt(ProcessIdentity(record.pid, record.started, record.argv))
    identity = find_process(record.argv)
    return Child.adopt(identity) if identity else None
